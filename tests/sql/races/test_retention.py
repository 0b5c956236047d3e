"""What is kept is said anew, and goes, while others are at it."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    refused,
    rows,
    scalar,
    state,
    value,
)
from tests.sql.races.conftest import Start


@pytest.mark.slow
def test_two_set_different_ages_at_once(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    other = connect()
    with other.transaction():
        value(other, "configure_retention", queue="q", failed="30 days")
        call = start(value, "configure_retention", queue="q", succeeded="3 days")
        assert call.waits()
    call.result()
    assert scalar(conn, "select succeeded + failed = interval '33 days' from pgq.retention")


def ended(conn: psycopg.Connection) -> int:
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    return job_id


def step(conn: psycopg.Connection, name: str) -> None:
    conn.execute(
        "update pgq.maintenance set due_at = case step when %s then '-infinity'::timestamptz"
        " else pgq._now() + every end",
        (name,),
    )
    rows(conn, "maintain")


@pytest.mark.slow
@pytest.mark.parametrize("function", ["enqueue_again", "retry"])
def test_a_day_stays_while_one_of_its_jobs_is_taken_again(
    conn: psycopg.Connection, connect: Connect, travel: Travel, function: str
) -> None:
    job_id = ended(conn)
    travel("3 days")
    other = connect(autocommit=False)
    if function == "retry":
        assert outcomes(other, "retry", job_id) == ["retried"]
        new = job_id
    else:
        new = value(other, "enqueue_again", job_id=job_id)
    with pytest.raises(psycopg.errors.LockNotAvailable):
        value(conn, "prune", older_than="1 day")
    assert [row["jobs"] for row in rows(conn, "prune_preview", older_than="1 day")] == [1]
    other.commit()
    assert value(conn, "prune", older_than="1 day") >= 1
    assert state(conn, new) in ("ready", "scheduled")
    assert rows(conn, "verify") == []


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["commit", "rollback"])
@pytest.mark.parametrize("function", ["enqueue_again", "retry"])
def test_a_job_is_taken_again_while_its_day_is_dropped(
    conn: psycopg.Connection,
    connect: Connect,
    travel: Travel,
    start: Start,
    function: str,
    ends: str,
) -> None:
    job_id = ended(conn)
    travel("3 days")
    other = connect(autocommit=False)
    value(other, "prune", older_than="1 day")
    call = (
        start(outcomes, "retry", job_id)
        if function == "retry"
        else start(value, "enqueue_again", job_id=job_id)
    )
    assert call.waits()
    getattr(other, ends)()
    if ends == "rollback":
        answer = call.result()
        assert answer == ["retried"] if function == "retry" else answer > job_id
    elif function == "retry":
        assert call.result() == ["not_found"]
    else:
        with refused("JQ002", "there is no job"):
            call.result()
    assert rows(conn, "verify") == []


@pytest.mark.slow
def test_a_walk_deletes_what_is_being_copied(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """Who copies a job locks nothing, so nobody waits, and the copy has all of it."""
    job_id = ended(conn)
    kept = enqueue(conn)
    complete(conn, claim_one(conn))
    travel("3 days")
    other = connect(autocommit=False)
    new = value(other, "enqueue_again", job_id=job_id)
    value(conn, "configure_retention", failed="1 day")
    step(conn, "history")
    assert (state(conn, job_id), state(conn, kept)) == (None, "succeeded")
    other.commit()
    assert state(conn, new) == "ready"


@pytest.mark.slow
def test_a_settle_does_not_wait_for_a_change_of_ages(
    conn: psycopg.Connection, connect: Connect
) -> None:
    other = connect(autocommit=False)
    value(other, "configure_retention", succeeded="0")
    before = enqueue(conn)
    assert complete(conn, claim_one(conn)) == ["ok"]
    other.commit()
    after = enqueue(conn)
    assert complete(conn, claim_one(conn)) == ["ok"]
    assert (state(conn, before), state(conn, after)) == ("succeeded", None)
