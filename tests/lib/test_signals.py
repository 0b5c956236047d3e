"""Signal handlers of the program are there again when a worker has ended; stops are bounded."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import pgq
from pgq.lib.signals import caught
from pgq.processes import event_loop
from pgq.worker import lifecycle
from tests.worker.running import running

Loop = Callable[[Coroutine[Any, Any, Any]], Any]
CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


@pytest.fixture(params=["asyncio", "uvloop"])
def run_in_loop(request: pytest.FixtureRequest) -> Loop:
    if request.param == "asyncio":
        return asyncio.run
    pytest.importorskip("uvloop")
    return event_loop.run


@pytest.fixture(autouse=True)
def signals_are_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in CAUGHT}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.slow
def test_the_programs_handlers_are_put_back(
    dsn: str, registry: pgq.Registry, run_in_loop: Loop
) -> None:
    got: list[int] = []
    registry.task("t")(lambda: None)
    for number in CAUGHT:
        signal.signal(number, lambda number, frame: got.append(number))

    async def main() -> None:
        worker = pgq.Worker(dsn, registry=registry)
        run = asyncio.create_task(worker.run())
        await asyncio.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        await run
        assert got == []
        for number in CAUGHT:
            os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)

    run_in_loop(main())
    assert sorted(got) == sorted(CAUGHT)


@pytest.mark.slow
def test_ignored_signals_are_ignored_again(
    dsn: str, registry: pgq.Registry, run_in_loop: Loop
) -> None:
    registry.task("t")(lambda: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    run_in_loop(pgq.Worker(dsn, registry=registry, drain=True).run())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL


@pytest.mark.slow
def test_a_handler_of_the_loop_is_put_back(dsn: str, registry: pgq.Registry) -> None:
    """Of asyncio's own; uvloop keeps its handlers to itself."""
    got: list[str] = []
    registry.task("t")(lambda: None)

    async def main() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, got.append, "loop")
        await pgq.Worker(dsn, registry=registry, drain=True).run()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)

    asyncio.run(main())
    assert got == ["loop"]


def test_a_wakeup_descriptor_is_put_back(run_in_loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    signal.set_wakeup_fd(ours.fileno())

    async def main() -> None:
        before = signal.set_wakeup_fd(-1)  # uvloop has one of its own while it runs
        signal.set_wakeup_fd(before)
        with caught({"SIGTERM": lambda: None}):
            pass
        assert signal.set_wakeup_fd(before) == before

    try:
        run_in_loop(main())
    finally:
        signal.set_wakeup_fd(-1)
        ours.close()
        theirs.close()


@pytest.mark.slow
def test_none_is_touched_where_signals_are_the_hosts(dsn: str, registry: pgq.Registry) -> None:
    registry.task("t")(lambda: None)

    def mine(_number: int, _frame: Any) -> None: ...

    signal.signal(signal.SIGTERM, mine)

    async def main() -> None:
        async with pgq.Worker(dsn, registry=registry):
            assert signal.getsignal(signal.SIGTERM) is mine
        worker = pgq.Worker(dsn, registry=registry, handle_signals=False, drain=True)
        await worker.run()
        assert signal.getsignal(signal.SIGTERM) is mine

    asyncio.run(main())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["async", "stubborn", "thread"])
def test_a_start_hook_that_hangs_does_not_hold_up_the_first_stop(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    monkeypatch.setattr(lifecycle, "_PATIENCE", 0.5)
    begun, go_on, told = threading.Event(), threading.Event(), []
    registry.task("t")(lambda: None)

    async def hang(process: pgq.Process) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if kind == "async":
                raise
        await asyncio.sleep(60)

    def hang_in_thread(process: pgq.Process) -> None:
        begun.set()
        go_on.wait(20)

    registry.hooks.on_start(hang_in_thread if kind == "thread" else hang)
    registry.hooks.on_stop(lambda process: told.append("stop"))
    registry.hooks.on_exit(lambda process: told.append("exit"))
    with running(dsn, registry) as worker:
        assert begun.wait(10)
        began = time.monotonic()
        worker.stop()
        worker.wait()
        took = time.monotonic() - began
    go_on.set()
    assert took < 10 and told == ["stop", "exit"]
    assert any("hooks.too_slow hook=on_start" in each.getMessage() for each in caplog.records)
    assert client.worker_status() == []


@pytest.mark.slow
def test_a_start_hook_may_take_its_time_while_nobody_stops(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_PATIENCE", 0.1)
    told: list[str] = []

    @registry.hooks.on_start
    async def slow(process: pgq.Process) -> None:
        await asyncio.sleep(0.5)
        told.append("started")

    registry.task("t")(lambda: told.append("ran"))
    client.enqueue("t")
    asyncio.run(pgq.Worker(dsn, registry=registry, drain=True).run())
    assert told == ["started", "ran"]
