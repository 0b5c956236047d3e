"""The database as pages ask it: only reading, briefly, and the same question once a second.

So fifty viewers cost the database what one costs, and a page that asks too much fails alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from pgq.client.clients import Client
from pgq.errors import PgqError
from pgq.lib.connect import conninfo
from pgq.lib.forks import not_for_children, tell_of_fork

P = ParamSpec("P")
T = TypeVar("T")

STATEMENT_MS: Final = 2000
LOCK_MS: Final = 100
# Seconds: how long an answer is good for, how long a failure; and questions that cost more.
_FRESH: Final = 1.0
_FAILED: Final = 3.0
_SELDOM: Final = {
    "health": 10.0,
    "sampled_health": 3.0,
    "known_names": 60.0,
    "house": 5.0,
    "queue_activity": 5.0,
    "task_activity": 5.0,
    "task_stats": 5.0,
    "error_groups": 5.0,
    "is_standby": 10.0,
}
# Seconds for a connection, or for the answer that another page waits for.
_PATIENCE: Final = 3.0
_CONNECTIONS: Final = 6
_MOST_ANSWERS: Final = 500

_BEGIN: Final = (
    "begin isolation level read committed read only; "
    f"set local statement_timeout = {STATEMENT_MS}; set local lock_timeout = {LOCK_MS}"
).encode()
_DEFAULTS: Final = {
    "connect_timeout": "3",
    # A server that is gone without a word, in milliseconds.
    "tcp_user_timeout": "5000",
    "application_name": "pgq web",
}


class Busy(Exception):
    """Others have asked the same, and the database has not answered them."""


FAILURES: Final = (psycopg.Error, PgqError, PoolTimeout, Busy)
"""What asking may raise."""


@dataclass
class _Answer:
    turn: threading.Lock = field(default_factory=threading.Lock)
    until: float = 0.0
    asked_at: float = 0.0
    value: Any = None
    error: Exception | None = None


class Source:
    """Asks questions: functions that take a client first, with arguments that have a repr."""

    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._schema = schema
        self._guard = threading.Lock()
        self._pool: ConnectionPool[Any] | None = None
        self._answers: dict[Any, _Answer] = {}
        self.changed_at = 0.0
        """When an action was last done here, in seconds since 1970; 0: never."""
        self._left: list[Any] = []
        tell_of_fork(self, type(self)._forget)

    def ask(
        self, question: Callable[Concatenate[Client, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a question answers, which may be a second old. Raises one of FAILURES."""
        return self.ask_after(0.0, question, *args, **kwargs)

    def ask_after(
        self,
        changed_at: float,
        question: Callable[Concatenate[Client, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return the same, but nothing from before then, in seconds since 1970."""
        answer = self._answer((question, repr(args), repr(sorted(kwargs.items()))))
        if not answer.turn.acquire(timeout=_PATIENCE):
            raise Busy
        try:
            changed_at = max(changed_at, self.changed_at)
            if time.monotonic() >= answer.until or answer.asked_at < changed_at:
                self._renew(answer, question, args, kwargs)
            if answer.error is not None:
                raise answer.error.with_traceback(None)
            found: T = answer.value
            return found
        finally:
            answer.turn.release()

    def tell_of_change(self) -> float:
        """Take no answer from before now, since an action was done; return when that is."""
        self.changed_at = time.time()
        return self.changed_at

    def forget(self) -> None:
        """Take no answer from before now, as if nobody had asked yet."""
        with self._guard:
            self._answers = {}

    def reads_a_standby(self) -> bool:
        """Say whether the server follows another one, as far as it answers."""
        try:
            return self.ask(is_standby)
        except FAILURES:
            return False

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _renew(self, answer: _Answer, question: Any, args: Any, kwargs: Any) -> None:
        answer.value = answer.error = None
        answer.asked_at = time.time()
        fresh = _SELDOM.get(getattr(question, "__name__", ""), _FRESH)
        try:
            with self._connections().connection(timeout=_PATIENCE) as connection:
                connection.execute(_BEGIN)
                answer.value = question(Client(connection, schema=self._schema), *args, **kwargs)
        except FAILURES as error:
            answer.error, fresh = error, _FAILED
        answer.until = time.monotonic() + fresh

    def _answer(self, key: Any) -> _Answer:
        with self._guard:
            if key not in self._answers and len(self._answers) >= _MOST_ANSWERS:
                now = time.monotonic()
                self._answers = {
                    each: kept
                    for each, kept in self._answers.items()
                    if kept.until > now or kept.turn.locked()
                }
            return self._answers.setdefault(key, _Answer())

    def _connections(self) -> ConnectionPool[Any]:
        with self._guard:
            if self._pool is None:
                self._pool = ConnectionPool(
                    conninfo(self._dsn, **_DEFAULTS),
                    # Through a pooler, a statement that is prepared may be another session's.
                    kwargs={"autocommit": True, "prepare_threshold": None},
                    min_size=1,
                    max_size=_CONNECTIONS,
                    max_idle=60,
                    timeout=_PATIENCE,
                    configure=_keep_from_children,
                    open=True,
                    name="pgq web",
                )
            return self._pool

    def _forget(self) -> None:
        """In a child: leave its parent's connections alone, and locks that were held."""
        self._left.append(self._pool)
        self._guard, self._pool, self._answers = threading.Lock(), None, {}


def is_standby(client: Client) -> bool:
    """Ask whether the server follows another one, so that nothing can be changed there."""
    with client.connection() as connection:
        row = connection.execute("select pg_catalog.pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def _keep_from_children(connection: psycopg.Connection[Any]) -> None:
    not_for_children(connection)


def trouble_of(error: Exception) -> str:
    """Say in a line why a part of a page is missing; nothing that only the log should tell."""
    match error:
        case psycopg.errors.QueryCanceled():
            return f"The database took longer than {STATEMENT_MS // 1000} s, so it was stopped."
        case psycopg.errors.LockNotAvailable():
            return "Something in the database is locked."
        case psycopg.errors.InsufficientPrivilege():
            return "The login of these pages may not read this; it needs the role pgq_observer."
        case PgqError():
            return error.message
        case psycopg.OperationalError() | PoolTimeout() | Busy():
            return "The database does not answer."
        case _:
            return "The database refused this; the log says why."
