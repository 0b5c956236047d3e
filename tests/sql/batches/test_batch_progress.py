from __future__ import annotations

import psycopg

from tests.sql.calls import Row, claim, claim_one, complete, enqueue, fail, outcomes, rows, value

NUMBERS = ("total", "waiting", "running", "succeeded", "failed", "cancelled", "expired")


def progress(conn: psycopg.Connection, batch_id: int) -> Row:
    """The numbers that are not zero."""
    (row,) = rows(conn, "batch_progress", batch_id=batch_id)
    assert set(row) == {*NUMBERS, "finished_at"}
    return {name: row[name] for name in NUMBERS if row[name]}


def test_every_state_is_counted(conn: psycopg.Connection) -> None:
    batch_id, other = value(conn, "create_batch"), value(conn, "create_batch")
    assert progress(conn, batch_id) == {}
    enqueue(conn, batch_id=other)
    enqueue(conn, queue="elsewhere")
    enqueue(conn, batch_id=batch_id, queue="late", delay="1 hour")
    parent = enqueue(conn, batch_id=batch_id, queue="late")
    enqueue(conn, batch_id=batch_id, queue="late", depends_on=[parent], on_parent_failure="run")
    enqueue(conn, batch_id=batch_id, queue="late", concurrency_key="k")
    assert progress(conn, batch_id) == {"total": 4, "waiting": 4}

    for _ in range(4):
        enqueue(conn, batch_id=batch_id, queue="now", max_attempts=1)
    first, second, third, fourth = claim(conn, queues=["now"])
    assert progress(conn, batch_id) == {"total": 8, "waiting": 4, "running": 4}
    complete(conn, first, second)
    fail(conn, third)
    outcomes(conn, "cancel", parent)
    expected = {
        "total": 8,
        "waiting": 3,
        "running": 1,
        "succeeded": 2,
        "failed": 1,
        "cancelled": 1,
    }
    assert progress(conn, batch_id) == expected
    assert progress(conn, other) == {"total": 1, "waiting": 1}
    complete(conn, fourth)


def test_expired_jobs_and_the_end(conn: psycopg.Connection) -> None:
    batch_id = value(conn, "create_batch")
    enqueue(conn, batch_id=batch_id, expires_in="1 millisecond")
    value(conn, "close_batch", batch_id=batch_id)
    conn.execute("select pg_sleep(0.005)")
    rows(conn, "maintain")
    rows(conn, "promote_due")
    assert progress(conn, batch_id) == {"total": 1, "expired": 1}
    assert rows(conn, "batch_progress", batch_id=batch_id)[0]["finished_at"]


def test_a_retry_counts_as_waiting_and_a_discarded_job_not_at_all(
    conn: psycopg.Connection,
) -> None:
    batch_id = value(conn, "create_batch")
    job_id = enqueue(conn, batch_id=batch_id, max_attempts=1)
    fail(conn, claim_one(conn))
    outcomes(conn, "retry", job_id)
    assert progress(conn, batch_id) == {"total": 1, "waiting": 1}
    outcomes(conn, "discard", job_id)
    assert progress(conn, batch_id) == {}


def test_an_unknown_batch_has_no_row(conn: psycopg.Connection) -> None:
    assert rows(conn, "batch_progress", batch_id=7) == []
    assert rows(conn, "batch_progress", batch_id=None) == []
