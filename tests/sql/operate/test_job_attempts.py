"""The attempts of a job: when each waited, ran and ended, with whom, and how."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    register,
    rows,
)
from tests.sql.conftest import Silence


def attempts(conn: psycopg.Connection, job_id: int, *columns: str) -> list[Any]:
    found = rows(conn, "job_attempts", job_id=job_id)
    return [tuple(each[name] for name in columns) for each in found] if columns else found


def test_a_job_that_fails_and_then_succeeds(conn: psycopg.Connection, travel: Travel) -> None:
    worker = register(conn, name="box:1")
    job_id = enqueue(conn, max_attempts=5, backoff="0")
    assert attempts(conn, job_id) == []
    held = claim_one(conn, worker_id=worker)
    assert attempts(conn, job_id, "attempt", "outcome", "worker") == [(1, "running", "box:1")]
    travel("3 seconds")
    fail(conn, held, error_types=["OSError"], messages=["no\nroute"], tracebacks=["at x"])
    rows(conn, "promote_due")
    complete(conn, claim_one(conn, worker_id=worker))
    first, second = attempts(conn, job_id)
    assert first == {
        **first,
        "attempt": 1,
        "outcome": "failed",
        "worker": "box:1",
        "worker_id": worker,
        "error_type": "OSError",
        "message": "no\nroute",
        "traceback": "at x",
    }
    assert 3 <= (first["ended_at"] - first["started_at"]).total_seconds() < 4
    assert first["ready_at"] <= first["started_at"] and len(first["fingerprint"]) == 16
    nothing = dict.fromkeys(("error_type", "message", "traceback", "fingerprint"))
    assert second == {**second, "attempt": 2, "outcome": "succeeded", "worker": "box:1", **nothing}
    assert second["started_at"] <= second["ended_at"]


@pytest.mark.slow
def test_the_last_failure_is_one_attempt(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    assert attempts(conn, job_id, "attempt", "outcome") == [(1, "failed")]
    outcomes(conn, "retry", job_id)
    assert attempts(conn, job_id, "attempt", "outcome") == [(1, "failed")]
    complete(conn, claim_one(conn))
    assert attempts(conn, job_id, "attempt", "outcome") == [(1, "failed"), (2, "succeeded")]


def test_a_lost_run(conn: psycopg.Connection, silence: Silence) -> None:
    job_id = enqueue(conn, max_attempts=2)
    claim_one(conn, worker_id=register(conn, name="gone", lease="1 second"))
    silence("5 seconds")
    rows(conn, "rescue_lost_workers")
    assert attempts(conn, job_id, "attempt", "outcome", "worker") == [(1, "lost", "gone")]


def test_a_run_that_is_cancelled(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    fail(conn, held, cancel=[True])
    assert attempts(conn, job_id, "attempt", "outcome")[-1:] == [(1, "cancelled")]
    waiting = enqueue(conn)
    outcomes(conn, "cancel", waiting)
    assert attempts(conn, waiting) == attempts(conn, 12345) == []


@pytest.mark.slow
def test_ten_are_kept(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=20, backoff="0")
    for _ in range(12):
        rows(conn, "promote_due")
        fail(conn, claim_one(conn))
    assert [number for (number,) in attempts(conn, job_id, "attempt")] == [*range(3, 13)]
