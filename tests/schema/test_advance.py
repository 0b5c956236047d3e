"""A host's own migrations bring the schema to a revision, in a transaction of theirs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pgq.errors import MigrationError, SchemaNotOurs
from pgq.schema import migrate
from pgq.schema.advance import advance, revision_of, step_script
from pgq.schema.names import Names

PGQ = Names()


def test_it_installs_in_the_callers_transaction(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as session:
        session.execute("create table theirs ()")
        advance(session, PGQ, migrate.head())
        session.execute("select from theirs")
        assert session.execute("select pgq.enqueue('a')").fetchone()
        session.rollback()
        assert revision_of(session, "pgq") is None
        advance(session, PGQ, migrate.head())
        assert revision_of(session, "pgq") == migrate.head()
    assert migrate.upgrade(empty_dsn) == []
    with psycopg.connect(empty_dsn) as session:
        assert session.execute("select * from pgq.verify()").fetchall() == []


def test_where_all_is_there_it_does_nothing(conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute("set transaction read only")
        assert advance(conn, PGQ, migrate.head()) == []


def test_a_newer_schema_is_left_alone(conn: psycopg.Connection) -> None:
    conn.execute("update pgq.schema_version set version_num = '9999'")
    assert advance(conn, PGQ, migrate.head()) == []


def test_that_of_an_extension_is_the_extensions_to_update(conn: psycopg.Connection) -> None:
    conn.execute("alter extension plpgsql add table pgq.schema_version")
    assert advance(conn, PGQ, migrate.head()) == []
    conn.execute("update pgq.schema_version set version_num = '0000'")
    with pytest.raises(MigrationError, match="belongs to an extension") as raised:
        advance(conn, PGQ, migrate.head())
    assert "alter extension" in str(raised.value.hint)
    conn.execute("alter extension plpgsql drop table pgq.schema_version")


def test_it_refuses_what_upgrade_refuses(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as session:
        session.execute("create schema pgq; create table pgq.mine ()")
        with pytest.raises(SchemaNotOurs):
            advance(session, PGQ, migrate.head())


def test_it_knows_no_other_revision(conn: psycopg.Connection) -> None:
    with pytest.raises(MigrationError, match="knows no revision head"):
        advance(conn, PGQ, "head")


def test_the_text_of_a_step_under_other_names(empty_dsn: str) -> None:
    names = Names("jobs", "other_")
    with psycopg.connect(empty_dsn) as session:
        session.execute(step_script(names, migrate.head()).encode())
        assert revision_of(session, "jobs") == migrate.head()
        session.rollback()


def test_it_makes_what_the_install_script_makes(empty_dsn: str, conn: psycopg.Connection) -> None:
    """`verify` compares with what was noted; so compare what was noted."""
    noted = "select kind, name from pgq.installed_objects order by 1, 2"
    with psycopg.connect(empty_dsn) as session:
        advance(session, PGQ, migrate.head())
        assert session.execute(noted).fetchall() == conn.execute(noted).fetchall()


def test_of_two_at_once_one_waits_and_finds_it_done(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as one, ThreadPoolExecutor(1) as pool:
        advance(one, PGQ, migrate.head())
        other = pool.submit(migrate.upgrade, empty_dsn)
        wait_for_lock(empty_dsn)
        one.commit()
        assert other.result(60) == []


def wait_for_lock(dsn: str) -> None:
    waiting = "select from pg_locks where not granted"
    with psycopg.connect(dsn, autocommit=True) as session:
        deadline = time.monotonic() + 60
        while session.execute(waiting).fetchone() is None:
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.02)
