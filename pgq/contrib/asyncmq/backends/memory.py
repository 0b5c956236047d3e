"""AsyncMQ's `backends.memory`: a database that lives as long as this process, for tests."""

from __future__ import annotations

from functools import cached_property

from pgq.contrib.asyncmq._backend_calls import CalledBackend
from pgq.contrib.asyncmq._temporary import new_database


class InMemoryBackend(CalledBackend):
    """A new and empty queue: a database of its own, in a Postgres that this process starts.

    It is made at the first use, which takes a second or two in a process, and a fraction of one for
    each further backend. It needs the extra `server`, or PGQ_TEST_DSN: a Postgres in which
    databases may be made. All is gone when the process ends.
    """

    def __init__(self) -> None:
        super().__init__(None)

    @cached_property
    def _database(self) -> str:
        return new_database()

    def _dsn_text(self) -> str:
        return self._database
