# Written by generate.py from connections_async.py: change that one.
"""Connections of a client's own, in autocommit mode, and those beneath what it was given."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import psycopg

from pgq.client.sources import SESSIONS, is_alchemy, refused
from pgq.lib.connect import connect
from pgq.lib.forks import renewed, tell_of_fork

# How many times a statement is sent before it is prepared, as psycopg has it.
_OFTEN: Final = 5

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


class Own(NamedTuple):
    """A connection, and whether there is no pooler between."""

    connection: psycopg.Connection[Any]
    is_direct: bool


def open_own(dsn: str) -> Own:
    """Open a connection; a direct one may prepare statements, and is read committed."""
    connection = connect(dsn, **_AT_FIRST)
    try:
        answer = connection.execute(_IS_DIRECT, [connection.info.backend_pid])
        (is_direct,) = answer.fetchone() or [False]
    except BaseException:
        connection.close()
        raise
    if is_direct:
        connection.prepare_threshold = _OFTEN
    return Own(connection, is_direct)


class OwnConnection:
    """A connection that is opened when it is needed, also after it broke.

    In one thread or task at a time. A child made by `fork` opens one of its own.

    A context manager of its own, because one made of a generator takes a tenth of an enqueue.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.Connection[Any] | None = None
        self._turn = threading.RLock()
        tell_of_fork(self, type(self)._begin_anew)

    def __enter__(self) -> psycopg.Connection[Any]:
        self._turn.acquire()
        try:
            if self._connection is None or self._connection.closed:
                own = open_own(self._dsn)
                self._connection = own.connection
        except BaseException:
            self._turn.release()
            raise
        return self._connection

    def __exit__(self, *error: object) -> None:
        self._turn.release()

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _begin_anew(self) -> None:
        """Forget the parent's connection, and the turn of a thread that is not here."""
        if self._connection is not None:
            # It leads nowhere by now, so that the server hears nothing of this.
            self._connection.pgconn.finish()
        self._turn = renewed(self._turn)


@contextmanager
def borrowed(source: Any) -> Generator[psycopg.Connection[Any], None, None]:
    """Lend what is beneath a connection or a session of SQLAlchemy, in its transaction."""
    connection = source.connection() if is_alchemy(source, SESSIONS) else source
    if not connection.in_transaction():
        connection.begin()
    beneath = connection.connection.driver_connection
    if not isinstance(beneath, psycopg.Connection):
        raise refused(beneath, is_async=False)
    yield beneath
