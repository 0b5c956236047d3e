"""What meets over jobs that wait: unique keys, promotion, retry, cancel, two maintains."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.races.conftest import Start


@pytest.mark.parametrize("how", ["return", "raise", "replace", "bump"])
def test_a_key_waits_for_its_uncommitted_twin(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    twin = enqueue(other, unique_key="k", args="[1]", delay="1 hour")
    enqueueing = start(enqueue, unique_key="k", args="[2]", on_conflict=how)
    assert enqueueing.waits()
    other.commit()
    if how == "raise":
        with pytest.raises(psycopg.Error) as caught:
            enqueueing.result()
        assert caught.value.sqlstate == "JQ003"
        return
    assert enqueueing.result() == twin
    found = job(conn, twin)
    assert found["state"] == ("scheduled" if how == "return" else "ready")
    assert found["args"] == ([2] if how == "replace" else [1])


@pytest.mark.parametrize("how", ["return", "raise", "replace", "bump"])
def test_a_key_is_free_when_its_twin_rolls_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    twin = enqueue(other, unique_key="k")
    enqueueing = start(enqueue, unique_key="k", on_conflict=how)
    assert enqueueing.waits()
    other.rollback()
    mine = enqueueing.result()
    assert mine != twin
    assert state(conn, mine) == "ready"


@pytest.mark.parametrize("how", ["return", "raise", "replace", "bump"])
def test_a_key_whose_owner_ends_meanwhile(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    owner = enqueue(conn, unique_key="k")
    assert outcomes(other, "cancel", owner) == ["cancelled"]
    enqueueing = start(enqueue, unique_key="k", on_conflict=how)
    assert enqueueing.waits()
    other.commit()
    assert enqueueing.result() != owner
    assert state(conn, enqueueing.result()) == "ready"


@pytest.mark.parametrize("how", ["replace", "bump"])
def test_a_key_whose_owner_is_being_claimed(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    owner = enqueue(conn, unique_key="k", args="[1]", priority=5)
    held = claim_one(other)
    enqueueing = start(enqueue, unique_key="k", args="[2]", priority=1, on_conflict=how)
    assert enqueueing.waits()
    other.commit()
    assert enqueueing.result() == held.job_id == owner
    found = job(conn, owner)
    assert (found["state"], found["args"], found["priority"]) == ("running", [1], 5)


def test_keys_in_opposite_order_never_deadlock(
    conn: psycopg.Connection, connect: Any, start: Start
) -> None:
    """Both calls start while a third session holds the middle key, and go on together."""
    blocker = connect(autocommit=False)
    keys = [f"k{number}" for number in range(9)]
    jobs = [{"task": "a", "unique_key": key} for key in keys]
    enqueue(blocker, unique_key="k4")
    calls = [start(enqueue_many, *jobs), start(enqueue_many, *reversed(jobs))]
    assert all(call.waits() for call in calls)
    blocker.rollback()
    first, second = (call.result() for call in calls)
    made = dict(zip(keys, first, strict=True))
    again = dict(zip(reversed(keys), second, strict=True))
    for key in keys:
        assert made[key][0] == again[key][0]
        assert made[key][1] != again[key][1]
    assert scalar(conn, "select count(*) from pgq.jobs") == 9


def test_a_replacing_call_holds_no_job_while_it_waits_for_a_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """Owners that are cancelled meanwhile are stored anew."""
    owners = enqueue(conn, unique_key="k9"), enqueue(conn, unique_key="k1")
    enqueue(other, unique_key="k5")
    change = {"task": "b", "on_conflict": "replace"}
    jobs = [{**change, "unique_key": key} for key in ("k1", "k5", "k9")]
    replacing = start(enqueue_many, *jobs)
    assert replacing.waits()
    assert start(outcomes, "cancel", *owners).result() == ["cancelled", "cancelled"]
    other.rollback()
    assert [created for _, created in replacing.result()] == [True, True, True]
    assert scalar(conn, "select count(*) from pgq.jobs where task = 'b'") == 3


def test_a_replacing_call_and_a_cancel_lock_in_the_same_order(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """The keys' order is not the ids' order, and the call stops between its two changes."""
    low, high = enqueue(conn, unique_key="k9"), enqueue(conn, unique_key="k1")
    other.execute("select from pgq.ready where job_id = %s for update", (high,))
    change = {"task": "b", "on_conflict": "replace"}
    replacing = start(enqueue_many, *({**change, "unique_key": key} for key in ("k1", "k9")))
    assert replacing.waits()
    cancelling = start(outcomes, "cancel", low, high)
    assert cancelling.waits()
    other.rollback()
    assert [created for _, created in replacing.result()] == [False, False]
    assert cancelling.result() == ["cancelled", "cancelled"]


@pytest.mark.parametrize("how", ["return", "replace", "bump"])
def test_overlapping_calls_never_deadlock(conn: psycopg.Connection, start: Start, how: str) -> None:
    jobs = [{"task": "a", "unique_key": f"k{number}", "on_conflict": how} for number in range(12)]

    def repeat(session: psycopg.Connection, turn: int) -> None:
        shuffled = jobs[turn:] + jobs[:turn]
        for _ in range(15):
            assert len(enqueue_many(session, *shuffled, {"task": "plain"})) == 13

    calls = [start(repeat, turn) for turn in (0, 3, 6, 9)]
    for call in calls:
        call.result()
    assert scalar(conn, "select count(*) from pgq.jobs where unique_key is not null") == 12


def test_changes_of_the_same_jobs_never_deadlock(conn: psycopg.Connection, start: Start) -> None:
    """Cancel, retry, discard, claim, fail and release of the same jobs, in every order."""
    ids = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a", "backoff": "0"}] * 24)]

    def cancel_and_retry(session: psycopg.Connection) -> None:
        for _ in range(20):
            outcomes(session, "cancel", *ids[:20])
            outcomes(session, "retry", *reversed(ids))

    def retry_and_discard(session: psycopg.Connection) -> None:
        for job_id in ids[:4]:
            outcomes(session, "retry", *ids)
            outcomes(session, "discard", job_id)

    def claim_and_hand_back(session: psycopg.Connection) -> None:
        for turn in range(20):
            held = claim(session, batch_size=5)[::-1]
            settle(session, ("release_batch", "fail_batch")[turn % 2], held)

    steps = [*(cancel_and_retry, claim_and_hand_back) * 2, retry_and_discard]
    for call in [start(step) for step in steps]:
        call.result()
    left = [row[0] for row in conn.execute("select id from pgq.all_jobs")]
    assert len(left) == len(set(left)) and set(ids[4:]) <= set(left) <= set(ids)


def test_changes_of_the_same_keys_never_deadlock(conn: psycopg.Connection, start: Start) -> None:
    """Jobs that own the keys are replaced, cancelled, retried, claimed and released at once."""
    keys = [f"k{number:02}" for number in range(12)]
    jobs = [{"task": "a", "unique_key": key, "on_conflict": "replace"} for key in reversed(keys)]
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]

    def cancel_and_retry(session: psycopg.Connection) -> None:
        for _ in range(20):
            outcomes(session, "cancel", *ids)
            outcomes(session, "retry", *reversed(ids))

    def replace(session: psycopg.Connection) -> None:
        for _ in range(20):
            enqueue_many(session, *jobs)

    def claim_and_release(session: psycopg.Connection) -> None:
        for _ in range(20):
            settle(session, "release_batch", claim(session, batch_size=5)[::-1])

    calls = [start(step) for step in (cancel_and_retry, replace, claim_and_release) * 2]
    assert [call.result() for call in calls] == [None] * 6  # and none raised what a deadlock does


def test_a_cancel_waits_for_a_promotion(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    job_id = enqueue(conn, delay="1 s")
    travel("2 s")
    rows(other, "promote_due")
    cancelling = start(outcomes, "cancel", job_id)
    assert cancelling.waits()
    other.commit()
    assert cancelling.result() == ["cancelled"]
    assert claim(conn) == []


def test_a_promotion_passes_over_what_is_being_cancelled(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    gone, kept = enqueue(conn, delay="1 s"), enqueue(conn, delay="1 s")
    travel("2 s")
    outcomes(other, "cancel", gone)
    promoting = start(rows, "promote_due")
    assert not promoting.waits() and promoting.result()[0]["promoted"] == 1
    other.commit()
    assert (state(conn, gone), state(conn, kept)) == ("cancelled", "ready")


def test_two_promotions_share_the_jobs(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    for _ in range(4):
        enqueue(conn, delay="1 s")
    travel("2 s")
    assert rows(other, "promote_due", batch_size=3)[0]["promoted"] == 3
    promoting = start(rows, "promote_due")
    assert not promoting.waits() and promoting.result()[0]["promoted"] == 1
    other.commit()
    assert len(claim(conn)) == 4


def test_a_retry_waits_for_an_enqueue_of_its_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn, unique_key="k")
    outcomes(conn, "cancel", job_id)
    twin = enqueue(other, unique_key="k")
    retrying = start(outcomes, "retry", job_id)
    assert retrying.waits()
    other.commit()
    assert retrying.result() == ["duplicate"]
    assert (state(conn, job_id), state(conn, twin)) == ("cancelled", "ready")


def test_an_enqueue_waits_for_a_retry_of_its_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn, unique_key="k")
    outcomes(conn, "cancel", job_id)
    assert outcomes(other, "retry", job_id) == ["retried"]
    enqueueing = start(enqueue, unique_key="k")
    assert enqueueing.waits()
    other.commit()
    assert enqueueing.result() == job_id


@pytest.mark.parametrize("commits", [True, False])
def test_two_retries_of_a_failed_job(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    assert outcomes(other, "retry", job_id) == ["retried"]
    retrying = start(outcomes, "retry", job_id)
    assert retrying.waits()
    other.commit() if commits else other.rollback()
    assert retrying.result()[0] in ("retried", "busy")
    assert state(conn, job_id) == "ready"
    assert job(conn, job_id)["max_attempts"] == 2


def test_a_retry_waits_for_a_cancel(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    assert outcomes(other, "cancel", job_id) == ["cancelled"]
    retrying = start(outcomes, "retry", job_id)
    assert retrying.waits()
    other.commit()
    (outcome,) = retrying.result()
    assert (outcome, state(conn, job_id)) in (("retried", "ready"), ("busy", "cancelled"))


def test_a_discard_waits_for_a_cancel(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    assert outcomes(other, "cancel", job_id) == ["cancelled"]
    discarding = start(outcomes, "discard", job_id)
    assert discarding.waits()
    other.commit()
    (outcome,) = discarding.result()
    assert (outcome, state(conn, job_id)) in (("discarded", None), ("busy", "cancelled"))


def test_a_second_maintain_passes_over_the_first(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    assert len(rows(other, "maintain")) > 3
    maintaining = start(rows, "maintain")
    assert not maintaining.waits() and maintaining.result() == []
    other.commit()
    assert rows(conn, "maintain") == []


def test_an_expiry_passes_over_a_claim(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    job_id = enqueue(conn, expires_in="1 minute")
    claim_one(other)
    travel("2 minutes")
    maintaining = start(rows, "maintain")
    assert not maintaining.waits()
    other.commit()
    assert state(conn, job_id) == "running"
    travel("5 s")
    rows(conn, "maintain")
    assert state(conn, job_id) == "running"


def test_a_pause_and_a_resume_in_open_transactions(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    value(other, "pause_queue", queue="default")
    resuming = start(value, "resume_queue", queue="default")
    assert not resuming.waits() and resuming.result() is False
    other.commit()
    assert value(conn, "resume_queue", queue="default") is True


def test_a_job_of_a_later_transaction_is_not_taken_for_a_restored_one(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    other.execute("select pg_current_xact_id()")
    enqueue(conn)
    assert scalar(other, "select pgq._restamp_restored_jobs(10000)") == 0
    assert len(claim(conn)) == 1


@pytest.mark.parametrize("commits", [True, False])
def test_a_retry_waits_for_a_discard_of_what_has_ended(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id = enqueue(conn)
    assert outcomes(conn, "cancel", job_id) == ["cancelled"]
    assert outcomes(other, "discard", job_id) == ["discarded"]
    retrying = start(outcomes, "retry", job_id)
    assert retrying.waits()
    other.commit() if commits else other.rollback()
    assert retrying.result() == (["not_found"] if commits else ["retried"])
    assert state(conn, job_id) == (None if commits else "ready")
