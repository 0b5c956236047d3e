from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

import pgq
from pgq.contrib.asyncmq import Queue
from pgq.errors import InvalidArgument, InvalidCron
from tests.contrib.asyncmq.running import eventually, working


def test_a_repeatable_fires_once_however_many_workers_run(
    dsn: str, registry: pgq.Registry, queue: Queue
) -> None:
    async def body() -> None:
        other = Queue("work", dsn, registry=registry)
        for each in (queue, other):
            each.add_repeatable("double", every=0.2, kwargs={"number": 2})
        async with working(queue), working(other):

            async def three() -> bool:
                return len(await queue.get_completed()) >= 3

            await eventually(three)
        (repeatable,) = await queue.list_repeatables()
        fires = await queue.client.schedule_history(repeatable.job_def["id"])
        ticks = [each.run_at for each in fires if each.outcome == "enqueued"]
        jobs = await queue.get_job_counts("completed", "waiting")
        assert len(set(ticks)) == len(ticks) == jobs["completed"] + jobs["waiting"]

    asyncio.run(body())


def test_upsert_keeps_one_and_its_rhythm(queue: Queue) -> None:
    async def body() -> None:
        definition: dict[str, Any] = {"task_id": "double", "every": 3600, "kwargs": {"number": 3}}
        first = await queue.upsert_repeatable(**definition)
        assert first - time.time() == pytest.approx(3600, abs=10)
        assert await queue.upsert_repeatable(**definition) == first
        await queue.upsert_repeatable("double", cron="0 3 * * *", retries=2, backoff=2, ttl=60)
        listed = await queue.list_repeatables()
        shown = [
            {key: each.job_def.get(key) for key in ("every", "cron", "kwargs", "retries")}
            for each in sorted(listed, key=lambda each: "cron" in each.job_def)
        ]
        assert shown == [
            {"every": 3600.0, "cron": None, "kwargs": {"number": 3}, "retries": 0},
            {"every": None, "cron": "0 3 * * *", "kwargs": {}, "retries": 2},
        ]

    asyncio.run(body())


@pytest.mark.parametrize("given", ["definition", "listing"])
def test_pause_resume_and_remove(queue: Queue, given: str) -> None:
    async def body() -> None:
        definition: dict[str, Any] = {"task_id": "double", "every": 60}
        next_run = await queue.upsert_repeatable(**definition)
        (listed,) = await queue.list_repeatables()
        named = definition if given == "definition" else listed.job_def
        await queue.pause_repeatable(named)
        assert [each.paused for each in await queue.list_repeatables()] == [True]
        assert await queue.resume_repeatable(named) == next_run
        await queue.remove_repeatable(named)
        assert await queue.list_repeatables() == []
        with pytest.raises(InvalidArgument, match="there is no schedule"):
            await queue.resume_repeatable(named)

    asyncio.run(body())


def test_what_code_declares_goes_when_the_code_changes(
    queue: Queue, dsn: str, registry: pgq.Registry
) -> None:
    async def run(*intervals: float) -> list[tuple[float, bool]]:
        queue = Queue("work", dsn, registry=registry)
        for interval in intervals:
            queue.add_repeatable("double", every=interval, retries=2, backoff=2, ttl=60)
        async with working(queue):
            # Other programs of this queue declare nothing; that changes nothing.
            await eventually(queue.client.worker_status)
        found = await queue.list_repeatables()
        return sorted((each.job_def["every"], each.paused) for each in found)

    async def body() -> None:
        await queue.upsert_repeatable("double", every=7200)
        assert await run(60, 3600) == [(60, False), (3600, False), (7200, False)]
        await queue.pause_repeatable(
            {"task_id": "double", "every": 60, "retries": 2, "backoff": 2, "ttl": 60}
        )
        assert await run() == [(60, True), (3600, False), (7200, False)]
        assert await run(60) == [(60, True), (7200, False)]

    asyncio.run(body())


def test_one_that_code_declared_can_be_removed(queue: Queue) -> None:
    async def body() -> None:
        for interval in (60, 3600):
            queue.add_repeatable("double", every=interval, args=[1], retries=2, backoff=2, ttl=60)
        queue.add_repeatable("double", cron="0 3 * * *")
        async with working(queue):
            await eventually(queue.list_repeatables)
        before = {each.job_def["id"]: each for each in await queue.list_repeatables()}
        gone = next(each for each in before.values() if each.job_def.get("every") == 60)
        await queue.remove_repeatable(gone.job_def)
        after = {each.job_def["id"]: each for each in await queue.list_repeatables()}
        del before[gone.job_def["id"]]
        assert after == before
        # The rest was not touched: the code declares it.
        async with working(queue):
            await eventually(queue.client.worker_status)
        assert {each.job_def["id"] for each in await queue.list_repeatables()} == before.keys()

    asyncio.run(body())


@pytest.mark.parametrize("options", [{}, {"every": 60, "cron": "0 3 * * *"}, {"every": 0}])
def test_not_exactly_one_timing(queue: Queue, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="exactly one of every and cron"):
        queue.add_repeatable("double", **options)


def test_bad_timings(queue: Queue) -> None:
    with pytest.raises(InvalidCron):
        asyncio.run(queue.upsert_repeatable("double", cron="61 * * * *"))
    with pytest.raises(InvalidArgument):
        asyncio.run(queue.upsert_repeatable("double", every=0.001))


def test_every_may_be_text(queue: Queue) -> None:
    async def body() -> None:
        await queue.upsert_repeatable("double", every="10 minutes")
        await queue.upsert_repeatable("double", every="0 3 * * *")
        timings = [each.job_def for each in await queue.list_repeatables()]
        assert {each.get("every", each.get("cron")) for each in timings} == {600, "0 3 * * *"}

    asyncio.run(body())
