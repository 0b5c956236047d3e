"""run_now, and what asks for states, against what moves the same jobs at the same moment."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    outcomes,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.races.conftest import Start


def test_it_waits_for_a_promotion_that_was_first(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    job_id = enqueue(conn, delay="1 s")
    travel("2 s")
    rows(other, "promote_due")
    running = start(outcomes, "run_now", job_id)
    assert running.waits()
    other.commit()
    assert running.result() == ["waiting"]
    assert [held.job_id for held in claim(conn)] == [job_id]


def test_a_promotion_passes_over_its_job(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    mine, due = enqueue(conn, delay="1 s"), enqueue(conn, delay="1 s")
    travel("2 s")
    assert outcomes(other, "run_now", mine) == ["promoted"]
    promoting = start(rows, "promote_due")
    assert not promoting.waits() and promoting.result()[0]["promoted"] == 1
    assert [held.job_id for held in claim(conn)] == [due]
    other.commit()
    assert [held.job_id for held in claim(conn)] == [mine]


def test_a_claim_does_not_see_its_job_before_the_commit(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn, delay="1 hour")
    outcomes(other, "run_now", job_id)
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.rollback()
    assert state(conn, job_id) == "scheduled"
    assert outcomes(conn, "run_now", job_id) == ["promoted"]
    assert [held.job_id for held in claim(conn)] == [job_id]


@pytest.mark.parametrize("function", ["cancel", "discard", "retry", "run_now"])
def test_it_waits_for_other_changes(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str
) -> None:
    job_id = enqueue(conn, delay="1 hour")
    outcomes(other, function, job_id)
    running = start(outcomes, "run_now", job_id)
    assert running.waits()
    other.commit()
    expected = {"cancel": "finished", "discard": "not_found"}.get(function, "waiting")
    assert running.result() == [expected]


def test_it_never_deadlocks_with_what_changes_the_same_jobs(
    conn: psycopg.Connection, start: Start
) -> None:
    jobs = [{"task": "a", "delay": "1 hour", "backoff": "0"}] * 24
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]

    def run_now(session: psycopg.Connection) -> None:
        for _ in range(20):
            outcomes(session, "run_now", *reversed(ids))

    def change(session: psycopg.Connection) -> None:
        for turn in range(20):
            outcomes(session, ("cancel", "retry")[turn % 2], *ids[turn:])
            outcomes(session, "reprioritise", *ids, priority=turn)

    def put_off(session: psycopg.Connection) -> None:
        for _ in range(20):
            held = claim(session, batch_size=6)[::-1]
            settle(session, "snooze_batch", held, delays=["1 hour"] * len(held))
            rows(session, "promote_due")

    for call in [start(step) for step in (run_now, change, put_off) * 2]:
        call.result()
    assert scalar(conn, "select count(*) from pgq.all_jobs") == 24


def test_a_discard_of_ready_jobs_leaves_one_that_was_claimed_and_put_off(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """Between the look for ready jobs and the discard it has become a scheduled one."""
    job_id = enqueue(conn)
    held = claim_one(other)
    discarding = start(outcomes, "discard", job_id, states=["ready"])
    assert discarding.waits()
    settle(other, "snooze_batch", [held], delays=["1 hour"])
    other.commit()
    assert discarding.result() == ["passed_over"]
    assert state(conn, job_id) == "scheduled"


def test_a_retry_of_failed_jobs_leaves_one_that_somebody_discards(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn, max_attempts=1)
    settle(conn, "fail_batch", [claim_one(conn)])
    outcomes(other, "discard", job_id)
    retrying = start(outcomes, "retry", job_id, states=["failed"])
    assert retrying.waits()
    other.commit()
    assert retrying.result() == ["not_found"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_job_is_enqueued_again_while_it_ends_or_is_retried(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, ends: bool
) -> None:
    job_id = enqueue(conn, args="[1]")
    if ends:
        complete(other, claim_one(conn))
    else:
        outcomes(conn, "cancel", job_id)
        outcomes(other, "retry", job_id)
    again = start(value, "enqueue_again", job_id=job_id)
    assert not again.waits()
    assert again.result() > job_id
    other.commit()
    assert scalar(conn, "select count(*) from pgq.all_jobs where args = '[1]'") == 2


def test_an_open_enqueue_again_holds_nobody_up(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    job_id = enqueue(conn)
    producer = connect(autocommit=False)
    value(producer, "enqueue_again", job_id=job_id)
    discarding = start(outcomes, "discard", job_id)
    assert not discarding.waits() and discarding.result() == ["discarded"]
