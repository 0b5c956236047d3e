from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import Claim, claim, refused, scalar

TABLE = 'create table "Order Lines" (id int primary key, note text)'


def attach(conn: psycopg.Connection, *arguments: str, when: str = "after") -> None:
    conn.execute(TABLE.encode())
    listed = ", ".join(f"'{argument}'" for argument in arguments)
    conn.execute(
        f'create trigger sync {when} insert or update or delete on "Order Lines"'
        f" for each row execute function pgq.enqueue_trigger({listed})".encode()
    )


def test_a_job_for_every_row_that_changed(conn: psycopg.Connection) -> None:
    attach(conn, "sync", "search")
    conn.execute("""insert into "Order Lines" values (1, 'a'), (2, 'b')""")
    conn.execute("""update "Order Lines" set note = 'c' where id = 1""")
    conn.execute("""delete from "Order Lines" where id = 2""")
    first, second, updated, deleted = claim(conn, ["search"])
    assert {held.task for held in (first, second)} == {"sync"}
    assert first.args == {
        "table": 'public."Order Lines"',
        "operation": "insert",
        "new": {"id": 1, "note": "a"},
        "old": None,
    }
    assert second.args["new"] == {"id": 2, "note": "b"}
    assert updated.args["operation"] == "update"
    assert updated.args["old"] == {"id": 1, "note": "a"}
    assert updated.args["new"] == {"id": 1, "note": "c"}
    assert (deleted.args["operation"], deleted.args["new"]) == ("delete", None)
    assert deleted.args["old"] == {"id": 2, "note": "b"}


def test_the_default_queue(conn: psycopg.Connection) -> None:
    attach(conn, "sync")
    conn.execute("""insert into "Order Lines" values (1, 'a')""")
    held: list[Claim] = claim(conn, ["default"])
    assert len(held) == 1


def test_the_job_comes_and_goes_with_the_row(conn: psycopg.Connection) -> None:
    attach(conn, "sync")
    with conn.transaction(force_rollback=True):
        conn.execute("""insert into "Order Lines" values (1, 'a')""")
    assert claim(conn) == []


def test_a_statement_trigger_has_no_rows(conn: psycopg.Connection) -> None:
    conn.execute(TABLE.encode())
    conn.execute(
        'create trigger sync after truncate on "Order Lines"'
        " for each statement execute function pgq.enqueue_trigger('sync')"
    )
    conn.execute('truncate "Order Lines"')
    (held,) = claim(conn)
    assert (held.args["operation"], held.args["new"]) == ("truncate", None)


def test_a_trigger_without_a_task_says_so(conn: psycopg.Connection) -> None:
    attach(conn)
    with refused("JQ001", "task is empty"):
        conn.execute("""insert into "Order Lines" values (1, 'a')""")


def test_it_is_only_a_trigger(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        scalar(conn, "select pgq.enqueue_trigger()")


def test_a_trigger_that_enqueues_new(conn: psycopg.Connection) -> None:
    conn.execute(TABLE.encode())
    conn.execute(
        "create function sync() returns trigger language plpgsql as"
        " $$ begin perform pgq.enqueue('sync', new); return new; end $$"
    )
    conn.execute(
        'create trigger sync before insert on "Order Lines" for each row execute function sync()'
    )
    conn.execute("""insert into "Order Lines" values (1, 'a')""")
    (held,) = claim(conn)
    assert (held.task, held.args) == ("sync", {"id": 1, "note": "a"})
