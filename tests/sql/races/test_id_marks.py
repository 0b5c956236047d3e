"""The marks of the notes and of new children hide none for longer than a second, and
promotion does not walk over dead rows.

They are made only when over 1,000 deleted rows pile up, so that many are made.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import buffers, claim, complete, enqueue, rows, scalar, violations

PILE = """
    insert into pgq.releases (concurrency_key) select 'none' from generate_series(1, 10500);
    delete from pgq.releases;
"""
MARK = "select first_id from pgq.id_marks where lane = 'releases' order by id desc limit 1"
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
    return int(answers["id_mark"])


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
    assert scalar(conn, "select count(*) from pgq.id_marks") == 0


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


def test_the_first_note_of_all_is_found(
    conn: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    # As after a restore, or a truncate: no number of the sequence has been given.
    conn.execute("alter sequence pgq.releases_id_seq restart")
    assert [advance(conn, travel) for _ in range(2)] == [1, 1]
    assert scalar(conn, MARK) == 1
    job_id = enqueue(conn, concurrency_key="k")
    assert promoted(conn) == [job_id]


def test_one_that_nobody_renews_counts_no_more(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel, pile: psycopg.Connection
) -> None:
    late = enqueue(other, concurrency_key="k")
    for _ in range(2):
        advance(conn, travel)
    other.commit()
    travel("6 seconds")
    assert promoted(conn) == [late]


CHILDREN = """
    insert into pgq.blocked (job_id, queue, priority, has_parents, is_new)
    select -number, 'q', 0, true, true from generate_series(1, 10500) as number;
    delete from pgq.blocked;
"""
CHILD_MARK = "select first_id from pgq.id_marks where lane = 'blocked' order by id desc limit 1"


@pytest.fixture
def children(conn: psycopg.Connection, pile: psycopg.Connection) -> psycopg.Connection:
    """Deleted children that were new."""
    conn.execute(CHILDREN.encode())
    conn.execute("select pg_stat_force_next_flush()")
    return pile


@pytest.mark.usefixtures("children")
def test_promotion_looks_for_new_children_from_it(conn: psycopg.Connection, travel: Travel) -> None:
    query = "select * from pgq.promote_due()"
    rows(conn, "promote_due")
    walked = buffers(conn, query)
    for _ in range(2):
        assert advance(conn, travel) == 2
    assert buffers(conn, query) < walked / 3
    parent = enqueue(conn)
    (held,) = claim(conn)
    child = enqueue(conn, depends_on=[parent])
    complete(conn, held)
    assert promoted(conn) == [child]


@pytest.mark.usefixtures("children")
def test_a_child_that_is_committed_late_is_found(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel
) -> None:
    """Its parent has ended before, so that nobody else looks for it."""
    parent = enqueue(conn)
    late = enqueue(other, depends_on=[parent])
    complete(conn, *claim(conn))
    for _ in range(2):
        advance(conn, travel)
    other.commit()
    promoted(conn)
    assert scalar(conn, CHILD_MARK) <= late or advance(conn, travel) == 2
    rows(conn, "promote_due")
    assert promoted(conn) == [late]


@pytest.mark.usefixtures("children")
@pytest.mark.parametrize("first_ends", [True, False])
def test_promotion_moves_it_on_unless_one_is_open_that_was(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel, first_ends: bool
) -> None:
    """Two sessions: what is still to commit was numbered before what promotion has worked off."""
    late = enqueue(other, concurrency_key="k")
    advance(conn, travel)
    if first_ends:
        other.commit()
        assert promoted(conn) == [late]
    before = scalar(conn, MARK)
    for place in range(20):
        enqueue(conn, concurrency_key=f"l{place}")
        promoted(conn)
    moved = scalar(conn, MARK) > before
    assert moved == first_ends
    if not first_ends:
        other.commit()
        assert promoted(conn) == [late]
    assert violations(conn) == []
