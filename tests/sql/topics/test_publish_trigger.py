from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim, refused, scalar, value

TABLE = 'create table "Order Lines" (id int primary key, state text)'


def attach(conn: psycopg.Connection, *arguments: str) -> None:
    conn.execute(TABLE.encode())
    listed = ", ".join(f"'{argument}'" for argument in arguments)
    conn.execute(
        'create trigger tell after insert or update or delete on "Order Lines"'
        f" for each row execute function pgq.publish_trigger({listed})".encode()
    )


def test_a_filter_on_the_row(conn: psycopg.Connection) -> None:
    attach(conn, "lines")
    value(conn, "subscribe", topic="lines", task="paid", filter='{"new": {"state": "paid"}}')
    value(conn, "subscribe", topic="lines", task="gone", filter='{"operation": "delete"}')
    conn.execute("""insert into "Order Lines" values (1, 'new'), (2, 'paid')""")
    conn.execute("""update "Order Lines" set state = 'paid' where id = 1""")
    conn.execute("""delete from "Order Lines" where id = 2""")
    inserted, updated, deleted = claim(conn)
    assert inserted.args == {
        "table": 'public."Order Lines"',
        "operation": "insert",
        "new": {"id": 2, "state": "paid"},
        "old": None,
    }
    assert updated.args["old"] == {"id": 1, "state": "new"}
    assert (deleted.task, deleted.headers) == ("gone", {"topic": "lines"})


def test_the_jobs_come_and_go_with_the_row(conn: psycopg.Connection) -> None:
    attach(conn, "lines")
    value(conn, "subscribe", topic="*", task="a")
    with conn.transaction(force_rollback=True):
        conn.execute("""insert into "Order Lines" values (1, 'a')""")
    assert claim(conn) == []


def test_a_trigger_without_a_topic_says_so(conn: psycopg.Connection) -> None:
    attach(conn)
    with refused("JQ002", "the topic is empty"):
        conn.execute("""insert into "Order Lines" values (1, 'a')""")


def test_it_is_only_a_trigger(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        scalar(conn, "select pgq.publish_trigger()")
