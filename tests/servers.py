"""The Postgres servers and databases that the tests run on; the fixtures are in conftest.py."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import shutil
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql.janitor import DatabaseJanitor

from pgq import embedded
from pgq.embedded.binaries import OLDEST_MAJOR, major_of, system_bindirs
from pgq.schema.migrate import install_script
from pgq.testing import Travel as Travel

# fsync and full_page_writes are off already: these servers are temporary. synchronous_commit stays
# on, or an immediate restart would lose what was committed. Autovacuum is on, as everywhere, and
# its first round would come in days: nothing is vacuumed behind a test's back.
SETTINGS = {
    "autovacuum_naptime": "2147483",
    "jit": "off",
    "max_connections": "120",
    "max_prepared_transactions": "10",
    "max_wal_size": "256MB",
}


def free_port() -> int:
    """Return a port that nobody listens on, below those that clients' sockets get."""
    for number in random.sample(range(20000, 32000), 500):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
            return number
    raise AssertionError("no free port")


@dataclass(frozen=True)
class Target:
    """A server to run on: one of our own from `bindir`, or with `dsn` one that runs already."""

    name: str
    version: str
    bindir: Path | None
    dsn: str | None = None

    @property
    def major(self) -> int:
        return major_of(self.version)


class Server(Protocol):
    """What a test may use of a server, no matter who started it."""

    @property
    def dsn(self) -> str: ...
    @property
    def major(self) -> int: ...
    @property
    def bindir(self) -> Path: ...
    def restart(self, mode: Any = ...) -> None: ...


class ExternalServer:
    """The server of PGQ_TEST_DSN, which the tests neither start nor stop."""

    def __init__(self, target: Target) -> None:
        assert target.dsn
        self.dsn = target.dsn
        self.major = target.major
        self._bindir = target.bindir

    @property
    def bindir(self) -> Path:
        """Where psql and pg_dump are; skips the test where there are none for this version."""
        if not self._bindir:
            pytest.skip(f"no programs of Postgres {self.major} or newer on this machine")
        return self._bindir

    def restart(self, mode: str = "fast") -> None:
        pytest.skip("the server of PGQ_TEST_DSN is not ours to restart")


def memory_folder() -> str | None:
    """Return a roomy place for temporary files in memory, if the machine has one.

    A database is some 300 files. Making and dropping them all the time takes 12 ms in memory, but
    200 ms on ext4, which steps around inodes that were freed in the last seconds.
    """
    place = Path("/dev/shm")
    if not os.access(place, os.W_OK | os.X_OK) or shutil.disk_usage(place).free < 2 << 30:
        return None
    return str(place)


def start(
    target: Target, standby_of: embedded.Server | None = None, **settings: str
) -> embedded.Server:
    """Start a temporary server, in memory where possible; keywords are settings of Postgres."""
    with mock.patch.object(tempfile, "tempdir", memory_folder()):
        return embedded.start(
            None, bindir=target.bindir, settings=SETTINGS | settings, standby_of=standby_of
        )


def find_targets() -> list[Target]:
    """Return what this run can test on, newest first; UsageError when that is nothing."""
    local = _local_targets()
    if dsn := os.environ.get("PGQ_TEST_DSN"):
        return [_external_target(dsn, local)]
    if not local:
        try:
            embedded.find_bindir()
        except embedded.ServerError as error:
            raise pytest.UsageError(f"{error}, or set PGQ_TEST_DSN") from error
    return local


def _local_targets() -> list[Target]:
    try:
        bindirs = [embedded.find_bindir(), *system_bindirs()]
    except embedded.ServerError:
        return []
    newest: dict[int, Target] = {}
    for bindir in bindirs:
        version = embedded.version_of(bindir)
        newest.setdefault(major_of(version), Target(f"pg{major_of(version)}", version, bindir))
    return [newest[major] for major in sorted(newest, reverse=True) if major >= OLDEST_MAJOR]


def _external_target(dsn: str, local: list[Target]) -> Target:
    try:
        with psycopg.connect(dsn) as conn:
            row = conn.execute("show server_version").fetchone()
    except psycopg.Error as error:
        raise pytest.UsageError(f"PGQ_TEST_DSN: {error}") from error
    assert row
    version = str(row[0]).split()[0]
    # pg_dump refuses a server that is newer than itself.
    fitting = [target.bindir for target in local if target.major >= major_of(version)]
    return Target("dsn", version, fitting[-1] if fitting else None, dsn)


class Databases:
    """Makes and drops databases on one server, in milliseconds."""

    def __init__(self, server: Server) -> None:
        self._dsn = server.dsn
        self._in_memory = isinstance(server, embedded.Server)
        self._admin: psycopg.Connection | None = None
        self._names = (f"pgq_test_{secrets.token_hex(4)}_{n}" for n in itertools.count(1))

    @contextmanager
    def fresh(
        self, template: str | None = None, *, as_template: bool = False
    ) -> Generator[str, None, None]:
        """Yield a new database's name; afterwards drop it with all who are still connected."""
        janitor = _Janitor(self.admin(), next(self._names), template, as_template)
        janitor.copies_files = self._in_memory
        with janitor:
            try:
                yield janitor.dbname
            finally:
                janitor.admin = self.admin()

    def dsn(self, name: str) -> str:
        return make_conninfo(self._dsn, dbname=name)

    def admin(self) -> psycopg.Connection:
        """Return the connection that makes and drops databases, a new one after a restart."""
        if self._admin:
            try:
                self._admin.execute("select")
            except psycopg.OperationalError:
                self._admin.close()
                self._admin = None
        if not self._admin:
            self._admin = psycopg.connect(self._dsn, autocommit=True)
        return self._admin

    def close(self) -> None:
        if self._admin:
            self._admin.close()


class _Janitor(DatabaseJanitor):
    """The plugin's janitor, on a connection that is kept, for a role that may be anyone."""

    copies_files = False

    def __init__(
        self, admin: psycopg.Connection, dbname: str, template: str | None, as_template: bool
    ) -> None:
        self.admin = admin
        super().__init__(
            user=admin.info.user,
            host=admin.info.host,
            port=admin.info.port,
            dbname=dbname,
            template_dbname=template,
            as_template=as_template,
        )

    @contextmanager
    def cursor(self, dbname: str | None = None) -> Generator[psycopg.Cursor, None, None]:
        with self.admin.cursor() as cursor:
            yield cursor

    def _build_create_database_sql(self) -> sql.Composed:
        """Copy the template's files as they are, where the checkpoint before that is quick.

        It takes a third of the time of the way through the WAL, and brings what the first session
        in a database would have to find out.
        """
        strategy = " strategy file_copy" if self.copies_files else ""
        return super()._build_create_database_sql() + sql.SQL(strategy)

    @staticmethod
    def _terminate_connection(cur: psycopg.Cursor, dbname: str) -> None:
        # The plugin's server also has autovacuum's workers, which only a superuser may end.
        cur.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = %s and backend_type = 'client backend'"
            " and pg_has_role(usesysid, 'usage')",
            (dbname,),
        )


def install(dsn: str, schema: str = "pgq") -> None:
    """Install pgq's schema there, in one transaction."""
    with psycopg.connect(dsn) as conn:
        conn.execute(install_script(schema=schema).encode())


def set_default(conn: psycopg.Connection, name: str, value: str) -> None:
    """Make a setting the default of the database of `conn`, for sessions that begin afterwards."""
    conn.execute(
        sql.SQL("alter database {} set {} = {}").format(
            sql.Identifier(conn.info.dbname), sql.Identifier(name), sql.Literal(value)
        )
    )
