from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    rows,
    scalar,
    state,
)


def test_a_scheduled_job_is_due(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, delay="1 hour")
    assert outcomes(conn, "run_now", job_id) == ["promoted"]
    found = job(conn, job_id)
    assert (found["state"], found["attempt"]) == ("ready", 0)
    assert found["run_at"] <= scalar(conn, "select pgq._now()")
    assert claim_one(conn).job_id == job_id


def test_a_retry_that_waits_runs_now(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, backoff="1h")
    fail(conn, claim_one(conn))
    assert outcomes(conn, "run_now", job_id) == ["promoted"]
    held = claim_one(conn)
    assert (held.job_id, held.attempt) == (job_id, 2)


def test_with_a_semaphore_it_lines_up(conn: psycopg.Connection) -> None:
    enqueue(conn, concurrency_key="k")
    rows(conn, "promote_due")
    held = claim_one(conn)
    job_id = enqueue(conn, concurrency_key="k", delay="1 hour")
    assert outcomes(conn, "run_now", job_id) == ["promoted"]
    rows(conn, "promote_due")
    assert state(conn, job_id) == "blocked"
    complete(conn, held)
    rows(conn, "promote_due")
    assert state(conn, job_id) == "ready"


@pytest.mark.slow
def test_all_others_stay_as_they_are(conn: psycopg.Connection) -> None:
    enqueue(conn)
    done = claim_one(conn)
    complete(conn, done)
    failed = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    enqueue(conn)
    running = claim_one(conn)
    ready, later = enqueue(conn), enqueue(conn)
    blocked = enqueue(conn, depends_on=[running.job_id])
    asked = (done.job_id, failed, running.job_id, ready, blocked, 99, None)
    expected = ["finished", "finished", "running", "waiting", "waiting", "not_found", "not_found"]
    assert outcomes(conn, "run_now", *asked) == expected
    # A ready job keeps its place in the line.
    assert [claim_one(conn).job_id for _ in range(2)] == [ready, later]


def test_the_same_job_twice_and_nothing(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, delay="1 hour")
    assert outcomes(conn, "run_now", job_id, job_id) == ["promoted", "promoted"]
    assert rows(conn, "run_now", ids=[]) == []
    assert rows(conn, "run_now", ids=None) == []


@pytest.mark.slow
def test_many_in_the_order_asked(conn: psycopg.Connection) -> None:
    made = [one for one, _ in enqueue_many(conn, *[{"task": "a", "delay": "1 hour"}] * 3000)]
    asked = made[1500:] + made[:1500:-1] + made[:1500]
    assert outcomes(conn, "run_now", *asked) == ["promoted"] * len(asked)
