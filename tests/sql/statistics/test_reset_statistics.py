"""Statistics begin anew."""

from __future__ import annotations

import psycopg

from tests.sql.calls import claim, complete, enqueue, rows, value
from tests.sql.statistics.counting import counted, fold, totals


def work(conn: psycopg.Connection) -> None:
    enqueue(conn)
    complete(conn, *claim(conn))


def test_all_is_forgotten_and_counting_goes_on(conn: psycopg.Connection) -> None:
    work(conn)
    fold(conn)
    work(conn)
    value(conn, "add_mark", label="kept")
    assert value(conn, "reset_statistics") == 3
    assert counted(conn) == {}
    assert rows(conn, "task_stats") == []
    assert len(rows(conn, "marks")) == 1
    work(conn)
    fold(conn)
    assert totals(conn) == {"succeeded": 1}
    assert value(conn, "reset_statistics") == 2
    assert value(conn, "reset_statistics") == 0
