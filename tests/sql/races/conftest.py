"""Two sessions at once, step by step: a call runs in a thread until it ends or waits for a lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import scalar

DEADLINE = 20.0


class Call:
    """A call in progress on a session of its own."""

    def __init__(self, pid: int, future: Future[Any], watcher: psycopg.Connection) -> None:
        self._pid = pid
        self._future = future
        self._watcher = watcher

    def waits(self) -> bool:
        """Return once the call has ended (False) or waits for another session (True)."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if self._future.done():
                return False
            if scalar(self._watcher, "select cardinality(pg_blocking_pids(%s))", self._pid):
                return True
            time.sleep(0.002)
        raise AssertionError("the call neither ended nor waited")

    def result(self) -> Any:
        """Return what the call answered, or raise its error."""
        return self._future.result(timeout=DEADLINE)


class Start(Protocol):
    """Starts `function(session, *arguments)` in a thread, on a new session or the given one."""

    def __call__(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        session: psycopg.Connection | None = None,
        **options: Any,
    ) -> Call: ...


@pytest.fixture
def start(connect: Connect) -> Iterator[Start]:
    watcher = connect()
    pids: list[int] = []

    with ThreadPoolExecutor(max_workers=10) as threads:

        def begin(
            function: Callable[..., Any],
            *arguments: Any,
            session: psycopg.Connection | None = None,
            **options: Any,
        ) -> Call:
            session = session or connect()
            pids.append(session.info.backend_pid)
            future = threads.submit(function, session, *arguments, **options)
            return Call(pids[-1], future, watcher)

        yield begin
        # A test that failed may have left a call waiting for a lock.
        for pid in pids:
            watcher.execute("select pg_cancel_backend(%s)", (pid,))


@pytest.fixture
def other(connect: Connect) -> psycopg.Connection:
    """A second session, whose transactions stay open until it commits."""
    return connect(autocommit=False)
