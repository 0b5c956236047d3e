from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    refused,
    rows,
    scalar,
    state,
)


@pytest.mark.slow
def test_a_failed_job_gets_one_more_attempt(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=1, args="[1]", headers='{"h": 1}', timeout="5 s")
    fail(conn, claim_one(conn), messages=["boom"])
    failed = job(conn, job_id)
    assert outcomes(conn, "retry", job_id) == ["retried"]
    found = job(conn, job_id)
    assert (found["state"], found["attempt"], found["max_attempts"]) == ("ready", 1, 2)
    for name in ("args", "headers", "timeout", "errors", "created_at", "queue", "task"):
        assert found[name] == failed[name]
    held = claim_one(conn)
    assert (held.job_id, held.attempt) == (job_id, 2)
    assert complete(conn, held) == ["ok"]


@pytest.mark.slow
def test_a_cancelled_or_expired_job_runs_again(conn: psycopg.Connection, travel: Travel) -> None:
    cancelled, expired = enqueue(conn), enqueue(conn, expires_in="1 s")
    outcomes(conn, "cancel", cancelled)
    travel("2 s")
    rows(conn, "maintain")
    assert state(conn, expired) == "expired"
    assert outcomes(conn, "retry", cancelled, expired) == ["retried", "retried"]
    assert job(conn, expired)["expires_at"] is None
    assert len(claim(conn)) == 2


def test_a_scheduled_job_runs_sooner(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, delay="1 hour")
    assert outcomes(conn, "retry", job_id) == ["retried"]
    assert state(conn, job_id) == "ready"


def test_at_a_given_time(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    at = scalar(conn, "select pgq._now()") + timedelta(hours=1)
    assert outcomes(conn, "retry", job_id, at=at) == ["retried"]
    found = job(conn, job_id)
    assert (found["state"], found["run_at"]) == ("scheduled", at)
    past = at - timedelta(days=1)
    assert outcomes(conn, "retry", job_id, at=past) == ["retried"]
    assert state(conn, job_id) == "ready"


@pytest.mark.slow
def test_what_is_not_retried(conn: psycopg.Connection) -> None:
    enqueue(conn)
    done = claim_one(conn)
    complete(conn, done)
    enqueue(conn)
    running = claim_one(conn)
    asked = (done.job_id, running.job_id, 99, None)
    expected = ["succeeded", "running", "not_found", "not_found"]
    assert outcomes(conn, "retry", *asked) == expected
    assert claim(conn) == []


@pytest.mark.slow
def test_a_key_with_another_owner_is_a_duplicate(conn: psycopg.Connection) -> None:
    first = enqueue(conn, unique_key="k")
    outcomes(conn, "cancel", first)
    second = enqueue(conn, unique_key="k")
    assert outcomes(conn, "retry", first) == ["duplicate"]
    outcomes(conn, "cancel", second)
    assert outcomes(conn, "retry", first, second) == ["retried", "duplicate"]


def test_the_same_job_twice(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    outcomes(conn, "cancel", job_id)
    assert outcomes(conn, "retry", job_id, job_id) == ["retried", "retried"]
    assert scalar(conn, "select count(*) from pgq.jobs") == 1


@pytest.mark.slow
def test_a_retry_is_later_than_a_cancel_that_came_too_late(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    # It is as if the cancel of a running job was committed after its failure.
    conn.execute("insert into pgq.cancel_requests values (%s, now())", (job_id,))
    assert outcomes(conn, "retry", job_id) == ["retried"]
    rows(conn, "maintain")
    assert state(conn, job_id) == "ready"


@pytest.mark.parametrize("at", ["infinity", "9999-01-01"])
def test_times_that_are_refused(conn: psycopg.Connection, at: str) -> None:
    job_id = enqueue(conn, delay="1 hour")
    with refused("JQ002", "at is out of range"):
        outcomes(conn, "retry", job_id, at=at)


@pytest.mark.slow
def test_nothing_to_retry(conn: psycopg.Connection) -> None:
    assert rows(conn, "retry", ids=[]) == []
    assert rows(conn, "retry", ids=None) == []


@pytest.mark.slow
def test_many_in_the_order_asked(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 3000)]
    asked = made[1500:] + made[:1500:-1] + made[:1500]
    assert outcomes(conn, "retry", *asked) == ["retried"] * len(asked)


@pytest.mark.slow
def test_children_that_did_not_hear_of_the_failure_wait_on(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, max_attempts=1)
    child = enqueue(conn, depends_on=[parent])
    rows(conn, "promote_due")
    fail(conn, claim_one(conn))
    assert outcomes(conn, "retry", parent) == ["retried"]
    rows(conn, "promote_due")
    assert state(conn, child) == "blocked"
    complete(conn, claim_one(conn))
    rows(conn, "promote_due")
    assert state(conn, child) == "ready"


def test_only_those_in_the_states_given(conn: psycopg.Connection) -> None:
    failed, cancelled = enqueue(conn, max_attempts=1), enqueue(conn, delay="1 hour")
    fail(conn, claim_one(conn))
    outcomes(conn, "cancel", cancelled)
    scheduled = enqueue(conn, delay="1 hour")
    asked = (failed, cancelled, scheduled, 99)
    expected = ["retried", "passed_over", "passed_over", "not_found"]
    assert outcomes(conn, "retry", *asked, states=["failed"]) == expected
    assert [state(conn, one) for one in asked] == ["ready", "cancelled", "scheduled", None]
    expected = ["passed_over", "retried", "retried", "not_found"]
    assert outcomes(conn, "retry", *asked, states=["cancelled", "scheduled"]) == expected
    with refused("JQ002", "states"):
        outcomes(conn, "retry", failed, states=["done"])
