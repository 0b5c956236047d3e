"""A worker whose run is cancelled, in whatever way, leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import psycopg
import pytest

import pgq
from pgq.contrib import asgi
from pgq.contrib.asyncmq import Queue
from pgq.processes import event_loop
from pgq.processes.background import in_background
from tests.worker.running import wait_for

Run = Callable[[], Coroutine[Any, Any, Any]]
Way = Callable[[Run, Callable[[], bool]], Coroutine[Any, Any, None]]


async def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def by_task_cancel(run: Run, begun: Callable[[], bool]) -> None:
    task = asyncio.create_task(run())
    await until(begun)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_many_cancels(run: Run, begun: Callable[[], bool]) -> None:
    task = asyncio.create_task(run())
    await until(begun)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)


async def by_timeout(run: Run, begun: Callable[[], bool]) -> None:
    async def until_timeout() -> None:
        async with asyncio.timeout(None) as timeout:

            async def watch() -> None:
                await until(begun)
                timeout.reschedule(asyncio.get_running_loop().time())

            keep.append(asyncio.create_task(watch()))
            await run()

    with pytest.raises(TimeoutError):
        await until_timeout()


async def by_wait_for(run: Run, begun: Callable[[], bool]) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run(), 2)
    assert begun()


async def by_task_group(run: Run, begun: Callable[[], bool]) -> None:
    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(run())
            await until(begun)
            raise ValueError

    with pytest.raises(ExceptionGroup):
        await fail()


async def by_anyio_scope(run: Run, begun: Callable[[], bool]) -> None:
    with anyio.CancelScope() as scope:

        async def watch() -> None:
            await until(begun)
            scope.cancel()

        watching = asyncio.create_task(watch())
        await run()
    assert scope.cancelled_caught
    await watching


async def by_anyio_group(run: Run, begun: Callable[[], bool]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await until(begun)
        group.cancel_scope.cancel()


async def by_the_end_of_the_loop(run: Run, begun: Callable[[], bool]) -> None:
    """As asyncio.run does it: it cancels all tasks at once, handlers too."""
    keep.append(asyncio.create_task(run()))
    await until(begun)


keep: list[Any] = []
WAYS: list[Way] = [
    by_task_cancel,
    by_many_cancels,
    by_timeout,
    by_wait_for,
    by_task_group,
    by_anyio_scope,
    by_anyio_group,
    by_the_end_of_the_loop,
]


def add_tasks(registry: pgq.Registry) -> list[str]:
    told: list[str] = []

    @registry.task("waits")
    async def wait() -> None:
        told.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            told.append("interrupted")

    return told


def check(client: pgq.Client, conn: psycopg.Connection, job_id: int) -> None:
    """The job is there as if it had never run, and the worker is gone."""
    job = client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt, job.errors) == ("ready", 0, None)
    assert conn.execute("select count(*) from pgq.workers").fetchone() == (0,)
    assert conn.execute("select count(*) from pgq.running").fetchone() == (0,)
    assert client.verify() == []


@pytest.fixture(params=["asyncio", "uvloop"])
def run_in_loop(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    if request.param == "asyncio":
        return asyncio.run
    pytest.importorskip("uvloop")
    return event_loop.run


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_run_leaves_no_row_and_hands_back_what_it_interrupted(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    conn: psycopg.Connection,
    way: Way,
    run_in_loop: Any,
) -> None:
    told = add_tasks(registry)
    job_id = client.enqueue("waits", max_attempts=1)
    worker = pgq.Worker(dsn, registry=registry)
    began = time.monotonic()
    run_in_loop(way(worker.run, lambda: "begun" in told))
    assert time.monotonic() - began < 15
    assert told == ["begun", "interrupted"]
    check(client, conn, job_id)


@pytest.mark.slow
@pytest.mark.parametrize(
    "way", [by_task_cancel, by_anyio_scope, by_many_cancels], ids=lambda way: way.__name__
)
@pytest.mark.parametrize("what", ["queue", "block", "background", "lifespan"])
def test_others_that_run_a_worker_do_the_same(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    conn: psycopg.Connection,
    way: Way,
    what: str,
) -> None:
    told = add_tasks(registry)
    job_id = client.enqueue("waits", queue="q", max_attempts=1)

    def make() -> pgq.Worker:
        return pgq.Worker(dsn, registry=registry, shutdown_timeout=0.5)

    async def run() -> None:
        if what == "queue":
            await Queue("q", dsn, registry=registry).run()
        elif what == "block":
            async with make():
                await asyncio.sleep(60)
        elif what == "background":
            async with in_background(make, None):
                await asyncio.sleep(60)
        else:
            async with asgi.lifespan(make)(None):
                await asyncio.sleep(60)

    asyncio.run(way(run, lambda: "begun" in told))
    assert told == ["begun", "interrupted"]
    assert conn.execute("select count(*) from pgq.workers").fetchone() == (0,)
    check(client, conn, job_id)


@pytest.mark.slow
def test_what_ends_in_its_last_second_is_handed_back_and_what_does_not_is_lost(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    @registry.task("looks", context=True)
    def look(context: pgq.Context) -> str:
        begun.release()
        while not context.cancelled:
            time.sleep(0.01)
        return "half of it"

    @registry.task("hangs")
    def hang() -> None:
        begun.release()
        go_on.wait(20)

    @registry.task("snoozes")
    async def snooze() -> None:
        begun.release()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise pgq.Snooze(3600) from None

    @registry.task("stubborn")
    async def ignore() -> str:
        begun.release()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "half of it"
        return ""

    names = ("looks", "hangs", "snoozes", "stubborn")
    ids = {name: client.enqueue(name, max_attempts=1) for name in names}
    worker = pgq.Worker(dsn, registry=registry)

    def all_begun() -> bool:
        return begun._value == 4

    try:
        asyncio.run(by_task_cancel(worker.run, all_begun))
    finally:
        go_on.set()
    states = {name: client.job(job_id).state for name, job_id in ids.items()}  # type: ignore[union-attr]
    assert states == {
        "looks": "ready",
        "hangs": "failed",
        "snoozes": "scheduled",
        "stubborn": "ready",
    }
    assert client.job(ids["hangs"]).errors[-1]["type"] == "WorkerLost"  # type: ignore[union-attr,index]
    assert conn.execute("select count(*) from pgq.workers").fetchone() == (0,)


@pytest.mark.slow
def test_cancelled_at_any_moment_it_leaves_nothing_behind(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    """While it registers, claims, settles, or does nothing."""
    registry.task("t")(lambda: None)
    ids = client.enqueue_many([pgq.NewJob("t", max_attempts=1)] * 3000)

    async def run(after: float) -> None:
        worker = pgq.Worker(dsn, registry=registry, concurrency=3)
        task = asyncio.create_task(worker.run())
        await asyncio.sleep(after)
        task.cancel()
        await asyncio.wait([task])

    for number in range(24):
        asyncio.run(run(0.01 * number))
        assert conn.execute("select count(*) from pgq.workers").fetchone() == (0,), number
        assert conn.execute("select count(*) from pgq.running").fetchone() == (0,), number
    states = {client.job(each.id).state for each in ids[::10]}  # type: ignore[union-attr]
    assert states <= {"ready", "succeeded"}
    assert not client.list_jobs(states=["failed"]).jobs
    assert client.verify() == []


@pytest.mark.slow
def test_a_silent_database_does_not_hold_up_the_end(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = add_tasks(registry)
    client.enqueue("waits")

    async def silent(*_args: Any) -> None:
        await asyncio.sleep(3600)

    def fall_silent() -> bool:
        if "begun" in told:
            monkeypatch.setattr("pgq.worker.engine.Engine._deregister", silent)
        return "begun" in told

    began = time.monotonic()
    asyncio.run(by_anyio_scope(pgq.Worker(dsn, registry=registry).run, fall_silent))
    assert time.monotonic() - began < 15


@pytest.mark.slow
def test_a_third_stop_does_not_interrupt_the_last_words(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    told = add_tasks(registry)
    client.enqueue("waits", max_attempts=3, backoff=3600)

    async def main() -> None:
        worker = pgq.Worker(dsn, registry=registry)
        run = asyncio.create_task(worker.run())
        await until(lambda: "begun" in told)
        while not run.done():
            worker.stop()
            await asyncio.sleep(0.001)
        await run

    asyncio.run(main())
    wait_for(lambda: client.list_jobs(states=["scheduled"]).jobs)
    assert conn.execute("select count(*) from pgq.workers").fetchone() == (0,)
