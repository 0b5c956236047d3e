from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pgq.contrib.asyncmq import Job, Queue, event_emitter
from pgq.contrib.asyncmq._new_job import backoff_of
from pgq.errors import InvalidArgument, InvalidJob


def events(name: str) -> list[dict[str, Any]]:
    return [each["data"] for each in event_emitter.list_history(event=name)]


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        (None, [0, 0, 0]),
        (3, [3, 9, 27]),
        (0.5, [0.5, 0.25, 0.125]),
        ([1, 5], [1, 5, 5]),
        (lambda retries: retries * 7, [7, 14, 21]),
        (lambda: 4, [4, 4, 4]),
        (1e200, [31_536_000] * 3),
    ],
)
def test_a_backoff_gives_the_delays_that_asyncmq_would(backoff: Any, delays: list[float]) -> None:
    assert backoff_of(backoff, 3) == {"kind": "list", "delays": delays, "jitter": 0}


def test_other_backoffs() -> None:
    assert backoff_of("linear", 3) == "linear"
    assert backoff_of(2, 0) is None
    many: Any = backoff_of(1.1, 500)
    assert len(many["delays"]) == 100


def test_failed_attempts_wait_as_long_as_the_backoff_says(
    queue: Queue, conn: psycopg.Connection
) -> None:
    async def body() -> dict[str, Any]:
        job_id = await queue.add("fail", retries=2, backoff=100)
        await queue.run(until_empty=True)
        job = await queue.get_job(job_id)
        assert job
        return job

    job = asyncio.run(body())
    assert (job["status"], job["retries"], job["last_error"]) == ("delayed", 1, "no")
    assert job["delay_until"] - job["created_at"] == pytest.approx(100, abs=10)


def test_retries_without_backoff_follow_at_once(queue: Queue) -> None:
    async def body() -> dict[str, Any]:
        job_id = await queue.add("fail", retries=2)
        await queue.run(until_empty=True)
        job = await queue.get_job(job_id)
        assert job
        return job

    job = asyncio.run(body())
    assert (job["status"], job["retries"], job["max_retries"]) == ("failed", 3, 2)
    assert "ValueError: no" in job["error_traceback"]


def test_lower_priorities_run_first(queue: Queue) -> None:
    async def body() -> None:
        ids = [await queue.add("double", priority=priority) for priority in (5, 1, 9)]
        queue.concurrency = 1
        await queue.run(until_empty=True)
        began = [event["id"] for event in reversed(events("job:started"))]
        assert began == [ids[1], ids[0], ids[2]]

    asyncio.run(body())


def test_a_job_expires_after_its_ttl(queue: Queue, travel: Callable[[str], None]) -> None:
    async def body() -> None:
        job_id = await queue.add("double", ttl=60)
        travel("2 minutes")
        await queue.client.maintain()
        await queue.run(until_empty=True)
        assert await queue.get_job_state(job_id) == "expired"

    asyncio.run(body())


def test_a_custom_id_stands_for_its_job(queue: Queue) -> None:
    async def body() -> None:
        job_id = await queue.add("double", [4], job_id="order-17")
        assert await queue.add("double", [5], job_id="order-17") == job_id
        (event,) = events("job:duplicated")
        assert event == {"queue": "work", "job_id": job_id}
        await queue.run(until_empty=True)
        # Until the job is removed, its id is taken.
        assert await queue.add("double", [6], job_id="order-17") == job_id
        assert await queue.get_job_result("order-17") == 8
        assert await queue.remove_job("order-17")
        assert await queue.get_job("order-17") is None
        assert await queue.add("double", [7], job_id="order-17") != job_id

    asyncio.run(body())


def test_a_custom_id_counts_in_its_queue(queue: Queue, dsn: str) -> None:
    async def body() -> None:
        other = Queue("other", dsn)
        assert await queue.add("double", job_id="a") != await other.add("double", job_id="a")
        assert (await other.get_job("a") or {})["job_id"] == "a"

    asyncio.run(body())


@pytest.mark.parametrize("job_id", ["", "17", "a:b"])
def test_unusable_custom_ids(queue: Queue, job_id: str) -> None:
    with pytest.raises(ValueError, match=r"job_id (is|must not contain)"):
        asyncio.run(queue.add("double", job_id=job_id))


def test_ids_may_be_text(queue: Queue) -> None:
    async def body() -> None:
        first = str(await queue.add("double"))
        await queue.add("double", depends_on=[first])
        assert await queue.get_job_state(first) == "waiting"
        assert await queue.cancel_job(first)

    asyncio.run(body())


def test_simple_deduplication_lasts_as_long_as_the_job(queue: Queue) -> None:
    async def body() -> None:
        first = await queue.add("double", deduplication={"id": "a"})
        assert await queue.add("double", debounce={"id": "a"}) == first
        assert [event["deduplication_id"] for event in events("job:deduplicated")] == ["a"]
        assert [event["debounce_id"] for event in events("job:debounced")] == ["a"]
        assert await queue.get_deduplication_job_id("a") == first
        await queue.run(until_empty=True)
        assert await queue.get_debounce_job_id("a") is None
        assert await queue.add("double", deduplication={"id": "a"}) != first

    asyncio.run(body())


def test_a_throttle_outlives_the_job(queue: Queue) -> None:
    async def body() -> None:
        first = await queue.add("double", deduplication={"id": "a", "ttl": 60})
        await queue.run(until_empty=True)
        assert await queue.add("double", deduplication={"id": "a", "ttl": 60}) == first
        assert await queue.remove_deduplication_key("a")
        assert not await queue.remove_deduplication_key("a")
        assert await queue.add("double", deduplication={"id": "a", "ttl": 60}) != first

    asyncio.run(body())


def test_a_debounce_replaces_the_delayed_job(queue: Queue) -> None:
    async def body() -> None:
        options = {"id": "a", "replace": True}
        first = await queue.add("double", [1], delay=60, deduplication=options)
        again = await queue.add("double", [2], delay=120, deduplication=options)
        job = await queue.get_job(first)
        assert again == first and job
        assert (job["args"], job["deduplication"]) == ([2], {"id": "a"})
        assert job["delay_until"] - time.time() == pytest.approx(120, abs=10)

    asyncio.run(body())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deduplication": {}}, "has no id"),
        ({"deduplication": {"id": "a", "extend": True}}, "cannot extend"),
        ({"deduplication": {"id": "a"}, "job_id": "b"}, "both job_id and deduplication"),
    ],
)
def test_deduplications_that_make_no_sense(
    queue: Queue, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        asyncio.run(queue.add("double", **options))


def test_bulk_is_one_statement_and_all_or_none(queue: Queue, conn: psycopg.Connection) -> None:
    async def body() -> None:
        ids = await queue.add_bulk([{"task_id": "double", "args": [n]} for n in range(500)])
        assert ids == sorted(ids) and len(set(ids)) == 500
        with pytest.raises(InvalidJob, match="priority"):
            await queue.add_bulk(
                [{"task_id": "double"}, {"task_id": "double", "priority": 1 << 40}]
            )
        assert await queue.count() == 500

    asyncio.run(body())
    # All are of one transaction: rows of one statement share its time.
    stored = conn.execute("select count(distinct (xmin::text, created_at)) from pgq.jobs")
    assert stored.fetchone() == (1,)


def test_bulk_keeps_dependencies_in_any_order(queue: Queue) -> None:
    async def body() -> None:
        last, first, old = await queue.add_bulk(
            [
                {"task_id": "double", "depends_on": ["load", "old"]},
                {"task_id": "double", "name": "load"},
                {"task_id": "double", "job_id": "old"},
            ]
        )
        job = await queue.get_job(last)
        assert job and job["depends_on"] == sorted([first, old])
        assert await queue.get_job_counts("waiting", "waiting-children") == {
            "waiting": 2, "waiting-children": 1, "paused": 0,
        }  # fmt: skip
        await queue.run(until_empty=True)
        assert await queue.get_job_state(last) == "completed"

    asyncio.run(body())


@pytest.mark.parametrize(
    "job", [{"args": [1]}, {"task_id": "double", "depend_on": [1]}, {"task_id": 7}]
)
def test_bulk_refuses_what_it_does_not_know(queue: Queue, job: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="a job of add_bulk has"):
        asyncio.run(queue.add_bulk([job]))


def test_an_unknown_parent_is_refused(queue: Queue) -> None:
    with pytest.raises(InvalidJob, match="'nobody'"):
        asyncio.run(queue.add("double", depends_on=["nobody"]))


def test_a_failed_parent_ends_its_children(queue: Queue) -> None:
    async def body() -> None:
        parent = await queue.add("fail")
        child = await queue.add("double", depends_on=[parent])
        stubborn = await queue.add("double", depends_on=[parent], on_parent_failure="run")
        await queue.run(until_empty=True)
        states = [await queue.get_job_state(each) for each in (parent, child, stubborn)]
        assert states == ["failed", "cancelled", "completed"]

    asyncio.run(body())


def test_payloads(queue: Queue) -> None:
    async def body() -> None:
        now = await queue.send({"task_id": "double", "args": [1], "retries": 3})
        later = await queue.delay({"task": "double", "kwargs": {"number": 2}}, time.time() + 60)
        job = Job("double", [3], max_retries=1)
        own = await queue.enqueue(job.to_dict())
        assert await queue.enqueue(job.to_dict()) == own
        found = [await queue.get_job(each) for each in (now, later, job.id)]
        shown = [
            (each["status"], each["max_retries"], each["args"], each["kwargs"])
            for each in found
            if each
        ]
        assert shown == [
            ("waiting", 3, [1], {}),
            ("delayed", 0, [], {"number": 2}),
            ("waiting", 1, [3], {}),
        ]
        assert (found[2] or {})["id"] == own
        # A job of a listing may be passed back: it is that job, which runs now.
        assert await queue.enqueue_delayed(found[1] or {}, time.time() + 600) == later
        assert await queue.enqueue(found[1] or {}) == later
        assert await queue.get_job_state(later) == "waiting"
        with pytest.raises(InvalidJob, match="not_found"):
            await queue.enqueue({"id": 999, "task": "double"})
        with pytest.raises(InvalidArgument, match="no task_id"):
            await queue.enqueue({"args": []})

    asyncio.run(body())


def test_arguments_of_every_shape_arrive(queue: Queue) -> None:
    async def body() -> None:
        shapes: list[tuple[list[Any], dict[str, Any]]] = [
            ([], {}), ([1], {}), ([], {"number": 1}), ([1], {"other": 2}),
            ([], {"args": [], "kwargs": {}}),
        ]  # fmt: skip
        for args, kwargs in shapes:
            job = await queue.get_job(await queue.add("double", args, kwargs))
            assert job and (job["args"], job["kwargs"]) == (args, kwargs)

    asyncio.run(body())
