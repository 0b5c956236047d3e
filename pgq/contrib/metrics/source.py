"""The database as pages ask it: seldom, briefly, and never by two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from pgq.client.clients import Client
from pgq.lib.connect import connect

T = TypeVar("T")

# Seconds: how long an answer is good for, how long to wait for one, and for another's question.
_FRESH: Final = 5.0
_STATEMENT_MS: Final = 5000
_PATIENCE: Final = 10.0

_DEFAULTS: Final = {
    "connect_timeout": "5",
    # A server that is gone without a word, in milliseconds.
    "tcp_user_timeout": "10000",
    "application_name": "pgq metrics",
}


class DatabaseBusy(Exception):
    """The database has not answered the question before this one."""


class Source:
    """Asks questions, each on a connection of its own that is closed afterwards.

    So there is nothing to keep alive, to open again after a failover, or to share with a child.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self._dsn = dsn
        self._schema = schema
        self._turn = threading.Lock()
        self._answers: dict[str, tuple[float, Any]] = {}

    def ask(self, question: Callable[[Client], T]) -> T:
        """Return what a question answers, which may be five seconds old; it must have a name.

        Raises psycopg.Error, and DatabaseBusy where another question has not been answered.
        """
        if not self._turn.acquire(timeout=_PATIENCE):
            raise DatabaseBusy
        try:
            at, answer = self._answers.get(question.__name__, (0.0, None))
            if not at or time.monotonic() - at > _FRESH:
                answer = self._asked(question)
                self._answers[question.__name__] = (time.monotonic(), answer)
            found: T = answer
            return found
        finally:
            self._turn.release()

    def _asked(self, question: Callable[[Client], T]) -> T:
        with connect(self._dsn, _DEFAULTS) as connection:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            connection.read_only = True
            connection.execute(f"set local statement_timeout = {_STATEMENT_MS}".encode())
            return question(Client(connection, schema=self._schema))
