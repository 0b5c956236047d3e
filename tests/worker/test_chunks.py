"""Handlers that get many jobs of their task in one call."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

import pgq
from pgq.worker.executor import Runner
from tests.worker.running import drain, finished, running, wait_for


def enqueue(client: pgq.Client, count: int, **options: Any) -> list[int]:
    jobs = [pgq.NewJob("t", [n], **options) for n in range(count)]
    return [created.id for created in client.enqueue_many(jobs)]


def states(client: pgq.Client, ids: Sequence[int]) -> list[tuple[str, Any]]:
    found = [client.job(job_id) for job_id in ids]
    return [(job.state, job.result) for job in found if job is not None]


def last_error(client: pgq.Client, job_id: int) -> tuple[str, str]:
    job = client.job(job_id)
    assert job is not None and job.errors
    return job.errors[-1]["type"], job.errors[-1]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("concurrency", [1, 10])
def test_jobs_come_together_and_each_has_its_result(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool, concurrency: int
) -> None:
    calls: list[list[int]] = []

    def handle(numbers: list[int]) -> list[int]:
        calls.append(numbers)
        return [number * 2 for number in numbers]

    async def handle_async(numbers: list[int]) -> list[int]:
        await asyncio.sleep(0)
        return handle(numbers)

    registry.task("t", batch_size=20, batch_wait=2)(handle_async if is_async else handle)
    ids = enqueue(client, 45)
    drain(dsn, registry, concurrency=concurrency)
    assert states(client, ids) == [("succeeded", n * 2) for n in range(45)]
    assert sorted(map(len, calls), reverse=True)[:2] == [20, 20]
    assert sorted(number for call in calls for number in call) == list(range(45))
    assert client.verify() == []


@pytest.mark.slow
def test_a_chunk_that_is_not_full_starts_when_its_time_is_up(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    calls: list[int] = []

    @registry.task("t", batch_size=100, batch_wait=0.3)
    def handle(numbers: list[int]) -> None:
        calls.append(len(numbers))

    with running(dsn, registry):
        ids = enqueue(client, 3)
        for job_id in ids:
            assert finished(client, job_id).state == "succeeded"
    assert calls == [3]


@pytest.mark.slow
def test_each_job_has_its_own_outcome(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    calls: list[list[int]] = []

    @registry.task("t", batch_size=10, batch_wait=0.1, max_attempts=5, no_retry_on=KeyError)
    async def handle(numbers: list[int]) -> list[Any]:
        calls.append(numbers)
        if len(numbers) == 1:
            return ["again"]
        return [
            "fine",
            ValueError("bad"),
            pgq.Snooze(3600),
            pgq.Cancel("of no use"),
            pgq.Fail("for good"),
            pgq.Retry(in_=0),
            KeyError("k"),
            object(),
        ]

    ids = enqueue(client, 8, max_attempts=2, backoff="1h")
    drain(dsn, registry)
    assert states(client, ids) == [
        ("succeeded", "fine"),
        ("scheduled", None),
        ("scheduled", None),
        ("cancelled", None),
        ("failed", None),
        ("succeeded", "again"),
        ("failed", None),
        ("scheduled", None),
    ]
    assert last_error(client, ids[1]) == ("ValueError", "bad")
    assert last_error(client, ids[7])[0] == "InvalidResult"
    snoozed = client.job(ids[2])
    assert snoozed is not None and snoozed.attempt == 0
    # The one that was to be retried at once ran alone.
    assert calls == [list(range(8)), [5]]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_of_the_call_fails_all_and_they_are_retried_one_by_one(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    calls: list[list[int]] = []

    def handle(numbers: list[int]) -> None:
        calls.append(numbers)
        if 2 in numbers:
            raise ValueError("poison")

    async def handle_async(numbers: list[int]) -> None:
        handle(numbers)

    registry.task("t", batch_size=5, batch_wait=1)(handle_async if is_async else handle)
    ids = enqueue(client, 5, max_attempts=2, backoff=0)
    drain(dsn, registry)
    succeeded = ("succeeded", None)
    assert states(client, ids) == [*[succeeded] * 2, ("failed", None), *[succeeded] * 2]
    assert last_error(client, ids[2]) == ("ValueError", "poison")
    assert Counter(map(len, calls)) == {5: 1, 1: 5}
    assert client.verify() == []


@pytest.mark.slow
@pytest.mark.parametrize("value", [[1], {"a": 1}, "abc", 5, [1, 2, 3, 4]])
def test_a_wrong_return_fails_all(
    dsn: str, registry: pgq.Registry, client: pgq.Client, value: Any
) -> None:
    registry.task("t", batch_size=3)(lambda _items: value)
    ids = enqueue(client, 3, max_attempts=1)
    drain(dsn, registry)
    assert states(client, ids) == [("failed", None)] * 3
    kind, message = last_error(client, ids[0])
    assert kind == "InvalidResult" and "for 3 jobs" in message


@pytest.mark.slow
def test_args_that_do_not_fit_fail_alone(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    got: list[Any] = []
    registry.task("t", batch_size=10, batch_wait=0.1)(lambda items: got.extend(items))
    for args in ([1], {}, [1, 2], {"a": 1}, {"args": [3], "kwargs": {}}):
        client.enqueue("t", args)
    drain(dsn, registry)
    assert got == [1, {"a": 1}, 3]
    failed = client.list_jobs(states=["failed"]).jobs
    assert [(job.attempt, job.error_type) for job in failed] == [(1, "ArgsMismatch")] * 2


@pytest.mark.slow
def test_contexts_and_middleware(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    seen: list[tuple[int, int]] = []
    refused: list[str] = []

    @registry.add_middleware
    async def look(context: pgq.Context, call_next: pgq.CallNext) -> None:
        assert context.together is not None
        seen.append((context.job_id, len(context.together)))
        await call_next()

    @registry.add_middleware
    def look_in_thread(context: pgq.Context, call_next: pgq.CallNext) -> None:
        seen.append((context.job_id, threading.get_ident()))
        call_next()

    @registry.task("t", batch_size=3, context=True)
    def handle(contexts: list[pgq.Context], items: list[int]) -> list[int]:
        assert seen[-1][1] == threading.get_ident()
        for context in contexts:
            context.progress(context.job_id)
        with pytest.raises(pgq.InvalidArgument) as error:
            contexts[0].transaction()
        refused.append(str(error.value))
        assert [context.headers for context in contexts] == [{"n": item} for item in items]
        return [context.job_id for context in contexts]

    jobs = [pgq.NewJob("t", [n], headers={"n": n}) for n in range(3)]
    ids = [created.id for created in client.enqueue_many(jobs)]
    drain(dsn, registry)
    assert states(client, ids) == [("succeeded", job_id) for job_id in ids]
    assert [job_id for job_id, _ in seen] == [ids[0], ids[0]] and seen[0][1] == 3
    assert "does not complete its jobs itself" in refused[0]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_each_job_has_its_own_timeout(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    told: list[bool] = []

    def handle(contexts: list[pgq.Context], items: list[int]) -> list[str]:
        wait_for(lambda: contexts[0].cancelled)
        told.extend(context.cancelled for context in contexts)
        return ["late", "fine"]

    async def handle_async(contexts: list[pgq.Context], items: list[int]) -> list[str]:
        return await asyncio.to_thread(handle, contexts, items)

    registry.task("t", batch_size=2, context=True)(handle_async if is_async else handle)
    jobs = [pgq.NewJob("t", [0], timeout=0.2, max_attempts=1), pgq.NewJob("t", [1])]
    ids = [created.id for created in client.enqueue_many(jobs)]
    drain(dsn, registry)
    assert states(client, ids) == [("failed", None), ("succeeded", "fine")]
    assert last_error(client, ids[0])[0] == "JobTimeout" and told == [True, False]


@pytest.mark.slow
def test_a_call_stops_when_none_of_its_jobs_is_left(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    began = threading.Event()
    ended: list[str] = []

    @registry.task("t", batch_size=2)
    async def handle(items: list[int]) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with running(dsn, registry, heartbeat_interval=0.1):
        ids = enqueue(client, 2)
        assert began.wait(10)
        client.cancel([ids[0]])
        time.sleep(0.5)
        assert not ended
        client.cancel([ids[1]])
        assert [finished(client, job_id).state for job_id in ids] == ["cancelled"] * 2
    assert ended == ["cancelled"] and client.verify() == []


@pytest.mark.slow
def test_a_job_that_waits_for_others_can_be_cancelled(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[int]] = []
    runners: list[Runner] = []
    add = Runner.add

    def noting(self: Runner, *args: Any, **kwargs: Any) -> None:
        runners[:] = [self]
        add(self, *args, **kwargs)

    monkeypatch.setattr(Runner, "add", noting)

    @registry.task("t", batch_size=100, batch_wait=1.5)
    async def handle(items: list[int]) -> None:
        calls.append(items)

    with running(dsn, registry, heartbeat_interval=0.1):
        ids = enqueue(client, 3)
        wait_for(lambda: runners and len(runners[0].active) == 3)
        client.cancel([ids[0]])
        assert finished(client, ids[0]).state == "cancelled"
        assert not calls
        assert [finished(client, job_id).state for job_id in ids[1:]] == ["succeeded"] * 2
    assert calls == [[1, 2]]


@pytest.mark.slow
def test_a_worker_that_stops_hands_back_what_waits(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    @registry.task("t", batch_size=100, batch_wait=60)
    async def handle(items: list[int]) -> None: ...

    ids = enqueue(client, 3)
    began = time.monotonic()
    with running(dsn, registry):
        wait_for(lambda: conn.execute("select count(*) = 3 from pgq.running").fetchone() == (True,))
    assert time.monotonic() - began < 10
    assert states(client, ids) == [("ready", None)] * 3
    job = client.job(ids[0])
    assert job is not None and job.attempt == 0 and client.verify() == []


@pytest.mark.slow
def test_other_jobs_do_not_wait_for_a_chunk(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    order: list[str] = []
    registry.task("t", batch_size=100, batch_wait=1)(lambda _items: order.append("t"))
    registry.task("other")(lambda: order.append("other"))
    enqueue(client, 3)
    for _ in range(4):
        client.enqueue("other")
    drain(dsn, registry, concurrency=1)
    assert order == ["other"] * 4 + ["t"]


@pytest.mark.slow
def test_a_job_that_killed_its_worker_runs_alone(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    calls: list[list[int]] = []

    @registry.task("t", batch_size=100, batch_wait=0.2)
    def handle(items: list[int]) -> None:
        calls.append(items)

    enqueue(client, 3)
    lost = client.register_worker("w", ["*"])
    assert len(client.claim_batch(["*"], lost, 1)) == 1
    client.report_lost_worker(lost, "died")
    drain(dsn, registry)
    assert sorted(calls) == [[0], [1, 2]]
