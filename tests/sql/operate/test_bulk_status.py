from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import refused, rows, scalar, value
from tests.sql.operate.calls import failed, run, start, status


def test_the_newest_come_first_page_by_page(conn: psycopg.Connection) -> None:
    ids = [start(conn, "cancel", queue=f"q{n}")["id"] for n in range(25)]
    first = rows(conn, "bulk_status")
    assert [row["id"] for row in first] == ids[::-1][:20]
    rest = rows(conn, "bulk_status", before_id=first[-1]["id"], max_operations=3)
    assert [row["filters"]["queue"] for row in rest] == ["q4", "q3", "q2"]
    assert rows(conn, "bulk_status", operation_id=-1) == []


@pytest.mark.parametrize("most", [0, 1001])
def test_a_page_has_a_size(conn: psycopg.Connection, most: int) -> None:
    with refused("JQ002", "max_operations"):
        rows(conn, "bulk_status", max_operations=most)


def test_what_it_says_is_the_same_in_every_session(conn: psycopg.Connection) -> None:
    start(conn, "retry", created_before="2030-01-01 00:00+00", spread="90 minutes")
    conn.execute("set timezone = 'Asia/Kolkata'")
    (found,) = rows(conn, "bulk_status")
    assert found["filters"] == {"created_before": "2030-01-01T00:00:00+00:00"}
    assert found["spread"] == timedelta(minutes=90)


@pytest.mark.slow
def test_examples_are_the_first_hundred(conn: psycopg.Connection) -> None:
    ids = failed(conn, 250)
    assert run(conn, "retry")["examples"] == {"retried": ids[:100]}


@pytest.mark.slow
def test_operations_are_kept_for_thirty_days(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        run(conn, "retry")
    value(conn, "bulk_stop", operation_id=start(conn, "retry")["id"])
    travel("29 days 23 hours")
    assert scalar(conn, "select pgq._prune_bulk_operations(10)") == 0
    still_open = start(conn, "cancel")["id"]
    travel("2 hours")
    assert scalar(conn, "select pgq._prune_bulk_operations(3)") == 3
    rows(conn, "maintain")
    assert [row["id"] for row in rows(conn, "bulk_status")] == [still_open]
    assert status(conn, still_open)["status"] == "finished"
