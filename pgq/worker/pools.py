"""Connections that handlers borrow for transactions of their own; opened when first needed.

Handlers in threads and async ones share one number: what `connection_budget()` counts for a worker
is never exceeded. An outage is waited for, as settles do: nobody's attempt is spent on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import psycopg

from pgq.errors import Cancel
from pgq.lib.backoff import Backoff
from pgq.lib.connect import connect, connect_async
from pgq.worker.connections import KEEPALIVES, Dropping
from pgq.worker.trouble import Report, Trouble

_NAME: Final = {**KEEPALIVES, "fallback_application_name": "pgq handler"}
_AUTOCOMMIT: Final[dict[str, Any]] = {"autocommit": True, "prepare_threshold": None}
# How often (seconds) somebody who waits looks whether it still should.
_LOOK: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
# One that was used within so many seconds is lent without a look whether it still works; the look
# may take so long; one that nobody used for so long is closed.
_FRESH: Final = 1.0
_CHECK: Final = 5.0
_IDLE: Final = 600.0

C = TypeVar("C", psycopg.Connection[Any], Dropping)


class _Idle(NamedTuple):
    connection: psycopg.Connection[Any] | Dropping
    since: float


class Pools:
    """Lends up to `size` connections, to threads and to async handlers."""

    def __init__(self, dsn: str, size: int, report: Report | None = None) -> None:
        self._dsn = dsn
        self._size = size
        self._turn = threading.Lock()
        self._open = 0
        self._idle: list[_Idle] = []
        self._is_closed = False
        self._trouble = Trouble("connection.failed", "connection.restored", "handlers", report)

    @contextmanager
    def lend(self, gives_up: Callable[[], bool]) -> Generator[psycopg.Connection[Any], None, None]:
        """Lend a connection to a thread, as soon as there is one.

        `gives_up` says whether its job is not to wait any more: then it raises Cancel.
        """
        pauses = Backoff(0.05, _LONGEST_PAUSE)
        while True:
            self._check(gives_up())
            connection = self._take(psycopg.Connection)
            if connection is None and not self._reserve():
                time.sleep(_LOOK)
                continue
            try:
                connection = connection or connect(self._dsn, _NAME, **_AUTOCOMMIT)
                break
            except Exception as error:  # noqa: BLE001 (it is waited for, whatever it is)
                self._give_up_place(error)
            until = time.monotonic() + pauses.next()
            while time.monotonic() < until:
                self._check(gives_up())
                time.sleep(min(_LOOK, max(0.0, until - time.monotonic())))
        self._trouble.over(session="handlers")
        try:
            yield connection
        finally:
            self._give_back(connection)

    @asynccontextmanager
    async def lend_async(self) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
        """Lend a connection to an async handler, which is cancelled when it is not to wait."""
        pauses = Backoff(0.05, _LONGEST_PAUSE)
        while True:
            self._check(gives_up=False)
            connection = self._take(Dropping)
            if connection is not None:
                if await self._still_works(connection):
                    break
                continue
            if not self._reserve():
                await asyncio.sleep(_LOOK)
                continue
            try:
                connection = await self._connect()
                break
            except Exception as error:  # noqa: BLE001 (it is waited for, whatever it is)
                self._give_up_place(error)
            except BaseException:
                self._give_up_place(None)
                raise
            await asyncio.sleep(pauses.next())
        self._trouble.over(session="handlers")
        try:
            # What a handler asked for and does not wait for any more is cancelled in the server.
            connection.drops = False
            yield connection
        finally:
            connection.drops = True
            self._give_back(connection)

    def close_idle(self, longer_than: float = _IDLE) -> None:
        """Close what nobody has used for so long (seconds)."""
        until = time.monotonic() - longer_than
        with self._turn:
            old = [idle for idle in self._idle if idle.since <= until]
            self._idle = [idle for idle in self._idle if idle.since > until]
            self._open -= len(old)
        for idle in old:
            idle.connection.pgconn.finish()

    def close(self) -> None:
        """Lend nothing more; what a hanging handler still holds is closed when it gives it back."""
        with self._turn:
            self._is_closed = True
        self.close_idle(0.0)

    def _check(self, gives_up: bool) -> None:
        if gives_up or self._is_closed:
            raise Cancel("stopped while it waited for a connection")

    def _take(self, kind: type[C]) -> C | None:
        """Return an idle connection of a kind that works; for a thread it is looked at here."""
        while True:
            with self._turn:
                found = next(
                    (one for one in reversed(self._idle) if isinstance(one.connection, kind)), None
                )
                if found is None:
                    return None
                self._idle.remove(found)
            connection = found.connection
            assert isinstance(connection, kind)
            fresh = time.monotonic() - found.since < _FRESH
            if not connection.closed and (
                fresh or isinstance(connection, Dropping) or _works_here(connection)
            ):
                return connection
            self._forget(connection)

    def _reserve(self) -> bool:
        """Count one more, perhaps in place of an idle one; false if all are lent."""
        with self._turn:
            if self._open < self._size:
                self._open += 1
                return True
            if not self._idle:
                return False
            oldest = self._idle.pop(0)
        oldest.connection.pgconn.finish()
        return True

    async def _still_works(self, connection: Dropping) -> bool:
        try:
            async with asyncio.timeout(_CHECK):
                await connection.execute("")
        except BaseException as error:
            self._forget(connection)
            if isinstance(error, (TimeoutError, psycopg.Error)):
                return False
            raise
        return True

    async def _connect(self) -> Dropping:
        made = await connect_async(self._dsn, _NAME, Dropping, **_AUTOCOMMIT)
        assert isinstance(made, Dropping)
        return made

    def _give_up_place(self, error: Exception | None) -> None:
        with self._turn:
            self._open -= 1
        if error is not None:
            self._trouble.failed(error, session="handlers")

    def _give_back(self, connection: psycopg.Connection[Any] | Dropping) -> None:
        """Keep a connection for others, unless a handler left it in the middle of something."""
        idle = psycopg.pq.TransactionStatus.IDLE
        is_clean = not connection.closed and connection.info.transaction_status == idle
        with self._turn:
            keeps = is_clean and not self._is_closed
            if keeps:
                self._idle.append(_Idle(connection, time.monotonic()))
        if not keeps:
            self._forget(connection)

    def _forget(self, connection: psycopg.Connection[Any] | Dropping) -> None:
        connection.pgconn.finish()
        with self._turn:
            self._open -= 1


def _works_here(connection: psycopg.Connection[Any]) -> bool:
    # In a thread nothing else ends waiting for a server that hangs.
    timer = threading.Timer(_CHECK, _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    finally:
        timer.cancel()
    return True


def _cut(connection: psycopg.Connection[Any]) -> None:
    """Have the socket of a connection end, so that the one that waits for it hears of it."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as ours,
    ):
        ours.shutdown(socket.SHUT_RDWR)
