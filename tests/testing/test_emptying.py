"""Between tests that can roll nothing back, the queue is emptied."""

from __future__ import annotations

import psycopg
import pytest

import pgq
from pgq.testing.emptying import KEPT, empty, empty_script

TABLES = """
select relname::text from pg_class
where relnamespace = 'pgq'::regnamespace and relkind in ('r', 'p') and not relispartition
"""


def full(conn: psycopg.Connection) -> set[str]:
    names = [row[0] for row in conn.execute(TABLES)]
    return {
        name
        for name in names
        if conn.execute(f"select from pgq.{name} limit 1".encode()).fetchone() is not None
    }


def test_what_an_install_fills_is_kept(conn: psycopg.Connection) -> None:
    assert full(conn) == {*KEPT}


@pytest.mark.slow
def test_all_else_is_gone(conn: psycopg.Connection, client: pgq.Client) -> None:
    client.schedule("nightly", "tidy", every="1 day")
    client.pause_queue("mail")
    ids = [client.enqueue("mail", queue="mail", concurrency_key="k") for _ in range(3)]
    worker = conn.execute("select pgq.register_worker('w', '{*}')").fetchone()
    assert worker
    client.cancel(ids[:1])
    assert {"jobs", "schedules", "queues", "workers"} <= full(conn)
    empty(conn)
    assert full(conn) == {*KEPT}
    assert conn.execute("select * from pgq.verify()").fetchall() == []
    assert client.enqueue("mail") > max(ids)


def test_a_schema_that_is_not_there_has_nothing_to_empty(conn: psycopg.Connection) -> None:
    empty(conn, "elsewhere")
    with pytest.raises(ValueError, match="schema name"):
        empty_script("a'b")
