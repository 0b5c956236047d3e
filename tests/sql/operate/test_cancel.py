from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    job,
    outcomes,
    rows,
    scalar,
    settle,
    state,
)


@pytest.mark.slow
def test_a_waiting_job_is_cancelled_at_once(conn: psycopg.Connection) -> None:
    ready, scheduled = enqueue(conn, args="[1]"), enqueue(conn, delay="1 hour")
    assert outcomes(conn, "cancel", ready, scheduled) == ["cancelled", "cancelled"]
    for job_id in (ready, scheduled):
        found = job(conn, job_id)
        assert (found["state"], found["attempt"]) == ("cancelled", 0)
        assert found["finished_at"] is not None and found["claimed_at"] is None
    assert job(conn, ready)["args"] == [1]
    assert claim(conn) == []


def test_a_running_job_is_asked_to_stop(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert outcomes(conn, "cancel", held.job_id) == ["requested"]
    assert state(conn, held.job_id) == "running"
    assert complete(conn, held) == ["ok"]


def test_finished_and_unknown(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    complete(conn, held)
    assert outcomes(conn, "cancel", held.job_id, 99, None) == ["finished", "not_found", "not_found"]
    cancelled = enqueue(conn)
    assert outcomes(conn, "cancel", cancelled) == ["cancelled"]
    assert outcomes(conn, "cancel", cancelled) == ["finished"]


def test_every_kind_at_once_in_the_order_asked(conn: psycopg.Connection) -> None:
    enqueue(conn)
    running = claim_one(conn).job_id
    ready, scheduled = enqueue(conn), enqueue(conn, delay="1 h")
    asked = (99, scheduled, running, ready, scheduled)
    assert outcomes(conn, "cancel", *asked) == [
        "not_found",
        "cancelled",
        "requested",
        "cancelled",
        "cancelled",
    ]


@pytest.mark.slow
def test_a_job_that_went_back_to_waiting_is_cancelled_by_maintain(
    conn: psycopg.Connection,
) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    settle(conn, "release_batch", [held])
    # It is as if the request was committed after the release; cancel() itself never leaves this.
    conn.execute("insert into pgq.cancel_requests values (%s, now())", (job_id,))
    assert {"step": "cancel", "affected": 1} in rows(conn, "maintain")
    assert state(conn, job_id) == "cancelled"
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0


def test_nothing_to_cancel(conn: psycopg.Connection) -> None:
    assert rows(conn, "cancel", ids=[]) == []
    assert rows(conn, "cancel", ids=None) == []


@pytest.mark.slow
def test_many_in_the_order_asked(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 3000)]
    asked = made[1500:] + made[:1500:-1] + made[:1500]
    assert outcomes(conn, "cancel", *asked) == ["cancelled"] * len(asked)
