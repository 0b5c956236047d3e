"""What meets over slots: promotions, settles, cancels and limits, in open transactions.

Nothing here may wait, no waiter may be forgotten, and no key may have more holders than slots.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
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
from tests.sql.limits.semaphores import holders, keyed, promote, states
from tests.sql.races.conftest import Start

SESSIONS = 50


def at_once(start: Start, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call it on a new session, and make sure that it waits for nobody."""
    call = start(function, *arguments, **options)
    assert not call.waits()
    return call.result()


def test_enqueues_of_a_key_do_not_wait_for_each_other(
    conn: psycopg.Connection, connect: Connect
) -> None:
    """A job that waited would wait for ever: the transactions all end after the last enqueue."""
    sessions = [connect(autocommit=False) for _ in range(SESSIONS)]
    for session in sessions:
        session.execute("set local lock_timeout = '1s'")
        keyed(session)
    for session in sessions:
        session.commit()
    promote(conn)
    assert len(holders(conn)) == 1
    assert scalar(conn, "select count(*) from pgq.blocked") == SESSIONS - 1


def test_an_enqueue_waits_neither_for_a_promotion_nor_for_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect, start: Start
) -> None:
    first, second = keyed(conn), keyed(conn)
    promote(other)
    third = at_once(start, keyed)
    other.commit()
    settling = connect(autocommit=False)
    complete(settling, claim_one(conn))
    fourth = at_once(start, keyed)
    settling.commit()
    promote(conn)
    assert states(conn, first, second, third, fourth) == ["succeeded", "ready"] + ["blocked"] * 2


@pytest.mark.parametrize("commits", [True, False])
def test_two_promotions(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    made = [keyed(conn, limit=2) for _ in range(4)]
    promote(other)
    at_once(start, promote)
    assert holders(conn) == []
    late = keyed(conn, limit=2, priority=-1)
    at_once(start, promote)
    other.commit() if commits else other.rollback()
    promote(conn)
    promote(conn)
    assert holders(conn) == (made[:2] if commits else [made[0], late])


def test_ten_promotions(conn: psycopg.Connection, start: Start) -> None:
    for key in "abc":
        for _ in range(10):
            keyed(conn, key, limit=3)

    def repeat(session: psycopg.Connection) -> None:
        for _ in range(10):
            promote(session, batch_size=2)

    for call in [start(repeat) for _ in range(8)]:
        call.result()
    promote(conn)
    assert [len(holders(conn, key)) for key in "abc"] == [3, 3, 3]


@pytest.mark.parametrize("commits", [True, False])
def test_a_promotion_while_a_slot_is_given_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """Until the commit the slot is taken; the note of it comes with the commit."""
    first, second, third = (keyed(conn) for _ in range(3))
    promote(conn)
    held = claim_one(conn)
    fail(other, held, final=[True])
    at_once(start, promote)
    assert holders(conn) == [first]
    other.commit() if commits else other.rollback()
    promote(conn)
    assert holders(conn) == [second if commits else first]
    assert states(conn, third) == ["blocked"]


def test_a_settle_while_a_promotion_is_open(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """The promotion counted the slot that is given back meanwhile."""
    made = [keyed(conn, limit=2) for _ in range(3)]
    promote(conn)
    held = claim(conn)
    keyed(conn, limit=2)
    promote(other)
    assert at_once(start, complete, held[0]) == ["ok"]
    assert holders(conn) == made[1:2]
    other.commit()
    promote(conn)
    assert holders(conn) == made[1:3]


@pytest.mark.parametrize("ends", [("commit", "commit"), ("commit", "rollback"), ("rollback",) * 2])
def test_two_settles_in_open_transactions(
    conn: psycopg.Connection, connect: Connect, start: Start, ends: tuple[str, str]
) -> None:
    made = [keyed(conn, limit=2) for _ in range(4)]
    promote(conn)
    held = claim(conn)
    sessions = [connect(autocommit=False) for _ in ends]
    for session, each in zip(sessions, held, strict=True):
        assert at_once(start, complete, each, session=session) == ["ok"]
    for session, end in zip(sessions, ends, strict=True):
        getattr(session, end)()
    promote(conn)
    promote(conn)
    left = [job_id for job_id, end in zip(made, ends, strict=False) if end == "rollback"]
    assert holders(conn) == sorted(left + made[2 : 2 + ends.count("commit")])


def test_an_open_settle_holds_up_no_other_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """Not even one whose waiters had not been looked at when it settled."""
    first, _, mine = keyed(conn), keyed(conn), keyed(conn, "mine")
    promote(conn)
    held = {each.job_id: each for each in claim(conn)}
    next_mine = keyed(conn, "mine")
    promote(conn)
    at_once(start, settle, "fail_batch", [held[mine]], final=[True])
    assert complete(other, held[first]) == ["ok"]
    at_once(start, promote)
    assert holders(conn, "mine") == [next_mine]


def test_a_settle_of_two_keys_leaves_the_one_that_is_locked(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    mine, theirs, next_a, next_b = (keyed(conn, key) for key in "abab")
    conn.execute("select pgq.configure_semaphore('b', 2)")
    second_b = keyed(conn, "b")
    promote(conn)
    held = {each.job_id: each for each in claim(conn)}
    assert sorted(holders(conn, "b")) == [theirs, next_b]
    assert complete(other, held[next_b]) == ["ok"]
    assert at_once(start, complete, held[mine], held[theirs]) == ["ok", "ok"]
    assert holders(conn, "a") == [next_a]
    notes = conn.execute("select concurrency_key from pgq.releases").fetchall()
    assert notes == [("b",)]
    other.rollback()
    promote(conn)
    assert holders(conn, "b") == [next_b, second_b]


@pytest.mark.parametrize("settles_first", [True, False])
def test_a_waiter_that_comes_while_the_slot_is_given_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, settles_first: bool
) -> None:
    keyed(conn)
    promote(conn)
    (held,) = claim(conn)
    if settles_first:
        assert complete(other, held) == ["ok"]
        waiter = keyed(conn)
        at_once(start, promote)
        other.commit()
    else:
        waiter = keyed(other)
        assert at_once(start, complete, held) == ["ok"]
        at_once(start, promote)
        other.commit()
    promote(conn)
    assert holders(conn) == [waiter]


def test_an_open_settle_keeps_nobody_of_its_key_from_settling(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    made = [keyed(conn, limit=3) for _ in range(6)]
    promote(conn)
    held = claim(conn)
    assert complete(other, held[0]) == ["ok"]
    assert at_once(start, complete, held[1]) == ["ok"]
    at_once(start, settle, "release_batch", [held[2]])
    at_once(start, promote)
    other.commit()
    promote(conn)
    promote(conn)
    assert len(holders(conn)) == 3
    assert scalar(conn, "select count(*) from pgq.blocked") == 1
    assert states(conn, *made[:2]) == ["succeeded"] * 2


@pytest.mark.parametrize("function", ["cancel", "discard", "retry"])
@pytest.mark.parametrize("commits", [True, False])
def test_a_waiter_that_is_being_changed_is_not_forgotten(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str, commits: bool
) -> None:
    """The slot becomes free while the only waiter is in another session's hands."""
    keyed(conn)
    promote(conn)
    waiter = keyed(conn)
    promote(conn)
    outcomes(other, function, waiter)
    assert at_once(start, complete, claim_one(conn)) == ["ok"]
    at_once(start, promote)
    assert holders(conn) == []
    other.commit() if commits else other.rollback()
    promote(conn)
    gone = commits and function != "retry"
    assert holders(conn) == ([] if gone else [waiter])


def test_a_job_to_be_dropped_that_is_being_changed_is_not_forgotten(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    keyed(conn)
    promote(conn)
    waiter = keyed(conn, concurrency_on_conflict="discard")
    outcomes(other, "retry", waiter)
    at_once(start, promote)
    other.rollback()
    promote(conn)
    assert states(conn, waiter) == ["cancelled"]


def test_a_job_to_be_dropped_whose_child_is_being_looked_at(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    """A promotion holds it for the child's sake; nobody waits for that."""
    keyed(conn)
    promote(conn)
    dropped = keyed(conn, delay="1 minute", concurrency_on_conflict="discard")
    child = enqueue(conn, depends_on=[dropped])
    promote(other)
    travel("2 minutes")
    at_once(start, promote)
    assert states(conn, dropped) == ["blocked"]
    other.commit()
    for _ in range(3):
        promote(conn)
    assert states(conn, dropped, child) == ["cancelled", "cancelled"]


def test_cancels_and_promotions_of_the_same_waiters_never_deadlock(
    conn: psycopg.Connection, start: Start
) -> None:
    ids = [keyed(conn, limit=4, priority=-number, backoff="0") for number in range(24)]

    def cancel_and_retry(session: psycopg.Connection) -> None:
        for _ in range(15):
            outcomes(session, "cancel", *ids[:20])
            outcomes(session, "retry", *reversed(ids))

    def work(session: psycopg.Connection) -> None:
        for turn in range(30):
            promote(session)
            held = claim(session, batch_size=3)[::-1]
            settle(session, ("release_batch", "fail_batch")[turn % 2], held)

    def operate(session: psycopg.Connection) -> None:
        for turn in range(15):
            value(session, "release_semaphore", concurrency_key="k")
            value(session, "configure_semaphore", concurrency_key="k", max_slots=turn % 5)
        value(session, "configure_semaphore", concurrency_key="k", max_slots=None)

    calls = [start(step) for step in (cancel_and_retry, work, operate, work, cancel_and_retry)]
    for call in calls:
        call.result()
    for _ in range(5):
        promote(conn)
    live = scalar(conn, "select count(*) from pgq.jobs where run_at <= pgq._now()")
    assert len(holders(conn)) == min(4, live)


def test_a_limit_that_is_changed_in_an_open_transaction(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    made = [keyed(conn) for _ in range(5)]
    value(other, "configure_semaphore", concurrency_key="k", max_slots=3)
    at_once(start, promote)
    assert holders(conn) == made[:1]
    other.commit()
    promote(conn)
    assert holders(conn) == made[:3]
    value(other, "configure_semaphore", concurrency_key="k", max_slots=1)
    assert at_once(start, complete, *claim(conn, batch_size=1)) == ["ok"]
    assert holders(conn) == made[1:4]
    other.commit()
    assert complete(conn, *claim(conn, batch_size=2)) == ["ok", "ok"]
    promote(conn)
    assert len(holders(conn)) == 1


def test_a_release_by_an_operator_passes_over_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    made = [keyed(conn, limit=2) for _ in range(4)]
    promote(conn)
    held = claim(conn)
    complete(other, held[0])
    assert at_once(start, value, "release_semaphore", concurrency_key="k") == 1
    other.rollback()
    promote(conn)
    assert holders(conn) == [made[0], made[2]]


def test_an_expiry_passes_over_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    first, second = keyed(conn, concurrency_duration="1 s"), keyed(conn)
    promote(conn)
    held = claim_one(conn)
    travel("1 minute")
    complete(other, held)
    at_once(start, rows, "maintain")
    assert holders(conn) == [first]
    other.commit()
    promote(conn)
    assert holders(conn) == [second]


def test_a_settle_that_comes_while_its_slot_expires(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    """It waits for the maintenance, as briefly as that lasts, and gives back nothing."""
    first, second, third = (keyed(conn, concurrency_duration="1 s") for _ in range(3))
    promote(conn)
    held = claim_one(conn)
    travel("1 minute")
    rows(other, "maintain")
    settling = start(complete, held)
    assert settling.waits()
    other.commit()
    assert settling.result() == ["ok"]
    promote(conn)
    assert states(conn, first, second, third) == ["succeeded", "ready", "blocked"]


def test_a_claimer_that_crashes(
    conn: psycopg.Connection, connect: Connect, silence: Silence
) -> None:
    """Before its commit the job is ready again and keeps the slot; afterwards it is rescued."""
    worker_id = register(conn, lease="1 second")
    first, second = keyed(conn, backoff="1 hour"), keyed(conn)
    promote(conn)
    crashing = connect(autocommit=False)
    claim_one(crashing, worker_id=worker_id)
    conn.execute("select pg_terminate_backend(%s)", (crashing.info.backend_pid,))
    gone = "select count(*) = 0 from pg_stat_activity where pid = %s"
    while not scalar(conn, gone, crashing.info.backend_pid):
        time.sleep(0.01)
    promote(conn)
    assert (state(conn, first), holders(conn)) == ("ready", [first])
    claim_one(conn, worker_id=worker_id)
    silence("5 seconds")
    rows(conn, "maintain")
    promote(conn)
    assert states(conn, first, second) == ["scheduled", "ready"]
