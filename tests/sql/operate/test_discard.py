from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    rows,
    scalar,
    state,
)


def test_waiting_and_finished_jobs_leave_no_trace(conn: psycopg.Connection) -> None:
    enqueue(conn)
    done = claim_one(conn)
    complete(conn, done)
    ready, scheduled = enqueue(conn, unique_key="k"), enqueue(conn, delay="1 h")
    asked = (ready, done.job_id, scheduled)
    assert outcomes(conn, "discard", *asked) == ["discarded"] * 3
    assert [state(conn, job_id) for job_id in asked] == [None] * 3
    assert scalar(conn, "select count(*) from pgq.all_jobs") == 0
    assert enqueue(conn, unique_key="k") != ready


def test_a_running_job_stays(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert outcomes(conn, "discard", held.job_id, 99, None) == ["running", "not_found", "not_found"]
    assert complete(conn, held) == ["ok"]


def test_a_settle_of_a_discarded_job_is_lost(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    complete(conn, held)
    outcomes(conn, "discard", held.job_id)
    assert complete(conn, held) == ["lost"]


def test_the_same_job_twice_and_nothing(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    assert outcomes(conn, "discard", job_id, job_id) == ["discarded", "discarded"]
    assert rows(conn, "discard", ids=[]) == []
    assert rows(conn, "discard", ids=None) == []


def test_many_in_the_order_asked(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 3000)]
    asked = made[1500:] + made[:1500:-1] + made[:1500]
    assert outcomes(conn, "discard", *asked) == ["discarded"] * len(asked)


def test_only_those_in_the_states_given(conn: psycopg.Connection) -> None:
    done, failed = enqueue(conn), enqueue(conn, max_attempts=1)
    complete(conn, claim_one(conn))
    fail(conn, claim_one(conn))
    enqueue(conn)
    running = claim_one(conn).job_id
    ready, scheduled = enqueue(conn), enqueue(conn, delay="1 h")
    blocked = enqueue(conn, depends_on=[running])
    asked = (done, failed, running, ready, scheduled, blocked, 99)
    left, gone = "passed_over", "discarded"
    for states, expected in (
        ([], [left, left, "running", left, left, left, "not_found"]),
        (["blocked"], [left, left, "running", left, left, gone, "not_found"]),
        (["failed", "ready"], [left, gone, "running", gone, left, "not_found", "not_found"]),
    ):
        assert outcomes(conn, "discard", *asked, states=states) == expected
    assert [state(conn, one) for one in (done, running, scheduled)] == [
        "succeeded", "running", "scheduled",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_state_that_no_job_can_be_discarded_in(conn: psycopg.Connection) -> None:
    with refused("JQ002", "states"):
        outcomes(conn, "discard", enqueue(conn), states=["ready", "running"])
