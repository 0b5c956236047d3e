"""AsyncMQ's `backends.postgres`: a database by its DSN, with calls that name the queue."""

from __future__ import annotations

from typing import Any

from pgq.contrib.asyncmq._backend_calls import CalledBackend


class PostgresBackend(CalledBackend):
    """The database of a DSN; None: PGQ_DSN, or libpq's own variables."""

    def __init__(
        self,
        dsn: str | None = None,
        pool_options: dict[str, Any] | None = None,
        *,
        schema: str = "pgq",
    ) -> None:
        """`pool_options` change nothing: a process has one connection beside its workers'."""
        super().__init__(dsn, schema=schema)
