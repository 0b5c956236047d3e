"""Who acts, by the application's word: the client says so where the database notes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

import pgq
from pgq.calls.call import AUDITED
from tests.conftest import Connect
from tests.sql.test_audit import of_operators


def actors(conn: psycopg.Connection) -> list[str | None]:
    return [actor for (actor,) in conn.execute("select actor from pgq.audit order by id")]


@pytest.mark.slow
def test_the_client_knows_what_is_noted(conn: psycopg.Connection) -> None:
    assert of_operators(conn) == AUDITED


def test_a_name_holds_for_every_call(dsn: str, conn: psycopg.Connection) -> None:
    with pgq.Client(dsn, actor="alice") as client:
        client.pause_queue("mail")
        client.prune()  # changes nothing
        assert client.resume_queue("mail")
        client.schedule("s", "work", every=60)
        with client.connection() as own:
            left = own.execute("select current_setting('pgq.actor', true)").fetchone()
            assert left and not left[0]
    assert actors(conn) == ["alice"] * 3


def test_a_function_says_who_acts_now(dsn: str, conn: psycopg.Connection) -> None:
    now = iter(["alice", None, "bob"])
    with pgq.Client(dsn, actor=lambda: next(now)) as client:
        for _ in range(3):
            client.enqueue("work")
            client.pause_queue("mail")
    assert actors(conn) == ["alice", None, "bob"]


def test_an_async_client_does_the_same(dsn: str, conn: psycopg.Connection) -> None:
    async def act() -> None:
        async with pgq.AsyncClient(dsn, actor="alice") as client:
            await client.pause_queue("mail")

    asyncio.run(act())
    assert actors(conn) == ["alice"]


@pytest.mark.parametrize("autocommit", [True, False])
def test_on_a_lent_connection_it_ends_with_the_transaction(
    connect: Connect, conn: psycopg.Connection, autocommit: bool
) -> None:
    lent = connect(autocommit=autocommit)
    client = pgq.Client(lent, actor="alice")
    with lent.transaction(force_rollback=True):
        client.pause_queue("undone")
    with lent.transaction():
        client.pause_queue("mail")
        lent.execute("select pgq.pause_queue('other')")
    assert client.schema == "pgq" and not lent.closed
    lent.execute("select pgq.pause_queue('third')")
    lent.commit()
    assert actors(conn) == ["alice", "alice", None]


def test_a_lent_connection_that_does_not_commit_is_left_to_its_owner(
    connect: Connect, conn: psycopg.Connection
) -> None:
    lent = connect(autocommit=False)
    pgq.Client(lent, actor="alice").pause_queue("mail")
    assert actors(conn) == []
    lent.commit()
    assert actors(conn) == ["alice"]


def test_a_pools_connection_keeps_nothing(dsn: str, conn: psycopg.Connection) -> None:
    with ConnectionPool(dsn, min_size=1, max_size=1) as pool:
        pgq.Client(pool, actor="alice").pause_queue("mail")
        pgq.Client(pool).pause_queue("mail")
    assert actors(conn) == ["alice", None]


def test_a_refused_call_leaves_a_usable_connection(dsn: str, conn: psycopg.Connection) -> None:
    with pgq.Client(dsn, actor="alice") as client:
        with pytest.raises(pgq.InvalidArgument, match="instruction"):
            client.order_worker(1, "dance")  # type: ignore[arg-type]
        client.pause_queue("mail")
    assert actors(conn) == ["alice"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_a_name_in_any_encoding(connect: Connect, conn: psycopg.Connection, encoding: str) -> None:
    lent = connect(client_encoding=encoding)
    pgq.Client(lent, actor="\u0141ucja").pause_queue("mail")
    assert actors(conn) == ["\u0141ucja"]


@pytest.mark.parametrize("actor", [5, lambda: 5])
def test_what_is_no_name_is_refused(dsn: str, actor: Callable[[], Any] | int) -> None:
    client = pgq.Client(dsn, actor=actor)  # type: ignore[arg-type]
    with client, pytest.raises(pgq.InvalidArgument, match="actor"):
        client.pause_queue("mail")


def test_an_enqueue_sends_no_name(connect: Connect) -> None:
    """It is one statement as before, and names nobody."""
    sent: list[object] = []

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **options: Any) -> Any:
            sent.append(query)
            return super().execute(query, *args, **options)

    lent = connect()
    lent.cursor_factory = Cursor
    pgq.Client(lent, actor="alice").enqueue("work")
    assert not any("pgq.actor" in str(each) for each in sent)
