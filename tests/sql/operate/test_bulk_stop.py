from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import rows, value
from tests.sql.operate.calls import failed, start, states, status, work_off


def stop(conn: psycopg.Connection, operation_id: int | None) -> str:
    answer: str = value(conn, "bulk_stop", operation_id=operation_id)
    return answer


@pytest.mark.parametrize("starts_in", ["10 seconds", "0"])
def test_before_it_begins_it_is_undone(conn: psycopg.Connection, starts_in: str) -> None:
    ids = failed(conn, 3)
    operation = start(conn, "discard", states=["failed"], starts_in=starts_in)["id"]
    assert [stop(conn, operation) for _ in range(2)] == ["undone", "undone"]
    found = work_off(conn, operation)
    assert (found["status"], found["outcomes"], found["due_at"]) == ("undone", {}, None)
    assert states(conn, ids) == {"failed"}


@pytest.mark.slow
def test_later_it_stops_behind_its_pages(conn: psycopg.Connection) -> None:
    ids = failed(conn, 30)
    operation = start(conn, "retry", starts_in="0")["id"]
    value(conn, "bulk_work", operation_id=operation, max_jobs=10)
    assert [stop(conn, operation) for _ in range(2)] == ["stopped", "stopped"]
    rows(conn, "maintain")
    found = work_off(conn, operation)
    assert (found["status"], found["outcomes"]) == ("stopped", {"retried": 10})
    assert states(conn, ids[10:]) == {"failed"} and states(conn, ids[:10]) == {"ready"}


def test_too_late(conn: psycopg.Connection) -> None:
    operation = start(conn, "retry", starts_in="0")["id"]
    assert work_off(conn, operation)["status"] == "finished"
    assert stop(conn, operation) == "finished"
    assert status(conn, operation)["status"] == "finished"


def test_who_started_and_stopped_it_is_noted(conn: psycopg.Connection) -> None:
    """Once each: its pages leave no rows."""
    failed(conn, 2)
    conn.execute("set pgq.actor = 'ann'")
    operation = start(conn, "retry", starts_in="0", queue="default")["id"]
    value(conn, "bulk_work", operation_id=operation, max_jobs=1)
    stop(conn, operation)
    stop(conn, operation)
    start(conn, "retry", preview=True)
    noted = conn.execute(
        "select action, target, actor, operation_id, options, outcomes from pgq.audit order by id"
    ).fetchall()
    assert noted == [
        ("bulk_start", "retry", "ann", operation,
         {"queue": "default", "states": ["failed"], "jobs": 2}, None),
        ("bulk_stop", "retry", "ann", operation, None, {"retried": 1}),
    ]  # fmt: skip
    assert status(conn, operation)["actor"] == "ann"


def test_unknown_operations(conn: psycopg.Connection) -> None:
    assert [stop(conn, each) for each in (17, -1, None)] == ["not_found"] * 3
