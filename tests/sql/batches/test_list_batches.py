from __future__ import annotations

import json

import psycopg
import pytest

from tests.sql.calls import Row, claim, complete, enqueue, fail, outcomes, refused, rows, value


def listed(conn: psycopg.Connection, **options: object) -> list[Row]:
    return rows(conn, "list_batches", **options)


@pytest.mark.slow
def test_how_they_are_and_how_they_ended(conn: psycopg.Connection) -> None:
    follow = {"on_success": json.dumps({"task": "cheer"}), "on_finish": json.dumps({"task": "end"})}
    first = value(conn, "create_batch", description="nightly", **follow)
    ids = [enqueue(conn, batch_id=first, max_attempts=1) for _ in range(5)]
    second = value(conn, "create_batch")
    value(conn, "close_batch", batch_id=first)
    one, two, three = claim(conn, batch_size=3)
    complete(conn, one, two)
    fail(conn, three)
    outcomes(conn, "cancel", ids[3])
    newest, oldest = listed(conn)
    assert (newest["id"], newest["status"], newest["live"]) == (second, "open", 0)
    assert oldest == {
        **oldest,
        "id": first,
        "description": "nightly",
        "status": "closed",
        "live": 1,
        "succeeded": 2,
        "failed": 1,
        "cancelled": 1,
        "expired": 0,
        "on_success": "cheer",
        "on_finish": "end",
        "on_failure": None,
        "finished_at": None,
    }
    complete(conn, *claim(conn))
    rows(conn, "promote_due")
    rows(conn, "maintain")
    assert [each["status"] for each in listed(conn)] == ["open", "failed"]
    assert [each["id"] for each in listed(conn, page_size=1)] == [second]
    assert [each["id"] for each in listed(conn, before_id=second)] == [first]
    rows(conn, "discard", ids=ids)
    assert [each["succeeded"] for each in listed(conn, before_id=second)] == [3]


def test_jobs_are_counted_up_to_a_thousand(conn: psycopg.Connection) -> None:
    batch = value(conn, "create_batch")
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args, batch_id)"
        " select n, 'succeeded', 'q', 't', 0, 1, 1, now(), now(), now(), '{}', %s"
        " from generate_series(1, 1200) as n",
        (batch,),
    )
    assert [each["succeeded"] for each in listed(conn)] == [1000]


def test_pages_out_of_range(conn: psycopg.Connection) -> None:
    for size in (0, 1001):
        with refused("JQ002", "page_size"):
            listed(conn, page_size=size)
    assert listed(conn, before_id=None, page_size=None) == []
