"""A connection of the worker's that is opened again whenever it breaks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import psycopg

from pgq._call import Call
from pgq._connect import connect_async
from pgq._report import first_line, type_of
from pgq._send import send_alone, send_together
from pgq.logs import log_event, worker_log

T = TypeVar("T")
Report = Callable[[BaseException, str], None]
"""Takes an error of the infrastructure, and where it was met."""

# The connection broke, the server is going down, a statement was cancelled, or lost a race
# (serialization, deadlock, DDL): the same call may work in a moment.
TRANSIENT: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)

# A peer that vanished without a word is noticed within half a minute.
_DEFAULTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


class Backoff:
    """Delays in seconds that double from `first` up to `cap`, each shortened at random."""

    def __init__(self, first: float, cap: float) -> None:
        self._first = min(first, cap)
        self._cap = cap
        self._next = self._first

    def next(self) -> float:
        """Return the next delay."""
        delay = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, self._cap)
        return delay

    @property
    def is_fresh(self) -> bool:
        """Whether the next delay is the first one."""
        return self._next == self._first

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._next = self._first


async def open_connection(dsn: str, name: str) -> psycopg.AsyncConnection[Any]:
    """Open a connection in autocommit mode; what the DSN says goes before our defaults.

    Transactions begun on it are read committed, whatever the role's or the database's default is:
    in any other a limit cannot be counted, and a lost race is an error.
    """
    defaults = {**_DEFAULTS, "fallback_application_name": name}
    opened = await connect_async(dsn, defaults, autocommit=True)
    await opened.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
    return opened


class Session:
    """One connection, for one task at a time. Its name is for the log and pg_stat_activity."""

    def __init__(
        self,
        dsn: str,
        schema: str,
        name: str,
        longest_pause: float,
        report: Report | None = None,
    ) -> None:
        self._dsn = dsn
        self._schema = schema
        self._name = name
        self._report = report
        self._pauses = Backoff(0.05, longest_pause)
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def connection(self) -> psycopg.AsyncConnection[Any]:
        """Return the connection, opened if need be; raises one of TRANSIENT where it cannot."""
        if self._connection is None or self._connection.closed:
            self._connection = await open_connection(self._dsn, f"pgq {self._name}")
        return self._connection

    async def try_call(self, call: Call[T]) -> T:
        """Send a call once, in a transaction of its own; after an error the outcome is unknown."""
        answer = await send_alone(await self.connection(), call, self._schema)
        self._pauses.reset()
        return answer

    async def call(self, call: Call[T]) -> T:
        """Send a call that may be repeated until it is answered, however long that takes."""
        return await self.call_anew(lambda: call)

    async def call_anew(self, make: Callable[[], Call[T]]) -> T:
        """Do the same with a call that is made when it can be sent: it may say what time it is."""
        while True:
            try:
                await self.connection()
                return await self.try_call(make())
            except TRANSIENT as error:
                await self.recover(error)

    async def try_together(self, calls: Sequence[Call[Any]], *, durable: bool = True) -> list[Any]:
        """Send calls once, in one transaction; after one of TRANSIENT the outcome is unknown.

        durable: wait until a crash of the server cannot undo it.
        """
        connection = await self.connection()
        answers = await send_together(connection, calls, self._schema, durable=durable)
        self._pauses.reset()
        return answers

    async def recover(self, error: BaseException) -> None:
        """Note that a call failed, close the connection, and wait a moment."""
        pause = self._pauses.next()
        note_failed_connection(error, self._name, pause, self._report)
        await self.close()
        await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def note_failed_connection(
    error: BaseException, session: str, pause: float, report: Report | None
) -> None:
    """Log that a connection failed and will be opened again, and report it."""
    log_event(
        worker_log,
        logging.WARNING,
        "connection.failed",
        session=session,
        pause=round(pause, 2),
        error_type=type_of(error),
        error=first_line(error),
    )
    if report is not None:
        report(error, session)
