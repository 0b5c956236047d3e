"""What the other tests take for granted of their servers, databases and clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Databases, Server, Travel, install


def now(conn: psycopg.Connection) -> datetime:
    row = conn.execute("select pgq._now()").fetchone()
    assert row
    moment: datetime = row[0]
    return moment


def exists(databases: Databases, name: str) -> bool:
    query = "select from pg_database where datname = %s"
    return databases.admin().execute(query, (name,)).fetchone() is not None


def test_every_version_is_the_one_it_says(conn: psycopg.Connection, server: Server) -> None:
    assert conn.info.server_version // 10000 == server.major
    assert (server.bindir / "pg_dump").exists()


def test_dsn_holds_the_schema_and_empty_dsn_does_not(dsn: str, empty_dsn: str) -> None:
    for place, expected in ((dsn, True), (empty_dsn, False)):
        with psycopg.connect(place) as conn:
            row = conn.execute("select to_regnamespace('pgq') is not null").fetchone()
        assert row == (expected,)


def test_database_is_dropped_with_whoever_is_left(databases: Databases) -> None:
    with databases.fresh() as name:
        left = psycopg.connect(databases.dsn(name))
        left.execute("select 1")
    assert not exists(databases, name)
    with pytest.raises(psycopg.OperationalError):
        left.execute("select 1")
    left.close()


@pytest.mark.slow
def test_database_is_dropped_when_the_admin_session_was_lost(databases: Databases) -> None:
    with databases.fresh() as name:
        pid = databases.admin().info.backend_pid
        with psycopg.connect(databases.dsn(name)) as conn:
            conn.execute("select pg_terminate_backend(%s, 5000)", (pid,))
    assert not exists(databases, name)


@pytest.mark.slow
def test_server_has_the_clock_of_the_tests_and_true_timers(conn: psycopg.Connection) -> None:
    # `make test-at` gives both a wrong time of day, and nothing else.
    assert abs(now(conn) - datetime.now(UTC)) < timedelta(seconds=30)
    conn.execute("set statement_timeout = 100")
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled):
        conn.execute("select pg_sleep(30)")
    assert time.monotonic() - begun < 15


def test_travel_adds_up_for_all_sessions(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    other = connect()
    conn.execute("prepare clock as select pgq._now()")
    travel("1 hour")
    travel(timedelta(days=2))
    travel("-30 minutes")
    expected = datetime.now(UTC) + timedelta(days=2, minutes=30)
    assert abs(now(conn) - expected) < timedelta(seconds=30)
    assert abs(now(other) - expected) < timedelta(seconds=30)
    row = conn.execute("execute clock").fetchone()
    assert row and abs(row[0] - expected) < timedelta(seconds=30)


def test_travel_changes_nothing_but_the_time(conn: psycopg.Connection, travel: Travel) -> None:
    attributes = (
        "select to_jsonb(p) - 'prosrc' from pg_proc p where oid = 'pgq._now()'::regprocedure"
    )
    before = conn.execute(attributes).fetchone()
    travel("1 hour")
    assert conn.execute(attributes).fetchone() == before


@pytest.mark.slow
def test_private_server_can_be_restarted(private_server: Server) -> None:
    install(private_server.dsn)
    private_server.restart("immediate")
    with psycopg.connect(private_server.dsn) as conn:
        assert now(conn)
