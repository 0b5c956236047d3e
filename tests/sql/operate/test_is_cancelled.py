from __future__ import annotations

import psycopg

from tests.sql.calls import claim_one, enqueue, fail, rows, value


def is_cancelled(conn: psycopg.Connection, job_id: int | None) -> bool:
    answer: bool = value(conn, "is_cancelled", job_id=job_id)
    return answer


def test_a_waiting_job_is_cancelled_at_once(conn: psycopg.Connection) -> None:
    job_id, other = enqueue(conn), enqueue(conn)
    assert not is_cancelled(conn, job_id)
    rows(conn, "cancel", ids=[job_id])
    assert is_cancelled(conn, job_id)
    assert not is_cancelled(conn, other)


def test_a_running_job_is_while_its_worker_has_not_answered(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    assert not is_cancelled(conn, job_id)
    rows(conn, "cancel", ids=[job_id])
    assert is_cancelled(conn, job_id)
    fail(conn, held, messages=["stopped"])
    assert is_cancelled(conn, job_id)


def test_one_that_was_retried_since_is_not(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    rows(conn, "cancel", ids=[job_id])
    rows(conn, "retry", ids=[job_id])
    assert not is_cancelled(conn, job_id)


def test_an_unknown_job_is_not(conn: psycopg.Connection) -> None:
    assert not is_cancelled(conn, 99)
    assert not is_cancelled(conn, None)
