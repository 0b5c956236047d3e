from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import pytest

import pgq
from pgq.contrib.asyncmq import Queue, event_emitter, task
from pgq.errors import InvalidArgument
from tests.contrib.asyncmq.running import PATIENCE, ended, eventually, working

ROOT = Path(pgq.__file__).resolve().parents[1]


def history(*names: str) -> list[tuple[str, Any]]:
    events = reversed(event_emitter.list_history(limit=2000))
    return [(each["event"], each["data"]["id"]) for each in events if each["event"] in names]


def test_events_tell_what_became_of_jobs(queue: Queue) -> None:
    heard: list[tuple[str, int]] = []

    async def on_completed(job: dict[str, Any]) -> None:
        heard.append(("completed", job["id"]))

    def on_failed(job: dict[str, Any]) -> None:
        heard.append((job["last_error"], job["id"]))

    def broken(job: dict[str, Any]) -> None:
        raise ValueError("a listener")

    async def body() -> None:
        event_emitter.on("job:completed", broken)
        event_emitter.on("job:completed", on_completed)
        event_emitter.on("job:failed", on_failed)
        try:
            done = await queue.add("double")
            # A retry follows the first failure, and has no event.
            failed = await queue.add("fail", retries=1)
            await queue.run(until_empty=True)
        finally:
            event_emitter.off("job:completed", broken)
            event_emitter.off("job:completed", on_completed)
            event_emitter.off("job:failed", on_failed)
        assert sorted(heard, key=lambda each: each[1]) == [("completed", done), ("no", failed)]
        started = history("job:started")
        assert sorted(started) == [("job:started", each) for each in (done, failed, failed)]
        of_queue = event_emitter.list_history(event="job:failed", queue="work", q="no")
        assert [each["data"]["status"] for each in of_queue] == ["failed"]

    asyncio.run(body())


def test_a_job_that_its_transaction_completes_is_told_too(
    queue: Queue, registry: pgq.Registry
) -> None:
    @registry.task("pay", context=True)
    async def pay(context: pgq.Context) -> None:
        context.result = 7
        async with context.transaction():
            pass

    async def body() -> None:
        job_id = await queue.add("pay")
        await queue.run(until_empty=True)
        assert history("job:started", "job:completed") == [
            ("job:started", job_id), ("job:completed", job_id),
        ]  # fmt: skip
        assert await queue.get_job_result(job_id) == 7

    asyncio.run(body())


def test_a_paused_queue_waits_and_goes_on_at_once(queue: Queue) -> None:
    async def body() -> None:
        # Longer than the test's patience: only the notification of resume() can end the wait.
        queue.scan_interval = 600.0
        async with working(queue):
            await eventually(queue.client.worker_status)
            await queue.pause()
            job_id = await queue.add("double")
            assert [each.paused for each in await queue.client.queue_stats()] == [True]
            await queue.resume()
            assert await ended(queue, job_id) == ["completed"]

    asyncio.run(body())


def test_a_rate_limit_is_the_queues_in_the_database(dsn: str, registry: pgq.Registry) -> None:
    async def limit(queue: Queue) -> tuple[int | None, float | None]:
        await queue.run(until_empty=True)
        for each in await queue.client.queue_limits():
            interval = each.rate_interval
            return each.rate_limit, interval.total_seconds() if interval else None
        return None, None

    async def body() -> None:
        blocked = Queue("work", dsn, rate_limit=0, registry=registry)
        job_id = await blocked.add("double")
        assert await limit(blocked) == (0, 1.0)
        assert await blocked.get_job_state(job_id) == "waiting"
        slow = Queue("work", dsn, rate_limit=1, rate_interval=3600, registry=registry)
        await slow.add("double")
        assert await limit(slow) == (1, 3600.0)
        assert await slow.queue_stats() == {"waiting": 1, "delayed": 0, "failed": 0}
        # A program that only adds does not change the limit.
        await Queue("work", dsn).add("double")
        assert (await slow.client.queue_limits())[0].rate_limit == 1
        unlimited = Queue("work", dsn, registry=registry)
        assert (await limit(unlimited))[0] is None
        assert await unlimited.count() == 0

    asyncio.run(body())


def test_a_negative_rate_limit_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="rate_limit is -1"):
        Queue("work", rate_limit=-1)


def test_no_more_jobs_run_at_once_than_concurrency(dsn: str) -> None:
    registry = pgq.Registry()
    running: set[int] = set()
    most: list[int] = []

    @registry.task("meet")
    async def meet(number: int) -> None:
        running.add(number)
        most.append(len(running))
        await asyncio.sleep(0.05)
        running.discard(number)

    async def body() -> None:
        queue = Queue("work", dsn, concurrency=2, registry=registry)
        await queue.add_bulk([{"task_id": "meet", "args": [number]} for number in range(6)])
        await queue.run(until_empty=True)

    asyncio.run(body())
    assert max(most) == 2 and len(most) == 6


def test_progress_and_the_jobs_of_a_task(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = pgq.Registry()
    monkeypatch.setenv("PGQ_DSN", dsn)
    event_emitter.clear_history()
    go_on = asyncio.Event()

    @task("work", retries=1, progress=True, name="crawl", registry=registry)
    async def crawl(url: str, *, depth: int = 1, report_progress: Any) -> str:
        report_progress(50, {"url": url})
        await go_on.wait()
        return url * depth

    @task(queue="work", progress=True, registry=registry)
    def count(report_progress: Any) -> int:
        report_progress(100)
        return 1

    async def body() -> None:
        queue = Queue("work", registry=registry)
        job_id = await crawl.enqueue("x", depth=2)
        counted = await count.send(delay=0)
        later = await crawl.delay("y", delay=60, depends_on=[job_id], priority=1)
        async with working(queue):

            async def progress() -> Any:
                return (await queue.get_job(job_id) or {})["progress"]

            assert await eventually(progress) == {"progress": 50, "data": {"url": "x"}}
            go_on.set()
            assert await ended(queue, job_id, counted) == ["completed", "completed"]
        assert await queue.get_job_result(job_id) == "xx"
        job = await queue.get_job(later)
        assert job and (job["task"], job["priority"], job["max_retries"]) == ("crawl", 1, 1)
        told = event_emitter.list_history(event="job:progress")
        assert sorted((each["data"]["id"], each["data"]["progress"]) for each in told) == [
            (job_id, 50), (counted, 100),
        ]  # fmt: skip

    asyncio.run(body())
    assert count.task_id == f"{__name__}.count"


def test_a_task_can_be_called_and_refuses_to_repeat_itself(dsn: str) -> None:
    registry = pgq.Registry()

    @task("work", progress=True, registry=registry)
    def count(number: int, report_progress: Any) -> int:
        report_progress(1)
        return number

    assert asyncio.run(count(3)) == 3
    with pytest.raises(InvalidArgument, match="cannot repeat itself"):
        asyncio.run(count.enqueue(1, backend=dsn, repeat_every=5))


def test_backends(dsn: str, queue: Queue) -> None:
    async def body() -> None:
        async with psycopg_pool.AsyncConnectionPool(dsn, min_size=1, open=False) as pool:
            pooled = Queue("work", pool)
            first = await pooled.add("double")
            # Two statements of one call are one transaction here, too.
            await pooled.add_bulk(
                [{"task_id": "double", "job_id": "a"}, {"task_id": "double", "depends_on": ["a"]}]
            )
            assert pooled.backend.dsn == dsn
        async with pgq.AsyncClient(dsn) as client:
            assert await Queue("work", client).get_job_state(first) == "waiting"
            assert Queue("work", client).backend.dsn == dsn
        assert await queue.count() == 3
        await queue.close()
        assert await queue.count() == 3

    asyncio.run(body())


def test_with_a_connection_every_call_is_part_of_its_transaction(dsn: str, queue: Queue) -> None:
    async def body() -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            own = Queue("work", connection)
            await own.add_bulk(
                [{"task_id": "double", "job_id": "a"}, {"task_id": "double", "depends_on": ["a"]}]
            )
            assert await own.count() == 2
            assert await queue.count() == 0
            await connection.rollback()
            assert await own.count() == 0
            with pytest.raises(InvalidArgument, match="a worker needs a DSN"):
                await own.run()

    asyncio.run(body())


def test_what_is_no_backend_or_no_name() -> None:
    backend: Any = object()
    with pytest.raises(InvalidArgument, match="the backend is object"):
        Queue("work", backend)
    with pytest.raises(InvalidArgument, match="name is empty"):
        Queue("")


def test_one_queue_serves_several_event_loops(dsn: str) -> None:
    queue = Queue("work", dsn)
    ids = [asyncio.run(queue.add("double")) for _ in range(2)]
    assert len(set(ids)) == 2


def test_start_works_until_it_is_told_to_stop(dsn: str, tmp_path: Path, queue: Queue) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        from pgq.contrib.asyncmq import Queue, task

        @task(queue="work", name="hello")
        def hello(name):
            return f"hello {name}"

        Queue("work").start()
        """)
    )
    environment = {**os.environ, "PGQ_DSN": dsn, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, program], env=environment) as process:
        try:

            async def body() -> None:
                job_id = await queue.add("hello", ["world"])
                assert await ended(queue, job_id) == ["completed"]
                assert await queue.get_job_result(job_id) == "hello world"

            asyncio.run(body())
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
