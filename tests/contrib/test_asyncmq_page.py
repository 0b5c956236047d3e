"""The examples of AsyncMQ's page "Queues & Queue API", as they stand there.

Adapted are the imports, and the DSN instead of a backend; `id_b`, which the page uses without
saying where it comes from, is another job.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import textwrap
from typing import Any

import pytest

import pgq
from pgq.contrib.asyncmq import Queue, _temporary
from tests.contrib.asyncmq.running import ended, eventually, working
from tests.servers import Databases


async def run(snippet: str, **names: Any) -> dict[str, Any]:
    """Run an example that may await, and return its names."""
    names.setdefault("__name__", "example")
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(textwrap.dedent(snippet), "the page", "exec", flags=flags)
    answer = eval(code, names)
    if inspect.isawaitable(answer):
        await answer
    return names


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()
    for name in ("step_a", "step_b", "ingest", "transform_a", "transform_b", "aggregate"):

        def handler(name: str = name) -> str:
            return name

        made.task(f"app.{name}")(handler)

    @made.task("app.send_email")
    async def send_email(address: str, subject: str) -> dict[str, str]:
        return {address: subject}

    @made.task("app.process")
    def process(number: int) -> int:
        return number * 10

    @made.task("app.cleanup")
    def cleanup() -> None: ...

    return made


@pytest.fixture
def queue(dsn: str, registry: pgq.Registry) -> Queue:
    return Queue("emails", dsn, registry=registry)


def test_2_constructor() -> None:
    names = asyncio.run(
        run("""
        from pgq.contrib.asyncmq.queues import Queue

        made = Queue(
            name="email",
            backend=None,
            concurrency=3,
            rate_limit=None,
            rate_interval=1.0,
            scan_interval=None,
        )
        """)
    )
    assert names["made"].name == "email"
    parameters = list(inspect.signature(Queue).parameters.values())[:6]
    assert [(each.name, each.default) for each in parameters] == [
        ("name", inspect.Parameter.empty), ("backend", None), ("concurrency", 3),
        ("rate_limit", None), ("rate_interval", 1.0), ("scan_interval", None),
    ]  # fmt: skip


def test_3_1_add(queue: Queue) -> None:
    async def body() -> None:
        names = await run(
            """
            job_id = await queue.add(
                task_id="app.send_email",
                args=["alice@example.com"],
                kwargs={"subject": "Hi"},
                retries=2,
                ttl=300,
                backoff=None,
                priority=5,
                delay=10.0,
            )
            """,
            queue=queue,
        )
        job = await queue.get_job(names["job_id"])
        assert job is not None
        assert (job["task"], job["args"], job["kwargs"]) == (
            "app.send_email", ["alice@example.com"], {"subject": "Hi"}
        )  # fmt: skip
        assert (job["status"], job["max_retries"], job["ttl"], job["priority"]) == (
            "delayed", 2, 300, 5
        )  # fmt: skip
        assert job["delay_until"] - job["created_at"] == pytest.approx(10)
        async with working(queue):
            await queue.retry_job(names["job_id"])
            assert await ended(queue, names["job_id"]) == ["completed"]
        assert await queue.get_job_result(names["job_id"]) == {"alice@example.com": "Hi"}

    asyncio.run(body())


def test_3_2_add_bulk(queue: Queue) -> None:
    async def body() -> None:
        names = await run(
            """
            ids = await queue.add_bulk([
                {"task_id": "app.process", "args": [1]},
                {"task_id": "app.process", "args": [2]},
            ])
            """,
            queue=queue,
        )
        async with working(queue):
            await ended(queue, *names["ids"])
        assert [await queue.get_job_result(each) for each in names["ids"]] == [10, 20]

    asyncio.run(body())


def test_3_3_add_repeatable(queue: Queue) -> None:
    async def body() -> None:
        await run(
            """
            queue.add_repeatable(
                task_id="app.cleanup",
                every=3600, # seconds
                args=None,
                cron=None,
            )
            """,
            queue=queue,
        )
        assert await queue.list_repeatables() == []
        async with working(queue):
            (repeatable,) = await eventually(queue.list_repeatables)
        assert repeatable.job_def["task_id"] == "app.cleanup"
        assert repeatable.job_def["every"] == 3600

    asyncio.run(body())


def test_3_4_pause_and_resume(queue: Queue) -> None:
    async def body() -> None:
        async with working(queue):
            names = await run(
                """
                await queue.pause()
                # ... maintenance window ...
                job_id = await queue.add("app.step_a")
                states = await queue.get_job_state(job_id)
                await queue.resume()
                """,
                queue=queue,
            )
            assert names["states"] == "waiting"
            assert await ended(queue, names["job_id"]) == ["completed"]

    asyncio.run(body())


def test_3_5_clean(queue: Queue) -> None:
    async def body() -> None:
        await queue.add("app.step_a")
        await queue.run(until_empty=True)
        clean = 'import time\nawait queue.clean("completed", older_than=time.time() - 3600)'
        await run(clean, queue=queue)
        assert len(await queue.get_completed()) == 1
        await run(clean.replace("- 3600", "+ 3600"), queue=queue)
        assert await queue.get_completed() == []

    asyncio.run(body())


def test_4_1_run(queue: Queue) -> None:
    async def body() -> None:
        job_id = await queue.add("app.step_a")
        example = asyncio.create_task(
            run(
                """
                # In an async context
                await queue.run()
                """,
                queue=queue,
            )
        )
        assert await ended(queue, job_id) == ["completed"]
        queue.stop()
        await example

    asyncio.run(body())


def test_5_inspecting(queue: Queue) -> None:
    async def body() -> None:
        await queue.add("app.step_a")
        await queue.add("app.step_b", delay=60)
        names = await run(
            """
            stats = await queue.queue_stats()
            jobs = await queue.list_jobs("waiting")
            """,
            queue=queue,
        )
        assert names["stats"] == {"waiting": 1, "delayed": 1, "failed": 0}
        assert [job["task"] for job in names["jobs"]] == ["app.step_a"]

    asyncio.run(body())


def test_6_1_dependency_chains(queue: Queue) -> None:
    async def body() -> None:
        names = await run(
            """
            # Step A
            id_a = await queue.add("app.step_a")
            # Step B after A
            id_b = await queue.add("app.step_b", depends_on=[id_a])
            """,
            queue=queue,
        )
        assert await queue.get_job_state(names["id_b"]) == "waiting-children"
        async with working(queue):
            assert await ended(queue, names["id_a"], names["id_b"]) == ["completed", "completed"]
        first, second = [await queue.get_job(names[name]) for name in ("id_a", "id_b")]
        assert first and second and first["finished_at"] <= second["last_attempt"]

    asyncio.run(body())


def test_6_2_parallel_fan_out(queue: Queue) -> None:
    async def body() -> None:
        id_b = await queue.add("app.step_b")
        names = await run(
            """
            # A triggers two parallel tasks, then aggregates
            id_a = await queue.add("app.ingest")
            await queue.add_bulk([
                {"task_id": "app.transform_a", "depends_on": [id_a]},
                {"task_id": "app.transform_b", "depends_on": [id_a]},
            ])
            # aggregator waits on both
            await queue.add("app.aggregate", depends_on=[id_a, id_b])
            """,
            queue=queue,
            id_b=id_b,
        )
        waiting = await queue.get_waiting_children(asc=True)
        assert [(job["task"], job["depends_on"]) for job in waiting] == [
            ("app.transform_a", [names["id_a"]]),
            ("app.transform_b", [names["id_a"]]),
            ("app.aggregate", [id_b, names["id_a"]]),
        ]
        await queue.run(until_empty=True)
        assert len(await queue.get_completed()) == 5

    asyncio.run(body())


@pytest.mark.slow
def test_7_testing(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_temporary, "_known", {})
    monkeypatch.setenv("PGQ_TEST_DSN", databases.dsn("postgres"))

    async def body() -> None:
        names = await run(
            """
            from pgq.contrib.asyncmq import Queue
            from pgq.contrib.asyncmq.backends.inmemory import InMemoryBackend

            q = Queue(name="test", backend=InMemoryBackend())
            await q.add("app.step_a", delay=60)
            stats = await q.queue_stats()
            """
        )
        assert names["stats"]["delayed"] == 1
        await names["q"].close()

    asyncio.run(body())
    _temporary._end(os.getpid(), _temporary._known[os.getpid()][2])
