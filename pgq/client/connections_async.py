"""Connections of a client's own, in autocommit mode, and those beneath what it was given."""

from __future__ import annotations

# blocking: import threading
import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import psycopg

from pgq.client.sources import ASYNC_SESSIONS, is_alchemy, refused
from pgq.lib.backoff import Backoff
from pgq.lib.connect import connect_async
from pgq.lib.forks import renewed_async, tell_of_fork

# How many times a statement is sent before it is prepared, as psycopg has it.
_OFTEN: Final = 5

# Between two tries to reach the server again, in seconds.
_SOON, _LATE = 0.05, 1.0

# Nothing is prepared before it is known where the connection leads.
_AT_FIRST: Final[dict[str, Any]] = {"autocommit": True, "prepare_threshold": None}

# A pooler gives out process ids of its own. What is set or prepared through it, and what LISTEN
# asks for, stays behind on a server connection that others get next: so nothing is.
#
# Statements are to be read committed, whatever the default of the role or the database is: in any
# other isolation a call alone gains nothing, and may lose a race against a transaction of others.
_IS_DIRECT: Final = """
    select case when pg_backend_pid() = %s
      then set_config('default_transaction_isolation', 'read committed', false)
        || set_config('array_nulls', 'on', false)
    end is not null
"""


class AsyncOwn(NamedTuple):
    """A connection, and whether there is no pooler between."""

    connection: psycopg.AsyncConnection[Any]
    is_direct: bool


async def open_own_async(dsn: str) -> AsyncOwn:
    """Open a connection; a direct one may prepare statements, and is read committed."""
    connection = await connect_async(dsn, **_AT_FIRST)
    try:
        answer = await connection.execute(_IS_DIRECT, [connection.info.backend_pid])
        (is_direct,) = await answer.fetchone() or [False]
    except BaseException:
        await connection.close()
        raise
    if is_direct:
        connection.prepare_threshold = _OFTEN
    return AsyncOwn(connection, is_direct)


class AsyncOwnConnection:
    """A connection that is opened when it is needed, also after it broke.

    In one thread or task at a time. A child made by `fork` opens one of its own.

    Where a server refuses the first connection, an error says so at once. After a connection broke,
    the server may be on its way back, or another one takes over: then it tries for
    `reconnect_timeout` seconds, counted from when that was noticed, and once a call after them.

    A context manager of its own, because one made of a generator takes a tenth of an enqueue.
    """

    def __init__(self, dsn: str, reconnect_timeout: float) -> None:
        self._dsn = dsn
        self._reconnect_timeout = reconnect_timeout
        self._broken_at: float | None = None
        # How often it is lent now. Who has it may be in a transaction, which another connection
        # would know nothing of.
        self._depth = 0
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        tell_of_fork(self, type(self)._begin_anew)

    async def __aenter__(self) -> psycopg.AsyncConnection[Any]:
        await self._turn.acquire()
        try:
            if self._connection is None:
                own = await open_own_async(self._dsn)
                self._connection = own.connection
            elif not self._depth and _has_ended(self._connection):
                self._connection = await self._open_again()
        except BaseException:
            self._turn.release()
            raise
        self._depth += 1
        return self._connection

    async def __aexit__(self, *error: object) -> None:
        self._depth = max(0, self._depth - 1)
        self._turn.release()

    @property
    def is_broken(self) -> bool:
        """Whether the connection has ended that was lent last."""
        return self._connection is not None and self._connection.closed

    async def _open_again(self) -> psycopg.AsyncConnection[Any]:
        self._broken_at = began = self._broken_at or time.monotonic()
        pauses = Backoff(_SOON, _LATE)
        while True:
            try:
                own = await open_own_async(self._dsn)
            except psycopg.OperationalError:
                pause = pauses.next()
                if time.monotonic() + pause > began + self._reconnect_timeout:
                    raise
                await asyncio.sleep(pause)
            else:
                self._broken_at = None
                return own.connection

    async def close(self) -> None:
        """Close the connection; the next use opens another one."""
        async with self._turn:
            if self._connection is not None:
                await self._connection.close()
                self._connection = None

    def _begin_anew(self) -> None:
        """Forget the parent's connection, and the turn of a thread that is not here."""
        if self._connection is not None:
            # It leads nowhere by now, so that the server hears nothing of this.
            self._connection.pgconn.finish()
        # A block that the parent is in ends here, too, but it lends nothing to this process.
        self._depth = 0
        self._turn = renewed_async(self._turn)


def _has_ended(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Return whether a connection is of no use any more; a server that went may have said so.

    Without this look a call would be sent, and nobody could tell what had become of it.
    """
    try:
        # The first reads what the server said, the second that nothing follows.
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return connection.closed


@asynccontextmanager
async def borrowed_async(source: Any) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
    """Lend what is beneath a connection or a session of SQLAlchemy, in its transaction."""
    connection = await source.connection() if is_alchemy(source, ASYNC_SESSIONS) else source
    if not connection.in_transaction():
        await connection.begin()
    beneath = (await connection.get_raw_connection()).driver_connection
    if not isinstance(beneath, psycopg.AsyncConnection):
        raise refused(beneath, is_async=True)
    yield beneath
