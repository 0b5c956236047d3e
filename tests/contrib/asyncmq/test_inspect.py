from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

import pgq
from pgq.contrib.asyncmq import Queue, QueueActive, event_emitter
from pgq.errors import InvalidArgument
from tests.contrib.asyncmq.running import ended, eventually, working

A_DAY = 86_400  # no tick of it comes while a test runs, except at midnight


async def one_of_each(queue: Queue) -> dict[str, int]:
    """Bring jobs into every state; return their ids by state."""
    done = await queue.add("double", [21])
    failed = await queue.add("fail")
    await queue.run(until_empty=True)
    cancelled = await queue.add("double")
    await queue.cancel_job(cancelled)
    waiting = await queue.add("double")
    return {
        "completed": done,
        "failed": failed,
        "cancelled": cancelled,
        "waiting": waiting,
        "delayed": await queue.add("double", delay=60),
        "waiting-children": await queue.add("double", depends_on=[waiting]),
    }


def test_every_state_is_found_and_counted(queue: Queue, dsn: str) -> None:
    async def body() -> None:
        await Queue("other", dsn).add("double")
        ids = await one_of_each(queue)
        for state, job_id in ids.items():
            assert await queue.get_job_state(job_id) == state
            assert [job["id"] for job in await queue.list_jobs(state)] == [job_id]
        assert await queue.get_job_counts() == {
            "active": 0, "completed": 1, "delayed": 1, "failed": 1, "paused": 0, "prioritized": 0,
            "waiting": 1, "waiting-children": 1,
        }  # fmt: skip
        assert await queue.get_job_counts("expired", "cancelled") == {"expired": 0, "cancelled": 1}
        assert await queue.get_job_count_by_types("waiting", "failed") == 2
        assert await queue.count() == 3
        assert await queue.queue_stats() == {"waiting": 1, "delayed": 1, "failed": 1}
        assert await queue.get_job_result(ids["completed"]) == 42
        assert await queue.get_paused() == await queue.get_prioritized() == []
        assert await queue.get_job(999) is None
        assert await queue.get_job_state("nobody") is None

    asyncio.run(body())


def test_a_job_of_another_queue_is_none_of_ours(queue: Queue, dsn: str) -> None:
    async def body() -> None:
        other = Queue("other", dsn)
        job_id = await other.add("double")
        assert await queue.get_job(job_id) is None
        assert not await queue.cancel_job(job_id)
        assert not await queue.remove_job(job_id)
        assert not await queue.retry_job(job_id)
        assert await other.get_job_state(job_id) == "waiting"

    asyncio.run(body())


def test_pages(queue: Queue) -> None:
    async def body() -> None:
        ids = await queue.add_bulk([{"task_id": "double"} for _ in range(10)])

        async def page(start: int, end: int, asc: bool) -> list[int]:
            jobs = await queue.get_waiting(start=start, end=end, asc=asc)
            return [job["id"] for job in jobs]

        assert await page(0, -1, True) == ids
        assert await page(0, 2, True) == ids[:3]
        assert await page(3, 4, True) == ids[3:5]
        assert await page(8, 20, False) == [ids[1], ids[0]]
        assert await page(5, 2, False) == []

    asyncio.run(body())


def test_a_job_that_waits_for_a_semaphore_is_waiting(queue: Queue) -> None:
    async def body() -> None:
        client = queue.client
        for _ in range(2):
            await client.enqueue("double", queue="work", concurrency_key="a", concurrency_limit=1)
        await client.promote_due()
        assert len(await client.blocked_jobs()) == 1
        assert len(await queue.get_waiting()) == 2
        assert await queue.get_waiting_children() == []
        assert await queue.get_job_counts("waiting") == {"waiting": 2, "paused": 0}
        assert len(await queue.drain()) == 2

    asyncio.run(body())


def test_an_unknown_state_is_refused(queue: Queue) -> None:
    with pytest.raises(InvalidArgument, match="'done' is no state"):
        asyncio.run(queue.list_jobs("done"))


def test_delayed_jobs(queue: Queue, travel: Callable[[str], None]) -> None:
    async def body() -> None:
        late, soon, never = [await queue.add("double", delay=delay) for delay in (600, 60, 900)]
        listed = await queue.list_delayed()
        assert [each.job_id for each in listed] == [soon, late, never]
        assert listed[0].run_at - time.time() == pytest.approx(60, abs=10)
        assert await queue.remove_delayed(never)
        assert not await queue.remove_delayed(never)
        assert await queue.get_due_delayed() == []
        travel("5 minutes")
        (due,) = await queue.get_due_delayed()
        assert due["id"] == soon
        assert await queue.get_job_state(soon) == "waiting"
        assert not await queue.remove_delayed(soon)
        # A program of AsyncMQ does this with a job that it popped; here it is the same job.
        assert await queue.enqueue(due) == soon
        assert await queue.count() == 2

    asyncio.run(body())


def test_clean_goes_by_state_and_age(queue: Queue, travel: Callable[[str], None]) -> None:
    async def body() -> None:
        ids = await one_of_each(queue)
        long_ago = time.time() - 3600
        assert await queue.clean("completed", older_than=long_ago) == 0
        assert await queue.clean("completed", older_than=time.time() + 60) == 1
        assert await queue.clean("failed") == 1
        assert await queue.clean_jobs(grace=3600, state="cancelled") == []
        assert await queue.clean_jobs(state="cancelled") == [ids["cancelled"]]
        assert (await queue.get_job_counts("waiting", "delayed", "waiting-children")) == {
            "waiting": 1, "delayed": 1, "waiting-children": 1, "paused": 0,
        }  # fmt: skip

    asyncio.run(body())


def test_clean_jobs_stops_at_its_limit(queue: Queue) -> None:
    async def body() -> None:
        ids = await queue.add_bulk([{"task_id": "double"} for _ in range(5)])
        await queue.run(until_empty=True)
        assert await queue.clean_jobs(limit=2) == ids[:2]
        assert await queue.clean_jobs(limit=0) == ids[2:]

    asyncio.run(body())


def test_clean_takes_more_than_one_page(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgq.contrib.asyncmq._inspector.DISCARD_AT_ONCE", 3)

    async def body() -> None:
        ids = await queue.add_bulk([{"task_id": "double"} for _ in range(8)])
        assert await queue.drain() == ids

    asyncio.run(body())


def test_drain_leaves_delayed_jobs_unless_told(queue: Queue) -> None:
    async def body() -> None:
        ids = await one_of_each(queue)
        assert await queue.drain() == [ids["waiting"]]
        await queue.client.promote_due()
        assert await queue.get_job_state(ids["waiting-children"]) == "cancelled"
        assert await queue.drain(include_delayed=True) == [ids["delayed"]]
        assert len(await queue.get_completed()) == 1

    asyncio.run(body())


def test_obliterate(queue: Queue, registry: pgq.Registry, dsn: str) -> None:
    begun = asyncio.Event()

    @registry.task("sleep")
    async def sleep() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def body() -> None:
        other = Queue("other", dsn)
        await other.add("double")
        await other.upsert_repeatable("double", every=A_DAY)
        await one_of_each(queue)
        await queue.upsert_repeatable("double", every=A_DAY)
        queue.add_repeatable("double", every=2 * A_DAY)
        running = await queue.add("sleep", priority=0)
        async with working(queue):
            await begun.wait()
            with pytest.raises(QueueActive, match="'work' has running jobs"):
                await queue.obliterate()
            assert isinstance(QueueActive("x"), RuntimeError)
            await queue.obliterate(force=True)
            assert await ended(queue, running) == ["cancelled"]
        assert await queue.list_repeatables() == []
        await queue.obliterate()
        assert set((await queue.get_job_counts()).values()) == {0}
        assert await other.count() == 1
        assert len(await other.list_repeatables()) == 1

    asyncio.run(body())


def test_cancel(queue: Queue, registry: pgq.Registry) -> None:
    begun = asyncio.Event()
    event_emitter.clear_history()

    @registry.task("sleep")
    async def sleep() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def body() -> None:
        waiting = await queue.add("double")
        assert not await queue.is_job_cancelled(waiting)
        assert await queue.cancel_job(waiting)
        assert await queue.is_job_cancelled(waiting)
        assert not await queue.cancel_job(waiting)
        running = await queue.add("sleep")
        async with working(queue):
            await begun.wait()
            assert await queue.cancel_job(running)
            assert await queue.is_job_cancelled(running)
            assert await ended(queue, running) == ["cancelled"]

        async def told() -> bool:
            return len(event_emitter.list_history(event="job:cancelled")) == 2

        await eventually(told)

    asyncio.run(body())


def test_retry_runs_a_failed_job_again(queue: Queue, registry: pgq.Registry) -> None:
    async def body() -> None:
        job_id = await queue.add("fail")
        await queue.run(until_empty=True)
        assert await queue.retry_job(job_id)
        assert await queue.get_job_state(job_id) == "waiting"
        await queue.run(until_empty=True)
        assert await queue.get_job_state(job_id) == "failed"
        assert not await queue.retry_job(999)

    asyncio.run(body())
