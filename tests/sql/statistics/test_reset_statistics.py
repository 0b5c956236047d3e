"""Statistics begin anew."""

from __future__ import annotations

import psycopg

from tests.sql.calls import claim, complete, enqueue, fail, rows, value
from tests.sql.statistics.counting import counted, fold, totals


def work(conn: psycopg.Connection) -> None:
    enqueue(conn)
    complete(conn, *claim(conn))


def test_all_is_forgotten_and_counting_goes_on(conn: psycopg.Connection) -> None:
    work(conn)
    fold(conn)
    value(conn, "add_mark", label="kept")
    enqueue(conn)
    fail(conn, *claim(conn))
    fold(conn)
    assert rows(conn, "error_groups")
    # Two outcomes in periods, two totals, an error and its hour.
    assert value(conn, "reset_statistics") == 6
    assert rows(conn, "error_groups") == []
    assert counted(conn) == {}
    assert rows(conn, "task_stats") == []
    assert len(rows(conn, "marks")) == 1
    work(conn)
    fold(conn)
    assert totals(conn) == {"succeeded": 1}
    work(conn)
    assert value(conn, "reset_statistics") == 4
    assert value(conn, "reset_statistics") == 0
