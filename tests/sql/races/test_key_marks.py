"""Marks of semaphores and of max_running hide nobody who counts or waits, and dead rows are not
walked.

They are made by chance, and only while deleted rows pile up: here they always do, and the tests
ask for marks.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import (
    PILED,
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    rows,
    scalar,
    settle,
    value,
    violations,
)
from tests.sql.limits.semaphores import holders, keyed, promote

PILE = """
    insert into pgq.blocked (job_id, queue, priority, has_parents, concurrency_key, is_new)
    select -number, 'q', 0, false, 'k', false from generate_series(1, 5000) as number;
    delete from pgq.blocked where job_id < 0;
    insert into pgq.slots (job_id, concurrency_key, weight)
    select -number, 'k', 1 from generate_series(1, 5000) as number;
    delete from pgq.slots where job_id < 0;
    insert into pgq.running
      (job_id, claim_id, queue, task, ready_at, claimed_at, limited_xid)
    select -number, 1, 'default', 'pile', now(), now(), pg_current_xact_id()
    from generate_series(1, 5000) as number;
    delete from pgq.running where job_id < 0;
"""
LOCK = "select pg_advisory_xact_lock(hashtextextended('k', 'pgq.slots'::regclass::oid::bigint))"
MARK = "select pgq._mark_semaphores(array['k'], %s::bigint[] || array_fill(0::bigint, array[16]))"
MARK_RUNNING = "select pgq._mark_running('default', 16)"
MARKS = "select count(*) from pgq.key_marks"
PLACES = """
    select priorities[2:] from pgq.key_marks
    where server_started_at = pg_postmaster_start_time() order by id desc limit 1
"""
BEST = "select max(best_waiter) from pgq._semaphore_capacity(array['k'])"
CAPACITY = "select * from pgq._semaphore_capacity(array['k'])"


@pytest.fixture(autouse=True)
def pile(conn: psycopg.Connection, connect: Connect) -> psycopg.Connection:
    """Rows that are gone, and the session whose snapshot keeps them."""
    conn.execute(PILED)
    reader = connect(autocommit=False)
    reader.execute("set transaction isolation level repeatable read")
    reader.execute("select pg_current_snapshot()")
    conn.execute(PILE.encode())
    return reader


def mark(conn: psycopg.Connection, *moved: int) -> None:
    """As promotion does: under the lock of the key."""
    with conn.transaction():
        conn.execute(LOCK)
        conn.execute(MARK, (list(moved),))


def test_promotion_looks_from_them(conn: psycopg.Connection) -> None:
    first, second = keyed(conn), keyed(conn)
    walked = buffers(conn, CAPACITY)
    promote(conn)
    mark(conn, first)
    assert scalar(conn, PLACES) == [0]
    assert buffers(conn, CAPACITY) < walked / 3
    assert holders(conn) == [first]
    complete(conn, claim_one(conn))
    assert holders(conn) == [second]
    assert buffers(conn, CAPACITY) < walked / 3
    assert violations(conn) == []


def test_they_come_by_themselves_in_long_use(conn: psycopg.Connection) -> None:
    """The chance that none does is one in four millions."""
    for _ in range(120):
        keyed(conn)
        promote(conn)
        complete(conn, claim_one(conn))
        if scalar(conn, MARKS):
            return
    pytest.fail("no mark was made")


def test_a_holder_stays_counted(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=3) for _ in range(5)]
    for _ in range(3):
        mark(conn)
        promote(conn)
    assert holders(conn) == made[:3]
    complete(conn, claim_one(conn))
    assert holders(conn) == made[1:4]
    mark(conn)
    promote(conn)
    assert holders(conn) == made[1:4]
    assert violations(conn) == []


@pytest.mark.parametrize("commits", [True, False])
def test_a_settle_that_is_open(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool
) -> None:
    """Its slot is counted until it commits, and for ever if it does not."""
    first, second = keyed(conn), keyed(conn)
    promote(conn)
    other.execute("delete from pgq.slots where job_id = %s", (first,))
    mark(conn)
    mark(conn)
    if commits:
        other.commit()
    else:
        other.rollback()
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=1)
    promote(conn)
    assert holders(conn) == [second if commits else first]


def test_one_that_is_rolled_back_with_the_settle_that_it_followed(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    first, second = keyed(conn), keyed(conn)
    promote(conn)
    conn.execute("delete from pgq.key_marks")
    held = claim_one(conn)
    other.execute("savepoint before")
    complete(other, held)
    other.execute(MARK, ([second],))
    assert holders(other) == [second]
    other.execute("rollback to before")
    rows(other, "promote_due")
    other.commit()
    promote(conn)
    assert holders(conn) == [first]
    assert violations(conn) == []


def test_a_slot_of_a_transaction_that_began_before_the_mark(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """Its id is lower than those of slots that came and went meanwhile."""
    other.execute("select pg_current_xact_id()")
    soon = keyed(conn)
    promote(conn)
    complete(conn, claim_one(conn))
    mark(conn, soon)
    late, next_one = keyed(conn), keyed(conn)
    rows(other, "promote_due")
    other.commit()
    assert holders(conn) == [late]
    mark(conn)
    promote(conn)
    assert holders(conn) == [late]
    complete(conn, claim_one(conn))
    assert holders(conn) == [next_one]
    assert violations(conn) == []


def test_one_who_lines_up_in_an_open_transaction(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """Its transaction is older than the mark would be, which stays before it."""
    late = keyed(other)
    soon = keyed(conn)
    promote(conn)
    assert holders(conn) == [soon]
    mark(conn, soon)
    other.commit()
    assert scalar(conn, BEST) == late
    mark(conn)
    complete(conn, claim_one(conn))
    assert holders(conn) == [late]
    assert violations(conn) == []


def test_who_lines_up_again_or_with_another_priority(conn: psycopg.Connection) -> None:
    first, second = keyed(conn, backoff="0"), keyed(conn)
    promote(conn)
    mark(conn, first)
    fail(conn, claim_one(conn))
    worse, better = keyed(conn, priority=5), keyed(conn, priority=-5)
    for job_id in (better, second, first, worse):
        promote(conn)
        assert holders(conn) == [job_id]
        mark(conn, job_id)
        complete(conn, claim_one(conn))
        assert violations(conn) == []
    last = [
        keyed(conn, priority=priority)
        for priority in (2147483647, 6, 5, 1, 0, -1, -5, -6, -2147483648)
    ]
    for job_id in reversed(last):
        assert scalar(conn, BEST) == job_id
        outcomes(conn, "cancel", job_id)
        mark(conn)
    assert violations(conn) == []


def test_a_waiter_that_another_session_takes_and_keeps(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    first, second = keyed(conn), keyed(conn)
    outcomes(other, "cancel", first)
    promote(conn)
    mark(conn, second)
    assert holders(conn) == [second]
    other.rollback()
    mark(conn)
    complete(conn, claim_one(conn))
    assert holders(conn) == [first]


def test_a_promotion_that_began_with_the_mark_before(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """Two promotions of a key meet: the later one finds the lock taken, and leaves the note."""
    first, second = keyed(conn), keyed(conn)
    rows(other, "promote_due")
    other.execute(MARK, ([first],))
    promote(conn)
    other.commit()
    assert holders(conn) == [first]
    promote(conn)
    assert holders(conn) == [first]
    complete(conn, claim_one(conn))
    assert holders(conn) == [second]
    assert violations(conn) == []


def test_they_count_only_on_the_server_process_that_made_them(conn: psycopg.Connection) -> None:
    first, waiter = keyed(conn), keyed(conn)
    promote(conn)
    mark(conn, first)
    conn.execute("update pgq.key_marks set waiting_xids[2] = '9000000000000'")
    assert scalar(conn, BEST) is None
    assert "waiter before the mark of its semaphore" in violations(conn)
    conn.execute("update pgq.key_marks set server_started_at = '2000-01-01'")
    assert scalar(conn, BEST) == waiter
    assert violations(conn) == []
    mark(conn)
    assert scalar(conn, BEST) == waiter


def test_waiters_of_another_server_keep_their_place(conn: psycopg.Connection) -> None:
    first = keyed(conn)
    conn.execute("update pgq.blocked set waiting_xid = '9000000000000'")
    mark(conn)
    rows(conn, "maintain")
    second = keyed(conn)
    assert scalar(conn, BEST) == first
    promote(conn)
    assert holders(conn) == [first]
    complete(conn, claim_one(conn))
    assert holders(conn) == [second]
    assert violations(conn) == []


def test_running_jobs_are_counted_from_their_mark(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="default", max_running=2)
    query = "select pgq._queue_capacity(queues, 5, now()) from pgq.queues where name = 'default'"
    walked = buffers(conn, query)
    for _ in range(4):
        enqueue(conn)
    first, second = claim(conn)
    conn.execute(MARK_RUNNING)
    assert buffers(conn, query) < walked / 3
    assert claim(conn) == []
    complete(conn, second)
    conn.execute(MARK_RUNNING)
    (third,) = claim(conn)
    complete(conn, first)
    conn.execute(MARK_RUNNING)
    (fourth,) = claim(conn)
    assert claim(conn) == []
    assert violations(conn) == []
    complete(conn, third, fourth)


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_of_a_transaction_that_began_before_the_mark(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool
) -> None:
    value(conn, "configure_queue", queue="default", max_running=1)
    jobs = [enqueue(conn) for _ in range(3)]
    other.execute("select pg_current_xact_id()")
    complete(conn, claim_one(conn))
    conn.execute(MARK_RUNNING)
    (held,) = claim(other)
    conn.execute(MARK_RUNNING)
    assert claim(conn) == []
    if commits:
        other.commit()
        conn.execute(MARK_RUNNING)
        assert claim(conn) == []
        complete(conn, held)
    else:
        other.rollback()
    assert [one.job_id for one in claim(conn)] == [jobs[2] if commits else jobs[1]]
    assert violations(conn) == []


def test_a_release_and_a_claim_meet_no_mark_of_the_other(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """A job that comes back and is claimed again counts by its new claim."""
    value(conn, "configure_queue", queue="default", max_running=1)
    enqueue(conn)
    enqueue(conn)
    held = claim_one(conn)
    settle(other, "release_batch", [held])
    conn.execute(MARK_RUNNING)
    assert claim(conn) == []
    other.commit()
    conn.execute(MARK_RUNNING)
    assert len(claim(conn)) == 1
    assert claim(conn) == []
    assert violations(conn) == []


def test_they_go_when_vacuum_has_caught_up(conn: psycopg.Connection) -> None:
    keyed(conn)
    mark(conn)
    conn.execute(MARK_RUNNING)
    assert scalar(conn, "select pgq._forget_key_marks(100)") == 0
    conn.execute(PILED.replace("true'", "false'"))
    assert scalar(conn, "select pgq._forget_key_marks(1)") == 1
    assert scalar(conn, "select pgq._forget_key_marks(100)") == 1
    assert scalar(conn, MARKS) == 0


def test_verify_names_what_is_before_them(conn: psycopg.Connection) -> None:
    value(conn, "configure_queue", queue="default", max_running=2)
    keyed(conn)
    promote(conn)
    claim_one(conn)
    conn.execute(
        "insert into pgq.key_marks (lane, key, first_xid) "
        "values ('slots', 'k', '9000000000000'), ('running', 'default', '9000000000000')"
    )
    assert sorted(violations(conn)) == [
        "claim that its queue does not count",
        "slot that its semaphore does not count",
    ]
    conn.execute("delete from pgq.key_marks")
