"""Where the benchmark runs: a server, with schemas of its own that are dropped at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from pgq import embedded
from pgq.bench import floors
from pgq.bench.figures import BenchFailed
from pgq.lib.connect import connect
from pgq.schema import migrate

# A user's own server is measured as it is. Ours is as durable as in production, and has the
# settings of initdb for jit, autovacuum and the planner.
SETTINGS: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "min_wal_size": "2GB",
    "checkpoint_timeout": "30min",
    "max_connections": "150",
}

_PREFIX: Final = "pgq_bench"
_LOCK: Final = 0x5067_5142


@dataclass(frozen=True)
class Place:
    """A database to measure in, and a folder for ledgers."""

    dsn: str
    folder: Path
    bindir: Path | None  # where pgbench may be

    @contextmanager
    def connect(self) -> Generator[psycopg.Connection[Any], None, None]:
        """Open a session in autocommit mode."""
        with connect(self.dsn, autocommit=True, application_name=_PREFIX) as connection:
            yield connection

    @contextmanager
    def schema(self, name: str = "") -> Generator[str, None, None]:
        """Install a schema of our own, and remove it at the end."""
        schema = f"{_PREFIX}_{name}" if name else _PREFIX
        with migrate.connect(self.dsn) as connection:
            migrate.run_script(connection, migrate.install_script(schema))
        try:
            yield schema
        finally:
            migrate.uninstall(self.dsn, schema=schema)

    def has_ended(self) -> None:
        """Remove the rest of an earlier benchmark that kill -9 ended."""
        with self.connect() as connection:
            left = connection.execute(
                "select nspname::text from pg_namespace where nspname like 'pgq\\_bench%'"
            ).fetchall()
        for (schema,) in left:
            if schema == floors.SCHEMA:
                self.drop_floors()
            else:
                migrate.uninstall(self.dsn, schema=schema)

    def drop_floors(self) -> None:
        """Remove the bare tables."""
        with self.connect() as connection:
            connection.execute(f"drop schema if exists {floors.SCHEMA} cascade".encode())


@contextmanager
def open_place(
    dsn: str | None, bindir: Path | None = None, port: int | None = None
) -> Generator[Place, None, None]:
    """Yield a place in the database of `dsn`, or on a temporary server (with `port` by TCP).

    Raises BenchFailed if another benchmark runs in that database.
    """
    if dsn is not None:
        with _own_schemas(dsn, bindir) as place:
            yield place
        return
    with (
        embedded.start(None, bindir=bindir, settings=SETTINGS, port=port) as server,
        _own_schemas(server.dsn, server.bindir) as place,
    ):
        yield place


@contextmanager
def _own_schemas(dsn: str, bindir: Path | None) -> Generator[Place, None, None]:
    with tempfile.TemporaryDirectory(prefix="pgq-bench-") as folder:
        place = Place(dsn, Path(folder), bindir)
        with place.connect() as guard:
            row = guard.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
            if row is None or not row[0]:
                raise BenchFailed("another benchmark runs in this database")
            place.has_ended()
            try:
                guard.execute(floors.create().encode())
                yield place
            finally:
                place.drop_floors()
