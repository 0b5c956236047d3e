"""A claim without an answer is handed back while somebody else has its jobs or its worker."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.conftest import Silence
from tests.sql.races.conftest import Start

COMMITS = pytest.mark.parametrize("commits", [True, False])


def release(conn: psycopg.Connection, worker_id: int, *known: int) -> int:
    answer: int = value(conn, "release_unanswered", worker_id=worker_id, claim_ids=list(known))
    return answer


def at_once(start: Start, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call it on a new session, and make sure that it waits for nobody."""
    call = start(function, *arguments, **options)
    assert not call.waits()
    return call.result()


def attempts(conn: psycopg.Connection, job_id: int) -> int:
    answer: int = scalar(conn, "select attempt from pgq.all_jobs where id = %s", job_id)
    return answer


def end(session: psycopg.Connection, commits: bool) -> None:
    session.commit() if commits else session.rollback()


@COMMITS
@pytest.mark.parametrize("function", ["complete_batch", "fail_batch", "release_batch"])
def test_it_waits_for_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str, commits: bool
) -> None:
    worker_id = register(conn)
    settled, left = enqueue(conn, backoff="1 hour"), enqueue(conn)
    held = claim(conn, worker_id=worker_id)
    settle(other, function, held[:1])
    releasing = start(release, worker_id)
    assert releasing.waits()
    end(other, commits)
    assert releasing.result() == (1 if commits else 2)
    states = {"complete_batch": "succeeded", "fail_batch": "scheduled", "release_batch": "ready"}
    assert state(conn, settled) == (states[function] if commits else "ready")
    assert (state(conn, left), attempts(conn, left)) == ("ready", 0)


@COMMITS
def test_a_settle_waits_for_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    held = claim_one(conn, worker_id=worker_id)
    assert release(other, worker_id) == 1
    settling = start(complete, held)
    assert settling.waits()
    end(other, commits)
    assert settling.result() == (["lost"] if commits else ["ok"])
    assert state(conn, job_id) == ("ready" if commits else "succeeded")


def test_a_job_that_is_claimed_anew_while_it_waits_is_left_alone(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """It has seen both jobs under the old claim when it waits for the settle of the first."""
    worker_id = register(conn)
    enqueue(conn)
    second = enqueue(conn)
    held = claim(conn, worker_id=worker_id)
    complete(other, held[0])
    releasing = start(release, worker_id)
    assert releasing.waits()
    fail(conn, held[1], retry_in=["0"])
    again = claim_one(conn, worker_id=worker_id)
    assert again.job_id == second
    other.commit()
    assert releasing.result() == 0
    assert complete(conn, again) == ["ok"]


@COMMITS
def test_a_rescue_passes_over_it(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    commits: bool,
) -> None:
    worker_id = register(conn, lease="1 second")
    job_id = enqueue(conn)
    claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert release(other, worker_id) == 1
    assert at_once(start, value, "rescue_lost_workers") == 0
    end(other, commits)
    assert value(conn, "rescue_lost_workers") == (0 if commits else 1)
    assert (state(conn, job_id), attempts(conn, job_id)) == ("ready", 0 if commits else 1)
    assert scalar(conn, "select count(*) from pgq.workers where id = %s", worker_id) == 0


@COMMITS
@pytest.mark.parametrize("how", ["rescue", "deregister", "report"])
def test_it_waits_for_whoever_gives_the_worker_up(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    how: str,
    commits: bool,
) -> None:
    worker_id = register(conn, lease="1 second")
    job_id = enqueue(conn, backoff="1 hour")
    claim_one(conn, worker_id=worker_id)
    if how == "rescue":
        silence("2 seconds")
        assert value(other, "rescue_lost_workers") == 1
    elif how == "deregister":
        assert value(other, "deregister_worker", worker_id=worker_id) == 1
    else:
        assert value(other, "report_lost_worker", worker_id=worker_id) == 1
    releasing = start(release, worker_id)
    assert releasing.waits()
    end(other, commits)
    assert releasing.result() == (0 if commits else 1)
    assert state(conn, job_id) == ("scheduled" if commits else "ready")
    assert attempts(conn, job_id) == (1 if commits else 0)


@COMMITS
@pytest.mark.parametrize("function", ["deregister_worker", "report_lost_worker"])
def test_a_leaving_worker_passes_over_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str, commits: bool
) -> None:
    """A claim that is left after all is lost like any of a worker that is gone."""
    job_id, worker_id = enqueue(conn), register(conn)
    claim_one(conn, worker_id=worker_id)
    assert release(other, worker_id) == 1
    assert at_once(start, value, function, worker_id=worker_id) == 0
    end(other, commits)
    assert value(conn, "rescue_lost_workers") == (0 if commits else 1)
    assert (state(conn, job_id), attempts(conn, job_id)) == ("ready", 0 if commits else 1)


@COMMITS
def test_a_claim_under_way_is_met_by_the_next_call(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id, worker_id = enqueue(conn), register(conn)
    claim_one(other, worker_id=worker_id)
    assert at_once(start, release, worker_id) == 0
    end(other, commits)
    assert release(conn, worker_id) == (1 if commits else 0)
    assert (state(conn, job_id), attempts(conn, job_id)) == ("ready", 0)


def test_a_claim_of_the_same_worker_does_not_wait_for_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    lost = enqueue(conn)
    claim_one(conn, worker_id=worker_id)
    assert release(other, worker_id) == 1
    fresh = enqueue(conn)
    held = at_once(start, claim, worker_id=worker_id)
    assert [each.job_id for each in held] == [fresh]
    other.commit()
    assert release(conn, worker_id, held[0].claim_id) == 0
    assert [each.job_id for each in claim(conn, worker_id=worker_id)] == [lost]


@COMMITS
def test_a_heartbeat_and_it_do_not_wait_for_each_other(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    enqueue(conn)
    worker_id = register(conn)
    held = claim_one(conn, worker_id=worker_id)
    asked = {"worker_id": worker_id, "ids": [held.job_id], "claim_ids": [held.claim_id]}
    assert release(other, worker_id) == 1
    assert at_once(start, rows, "heartbeat", **asked) == []
    end(other, commits)
    orders = [(row["instruction"], row["job_id"]) for row in rows(other, "heartbeat", **asked)]
    assert orders == ([("lost", held.job_id)] if commits else [])
    assert at_once(start, release, worker_id) == (0 if commits else 1)


@pytest.mark.parametrize("cancels_first", [True, False])
def test_a_cancel_meanwhile_is_applied_by_the_upkeep(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, cancels_first: bool
) -> None:
    """Neither sees what the other has done, nor waits for it."""
    job_id, worker_id = enqueue(conn), register(conn)
    claim_one(conn, worker_id=worker_id)
    if cancels_first:
        assert outcomes(other, "cancel", job_id) == ["requested"]
        assert at_once(start, release, worker_id) == 1
    else:
        assert release(other, worker_id) == 1
        assert at_once(start, outcomes, "cancel", job_id) == ["requested"]
    other.commit()
    assert state(conn, job_id) == "ready"
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'cancel'")
    rows(conn, "maintain")
    assert state(conn, job_id) == "cancelled"
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0
