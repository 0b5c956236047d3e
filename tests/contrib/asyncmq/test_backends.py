"""Backends: calls that name the queue, locks, and a temporary database for tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import psycopg
import pytest

import pgq
from pgq.contrib.asyncmq import InMemoryBackend, Queue, _temporary
from pgq.contrib.asyncmq.backends import inmemory, memory
from pgq.contrib.asyncmq.backends.postgres import PostgresBackend
from pgq.contrib.asyncmq.core import enums, event
from tests.servers import Databases


def test_a_backends_calls_are_those_of_its_queues(dsn: str, registry: pgq.Registry) -> None:
    async def run() -> None:
        backend = PostgresBackend(dsn, {"min_size": 1})
        first = await backend.enqueue("work", {"task": "double", "args": [2]})
        later = await backend.enqueue_delayed("work", {"task": "double"}, time.time() + 3600)
        more = await backend.bulk_enqueue("work", [{"task": "fail"}, {"task": "fail"}])
        assert await backend.get_job_state("work", first) == enums.State.WAITING
        assert await backend.get_job("other", first) is None
        assert await backend.queue_stats("work") == {"waiting": 3, "delayed": 1, "failed": 0}
        assert [each.job_id for each in await backend.list_delayed("work")] == [later]
        assert await backend.get_due_delayed("work") == []
        assert await backend.remove_delayed("work", later)
        assert await backend.cancel_job("work", more[0])
        assert await backend.is_job_cancelled("work", more[0])
        await backend.pause_queue("work")
        assert await backend.is_queue_paused("work")
        assert not await backend.is_queue_paused("other")
        await backend.resume_queue("work")
        await Queue("work", backend, registry=registry).run(until_empty=True)
        assert await backend.get_job_result("work", first) == 4
        assert [each["id"] for each in await backend.list_jobs("work", "failed")] == [more[1]]
        assert await backend.retry_job("work", more[1])
        assert await backend.remove_job("work", more[1])
        assert await backend.list_queues() == ["work"]
        await backend.close()

    asyncio.run(run())


def test_one_holds_a_lock(dsn: str) -> None:
    async def run() -> None:
        backend = PostgresBackend(dsn)
        first, second = [await backend.create_lock("key", ttl=60) for _ in range(2)]
        other = await backend.create_lock("other")
        async with first:
            assert await first.acquire()
            assert await other.try_acquire()
            assert not await second.try_acquire()
            waiting = asyncio.create_task(second.acquire())
            await asyncio.sleep(0.05)
            assert not waiting.done()
        assert await waiting
        assert not await first.try_acquire()
        await second.release()
        await second.release()
        await other.release()

    asyncio.run(run())


def test_a_lock_is_given_up_after_its_time(dsn: str) -> None:
    async def run() -> None:
        backend = PostgresBackend(dsn)
        short, second = await backend.create_lock("key", ttl=0.05), await backend.create_lock("key")
        assert await short.acquire()
        async with asyncio.timeout(20):
            assert await second.acquire()
        await second.release()
        waiting = asyncio.create_task((await backend.create_lock("key")).acquire())
        assert await second.try_acquire() or await waiting
        await second.release()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(run())


@pytest.fixture
def server_dsn(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(_temporary, "_known", {})
    dsn = databases.dsn("postgres")
    monkeypatch.setenv("PGQ_TEST_DSN", dsn)
    return dsn


@pytest.mark.slow
def test_each_memory_is_a_queue_of_its_own(server_dsn: str, registry: pgq.Registry) -> None:
    async def run() -> list[str]:
        first, second = InMemoryBackend(), InMemoryBackend()
        queue = Queue("test", first, registry=registry)
        added = await queue.add("double", [3], delay=0.05)
        assert await Queue("test", second).queue_stats() == {
            "waiting": 0, "delayed": 0, "failed": 0
        }  # fmt: skip
        await queue.run(until_empty=True)
        await asyncio.sleep(0.05)
        await queue.run(until_empty=True)
        assert await queue.get_job_result(added) == 6
        assert first.dsn == first.dsn != second.dsn
        await first.close()
        await second.close()
        return [first.dsn, second.dsn]

    made = asyncio.run(run())
    _temporary._end(os.getpid(), _temporary._known[os.getpid()][2])
    for dsn in made:
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(dsn)


@pytest.mark.slow
def test_a_program_leaves_no_database(server_dsn: str) -> None:
    program = """
import asyncio
from pgq.contrib.asyncmq import InMemoryBackend, Queue
async def main():
    print(await Queue("q", InMemoryBackend()).add("t"))
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
    with psycopg.connect(server_dsn) as session:
        found = session.execute("select 1 from pg_database where datname like 'pgq_memory%'")
        assert found.fetchall() == []


def test_names_are_where_asyncmq_has_them() -> None:
    assert memory.InMemoryBackend is inmemory.InMemoryBackend is InMemoryBackend
    assert event.event_emitter.list_history() is not None
