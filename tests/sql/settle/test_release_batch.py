from __future__ import annotations

import psycopg

from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    job,
    outcomes,
    refused,
    rows,
    settle,
    state,
)


def test_a_released_job_is_ready_with_its_attempts(conn: psycopg.Connection) -> None:
    enqueue(conn, max_attempts=1)
    for _ in range(3):
        held = claim_one(conn)
        (answer,) = settle(conn, "release_batch", [held])
        assert answer == {
            "job_id": held.job_id,
            "outcome": "ok",
            "state": "ready",
            "run_at": None,
        }
        assert job(conn, held.job_id)["attempt"] == 0
    assert claim_one(conn).attempt == 1


def test_released_jobs_queue_up_behind_their_priority(conn: psycopg.Connection) -> None:
    released = enqueue(conn)
    held = claim_one(conn)
    waiting, better = enqueue(conn), enqueue(conn, priority=-1)
    worse = enqueue(conn, priority=1)
    settle(conn, "release_batch", [held])
    order = [claim_one(conn).job_id for _ in range(4)]
    assert order == [better, waiting, released, worse]


def test_already_and_lost(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    wrong = held._replace(claim_id=held.claim_id ^ 1)
    assert settle(conn, "release_batch", [wrong])[0]["outcome"] == "lost"
    assert state(conn, held.job_id) == "running"
    settle(conn, "release_batch", [held])
    assert settle(conn, "release_batch", [held])[0]["outcome"] == "already"
    again = claim_one(conn)
    assert settle(conn, "release_batch", [held])[0]["outcome"] == "already"
    assert complete(conn, again) == ["ok"]
    assert settle(conn, "release_batch", [held])[0]["outcome"] == "lost"


def test_a_requested_cancel_wins(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    outcomes(conn, "cancel", held.job_id)
    (answer,) = settle(conn, "release_batch", [held])
    assert (answer["outcome"], answer["state"]) == ("cancelled", "cancelled")


def test_arguments_that_do_not_match_are_refused(conn: psycopg.Connection) -> None:
    with refused("JQ002"):
        rows(conn, "release_batch", ids=[1, 2], claim_ids=[1])
    assert rows(conn, "release_batch", ids=[], claim_ids=[]) == []
    assert rows(conn, "release_batch", ids=None, claim_ids=None) == []
