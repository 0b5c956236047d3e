"""The mark of the scheduled lane hides no job for longer than a second: not one that is committed
long after its time, nor one that is due while the clock runs backwards.

It is made only when over 1,000 deleted rows pile up in the lane, so that many are made.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, enqueue, enqueue_many, rows, scalar, violations

MARK = """
    select pgq._now() - to_timestamp(first_id / 1e6)
    from pgq.id_marks where lane = 'scheduled' order by id desc limit 1
"""


@pytest.fixture
def pile(conn: psycopg.Connection, connect: Connect) -> psycopg.Connection:
    """Deleted rows of the lane, and the session whose snapshot keeps them."""
    reader = connect(autocommit=False)
    reader.execute("set transaction isolation level repeatable read")
    reader.execute("select pg_current_snapshot()")
    enqueue_many(conn, *[{"task": "pile", "queue": "pile", "delay": "1 hour"}] * 10_500)
    conn.execute("select pgq.clear_queue('pile', include_scheduled => true)")
    conn.execute("select pg_stat_force_next_flush()")
    return reader


def advance(conn: psycopg.Connection, travel: Travel) -> int:
    travel("2 seconds")
    answers = {row["step"]: row["affected"] for row in rows(conn, "maintain")}
    return int(answers["id_mark"])


def promoted(conn: psycopg.Connection) -> list[int]:
    rows(conn, "promote_due")
    return [held.job_id for held in claim(conn)]


def test_promotion_goes_on_behind_it_and_it_goes_with_vacuum(
    conn: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    assert scalar(conn, "select count(*) from pgq.id_marks") == 0
    for _ in range(2):
        assert advance(conn, travel) == 1
    assert scalar(conn, MARK) < timedelta(seconds=5)
    soon = enqueue(conn, delay="1 s")
    later = enqueue(conn, delay="4 s")
    assert promoted(conn) == []
    travel("1.5 s")
    assert promoted(conn) == [soon]
    (answer,) = rows(conn, "promote_due")
    assert answer["next_due_at"] == scalar(conn, f"select run_at from pgq.jobs where id = {later}")
    advance(conn, travel)
    advance(conn, travel)
    assert promoted(conn) == [later]
    assert violations(conn) == []
    pile.rollback()
    conn.execute("vacuum pgq.scheduled")
    conn.execute("select pg_stat_force_next_flush()")
    assert advance(conn, travel) == 0
    assert scalar(conn, "select count(*) from pgq.id_marks") == 0


def test_what_is_committed_long_after_its_time_comes_with_the_next_mark(
    conn: psycopg.Connection, connect: Connect, travel: Travel, pile: psycopg.Connection
) -> None:
    open_for_long = connect(autocommit=False)
    job_id = enqueue(open_for_long, delay="1 s")
    for _ in range(3):
        assert advance(conn, travel) == 1
    open_for_long.commit()
    assert promoted(conn) == []
    advance(conn, travel)
    assert promoted(conn) == [job_id]


def test_without_maintenance_it_counts_for_seconds(
    conn: psycopg.Connection, connect: Connect, travel: Travel, pile: psycopg.Connection
) -> None:
    open_for_long = connect(autocommit=False)
    job_id = enqueue(open_for_long, delay="1 s")
    for _ in range(3):
        advance(conn, travel)
    open_for_long.commit()
    travel("6 s")
    assert promoted(conn) == [job_id]


def test_a_clock_that_runs_backwards_ends_it(
    conn: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    advance(conn, travel)
    travel("-1 hour")
    job_id = enqueue(conn, delay="1 s")
    travel("2 s")
    assert promoted(conn) == [job_id]


def test_what_is_due_already_is_not_passed_over(
    conn: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    job_id = enqueue(conn, delay="1 s")
    for _ in range(4):
        advance(conn, travel)
    assert scalar(conn, MARK) > timedelta(seconds=6)
    assert promoted(conn) == [job_id]


def test_one_that_promotion_has_moved_on_hides_nothing_that_is_not_yet_committed(
    conn: psycopg.Connection, connect: Connect, travel: Travel, pile: psycopg.Connection
) -> None:
    for _ in range(2):
        advance(conn, travel)
    still_open = connect(autocommit=False)
    late = enqueue(still_open, delay="1 s")
    for _ in range(10):
        job_id = enqueue(conn, delay="1 s")
        travel("1.1 s")
        assert promoted(conn) == [job_id]
        if scalar(conn, MARK) > timedelta(seconds=4):
            advance(conn, travel)
    still_open.commit()
    advance(conn, travel)
    assert promoted(conn) == [late]
