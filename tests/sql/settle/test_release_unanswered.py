from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim, complete, enqueue, job, outcomes, register, state, value


def release(conn: psycopg.Connection, worker_id: int | None, *known: int | None) -> int:
    answer: int = value(conn, "release_unanswered", worker_id=worker_id, claim_ids=list(known))
    return answer


@pytest.mark.slow
def test_what_the_worker_does_not_know_is_ready_again(conn: psycopg.Connection) -> None:
    worker_id, other = register(conn), register(conn)
    known = [enqueue(conn), enqueue(conn)]
    (claim_id,) = {held.claim_id for held in claim(conn, worker_id=worker_id)}
    unknown = [enqueue(conn, max_attempts=1) for _ in range(3)]
    lost = claim(conn, worker_id=worker_id)
    theirs = enqueue(conn)
    claim(conn, worker_id=other)
    assert release(conn, worker_id, claim_id) == 3
    assert {state(conn, job_id) for job_id in unknown} == {"ready"}
    assert {job(conn, job_id)["attempt"] for job_id in unknown} == {0}
    assert {state(conn, job_id) for job_id in (*known, theirs)} == {"running"}
    assert complete(conn, *lost) == ["lost"] * 3
    assert release(conn, worker_id, claim_id) == 0
    assert [held.job_id for held in claim(conn)] == unknown


@pytest.mark.slow
def test_without_a_known_claim_it_is_everything(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    enqueue(conn)
    claim(conn, worker_id=worker_id)
    assert release(conn, worker_id) == 1
    claim(conn, worker_id=worker_id)
    assert value(conn, "release_unanswered", worker_id=worker_id, claim_ids=None) == 1


def test_nobody_and_nothing(conn: psycopg.Connection) -> None:
    enqueue(conn)
    (held,) = claim(conn)
    assert release(conn, 12345) == 0
    assert release(conn, None) == 0
    assert state(conn, held.job_id) == "running"


def test_a_null_among_the_known_releases_nothing_known(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    enqueue(conn)
    (held,) = claim(conn, worker_id=worker_id)
    assert release(conn, worker_id, None, held.claim_id) == 0
    assert release(conn, worker_id, None) == 1


@pytest.mark.slow
def test_a_requested_cancel_wins(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    job_id = enqueue(conn)
    claim(conn, worker_id=worker_id)
    outcomes(conn, "cancel", job_id)
    assert release(conn, worker_id) == 1
    assert state(conn, job_id) == "cancelled"
