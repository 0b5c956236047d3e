"""The mark of the notes hides none for longer than a second, and promotion does not walk the dead.

It is made only when over 10,000 deleted notes pile up, so that many are made.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, enqueue, rows, scalar, violations
from tests.sql.test_held_snapshot import buffers

PILE = """
    insert into pgq.releases (concurrency_key) select 'none' from generate_series(1, 10500);
    delete from pgq.releases;
"""
MARK = "select note_id from pgq.note_mark"
NEWEST = "select last_value from pgq.releases_id_seq"


@pytest.fixture
def pile(conn: psycopg.Connection, connect: Connect) -> psycopg.Connection:
    """Deleted notes, and the session whose snapshot keeps them."""
    reader = connect(autocommit=False)
    reader.execute("set transaction isolation level repeatable read")
    reader.execute("select pg_current_snapshot()")
    conn.execute(PILE.encode())
    conn.execute("select pg_stat_force_next_flush()")
    return reader


def advance(conn: psycopg.Connection, travel: Travel) -> int:
    travel("2 seconds")
    answers = {row["step"]: row["affected"] for row in rows(conn, "maintain")}
    return int(answers["note_mark"])


def promoted(conn: psycopg.Connection) -> list[int]:
    rows(conn, "promote_due")
    return [held.job_id for held in claim(conn)]


def test_promotion_starts_behind_it_and_it_goes_with_vacuum(
    conn: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    query = "select * from pgq.promote_due()"
    rows(conn, "promote_due")
    walked = buffers(conn, query)
    assert advance(conn, travel) == 1
    assert scalar(conn, MARK) == 0
    assert advance(conn, travel) == 1
    assert scalar(conn, MARK) == scalar(conn, NEWEST) + 1
    assert buffers(conn, query) < walked / 3
    job_id = enqueue(conn, concurrency_key="k")
    assert promoted(conn) == [job_id]
    assert violations(conn) == []
    pile.rollback()
    conn.execute("vacuum pgq.releases")
    conn.execute("select pg_stat_force_next_flush()")
    assert advance(conn, travel) == 0
    assert scalar(conn, "select count(*) from pgq.note_mark") == 0


def test_a_note_that_is_committed_late_is_found(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    late = enqueue(other, concurrency_key="k")
    soon = enqueue(conn, concurrency_key="l")
    assert advance(conn, travel) == 1
    assert promoted(conn) == [soon]
    assert advance(conn, travel) == 1
    assert scalar(conn, MARK) > 10_501
    other.commit()
    assert promoted(conn) == []
    assert advance(conn, travel) == 1
    assert promoted(conn) == [late]


def test_one_that_nobody_renews_counts_no_more(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    late = enqueue(other, concurrency_key="k")
    for _ in range(2):
        advance(conn, travel)
    other.commit()
    travel("6 seconds")
    assert promoted(conn) == [late]
