"""Handlers that fork: nothing that happens to a child happens to the worker."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import psycopg
import pytest

import pgq
from pgq.processes import event_loop

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

fork = multiprocessing.get_context("fork") if hasattr(os, "fork") else None
Loop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run_in_loop(request: pytest.FixtureRequest) -> Loop:
    if request.param == "asyncio":
        return asyncio.run
    pytest.importorskip("uvloop")
    return event_loop.run


@pytest.fixture(autouse=True)
def default_signals() -> Iterator[None]:
    """Children inherit what is ignored; a shell ignores these in what it runs in the background."""
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGQUIT: signal.SIG_DFL}
    before = {number: signal.signal(number, each) for number, each in defaults.items()}
    yield
    for number, each in before.items():
        signal.signal(number, each)


def started(target: Callable[..., Any], *args: Any) -> Any:
    assert fork is not None
    child = fork.Process(target=target, args=args)
    child.start()
    return child


def waiting() -> tuple[Any, Any]:
    """Start a child that says when it has begun, and then waits; return both."""
    ours, theirs = multiprocessing.Pipe()

    def begin() -> None:
        theirs.send("begun")
        time.sleep(60)

    return started(begin), ours


def stopped(child: Any, begun: Any, number: int) -> int:
    """Send a child that has begun a signal; return how it ended."""
    assert begun.poll(60)
    os.kill(child.pid, number)
    child.join(10)
    if child.exitcode is None:
        child.kill()
        child.join()
        raise AssertionError("the child ignores the signal")
    return int(child.exitcode)


def exit_code(pid: int) -> int:
    """Wait for a child of os.fork."""
    deadline = time.monotonic() + 10
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError("the child does not end")
        time.sleep(0.01)


def run(dsn: str, registry: pgq.Registry, client: pgq.Client, run_in_loop: Loop) -> pgq.rows.Job:
    """Run one job of the task t and then one of another task, with signals caught."""
    registry.task("after")(lambda: 7)
    job_id, after = client.enqueue("t", max_attempts=1), client.enqueue("after")

    async def main() -> None:
        worker = pgq.Worker(dsn, registry=registry, concurrency=1, lease=2)
        running = asyncio.create_task(worker.run())
        deadline = time.monotonic() + 30
        async with pgq.AsyncClient(dsn) as own:
            await own.wait([job_id, after], timeout=120)
        assert not running.done() and time.monotonic() < deadline
        worker.stop()
        await running

    run_in_loop(main())
    job = client.job(job_id)
    assert job is not None and client.verify() == []
    assert not client.worker_status()
    return job


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_child_that_is_stopped(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    run_in_loop: Loop,
    number: int,
    is_async: bool,
) -> None:
    def handle() -> int:
        return stopped(*waiting(), number)

    async def handle_async() -> int:
        return await asyncio.to_thread(stopped, *waiting(), number)

    registry.task("t")(handle_async if is_async else handle)
    job = run(dsn, registry, client, run_in_loop)
    # At SIGINT Python raises KeyboardInterrupt, and multiprocessing prints it and exits with 1.
    assert (job.state, job.result) == ("succeeded", 1 if number == signal.SIGINT else -number)


@pytest.mark.slow
def test_children_that_are_stopped_at_once(
    dsn: str, registry: pgq.Registry, client: pgq.Client, run_in_loop: Loop
) -> None:
    @registry.task("t")
    def stop_many() -> list[int]:
        codes = []
        for _ in range(30):
            pid = os.fork()
            if not pid:
                time.sleep(10)
                os._exit(0)
            # Before it has run a line, at times.
            os.kill(pid, signal.SIGTERM)
            codes.append(exit_code(pid))
        return codes

    assert run(dsn, registry, client, run_in_loop).result == [-signal.SIGTERM] * 30


@pytest.mark.slow
def test_a_pool(dsn: str, registry: pgq.Registry, client: pgq.Client, run_in_loop: Loop) -> None:
    @registry.task("t")
    def handle() -> list[int]:
        assert fork is not None
        with fork.Pool(2) as pool:  # terminates its processes at the end
            return pool.map(abs, [-1, -2, -3])

    job = run(dsn, registry, client, run_in_loop)
    assert (job.state, job.result) == ("succeeded", [1, 2, 3])


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize("how", ["return", "exit", "raise", "await"])
def test_a_child_that_comes_back_to_the_worker_ends(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    run_in_loop: Loop,
    how: str,
    is_async: bool,
) -> None:
    """It would go on as a second worker, on the sessions of the first."""

    def end() -> None:
        if how == "exit":
            sys.exit(3)
        if how == "raise":
            raise ValueError("in the child")

    def handle() -> int | None:
        pid = os.fork()
        return exit_code(pid) if pid else end()

    async def handle_async() -> int | None:
        pid = os.fork()
        if pid == 0:
            if how == "await":
                await asyncio.sleep(0.05)
            return end()
        return await asyncio.to_thread(exit_code, pid)

    registry.task("t")(handle_async if is_async else handle)
    job = run(dsn, registry, client, run_in_loop)
    # There is no loop in the child to wait in.
    codes = {"return": 0, "await": 1 if is_async else 0, "exit": 3, "raise": 1}
    assert (job.state, job.result) == ("succeeded", codes[how])


@pytest.mark.slow
def test_a_child_shares_no_session_and_no_context(
    dsn: str, registry: pgq.Registry, client: pgq.Client, run_in_loop: Loop
) -> None:
    def look(pipe: Any, known: dict[int, int], context: pgq.Context) -> None:
        shared = []
        for file, inode in known.items():
            with contextlib.suppress(OSError):  # closed
                shared += [file] if os.fstat(file).st_ino == inode else []
        refused = 0
        for call in (lambda: context.progress(1), context.transaction, context.parent_results):
            try:
                call()
            except pgq.InvalidArgument:
                refused += 1
        own = pgq.Client(dsn)
        pipe.send((len(shared), refused, own.enqueue("after")))

    @registry.task("t", context=True)
    def handle(context: pgq.Context) -> list[Any]:
        with context._holder.lend(lambda: False) as lent:
            lent.execute("select 1")
        # By type: isinstance also asks __class__, which raises in things that other tests left.
        connections = [
            each
            for each in gc.get_objects()
            if issubclass(type(each), psycopg.Connection | psycopg.AsyncConnection)
        ]
        # The tests have connections to other databases, which are none of ours.
        open_ones = [each for each in connections if not each.closed]
        files = [each.fileno() for each in open_ones if f"dbname={each.info.dbname} " in dsn]
        ours, theirs = multiprocessing.Pipe()
        child = started(look, theirs, {file: os.fstat(file).st_ino for file in files}, context)
        assert ours.poll(10)
        answer = ours.recv()
        child.join(10)
        return [len(files) >= 3, *answer[:2]]

    job = run(dsn, registry, client, run_in_loop)
    assert (job.state, job.result) == ("succeeded", [True, 0, 3])


@pytest.mark.slow
def test_a_worker_in_a_child(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    """As in a server that forks: it has nothing to do with its parent's."""
    registry.task("t")(lambda: 7)
    with client.connection():
        first = client.enqueue("t")
    assert fork is not None

    def work() -> None:
        asyncio.run(pgq.Worker(dsn, registry=registry, drain=True).run())

    child = started(work)
    child.join(20)
    assert child.exitcode == 0
    assert client.result(first).result == 7
