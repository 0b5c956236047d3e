"""Marks never hide a job: not one that is committed late, nor one that becomes ready again.

Marks come only when over 10,000 deleted rows pile up in the ready lane, so that many are made.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Server, Travel
from tests.sql.calls import (
    PILED,
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    value,
    violations,
)

PILE = 10_500
MARKS = "select count(*) from pgq.ready_marks"


def work_off(conn: psycopg.Connection, jobs: int, queue: str = "default") -> None:
    """Enqueue and complete that many jobs, and let the server's statistics know."""
    conn.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
        "'task', 'pile', 'queue', %s::text)) from generate_series(1, %s)))",
        (queue, jobs),
    )
    done = 0
    while done < jobs:
        held = claim(conn, [queue], batch_size=min(5000, jobs - done), tasks=["pile"])
        assert held
        complete(conn, *held)
        done += len(held)
    conn.execute("select pg_stat_force_next_flush()")


def advance(conn: psycopg.Connection, travel: Travel) -> int:
    travel("2 seconds")
    moved: int = {row["step"]: row["affected"] for row in rows(conn, "maintain")}["mark"]
    return moved


def test_claims_go_on_behind_marks_and_marks_go_with_vacuum(
    conn: psycopg.Connection, travel: Travel
) -> None:
    work_off(conn, PILE)
    enqueue(conn, priority=3)
    assert advance(conn, travel) >= 1
    first = enqueue(conn, priority=-5)
    second, last = enqueue(conn), enqueue(conn, priority=9)
    for _ in range(3):
        advance(conn, travel)
        assert violations(conn) == []
    order = [held.job_id for held in claim(conn)]
    assert (order[0], order[1], order[-1], len(order)) == (first, second, last, 4)
    conn.execute("vacuum pgq.ready")
    conn.execute("select pg_stat_force_next_flush()")
    advance(conn, travel)
    assert scalar(conn, MARKS) == 0


def test_what_becomes_ready_late_is_claimed(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """Each step runs in a transaction of its own that stays open while the marks advance."""
    due = enqueue(conn, "late", delay="1 s")
    cancelled = enqueue(conn, "late")
    outcomes(conn, "cancel", cancelled)
    for _ in range(2):
        enqueue(conn, "late")
    released, failed = claim(conn, tasks=["late"])
    held_back = enqueue(conn, "late", queue="held back")
    travel("2 s")

    def claim_and_roll_back(session: psycopg.Connection) -> None:
        assert claim_one(session, queues=["held back"]).job_id == held_back

    def replace(session: psycopg.Connection) -> None:
        enqueue(session, "late", unique_key="k", on_conflict="replace")

    enqueue(conn, "late", queue="keyed", delay="1 hour", unique_key="k")
    steps: list[Callable[[psycopg.Connection], object]] = [
        lambda session: enqueue(session, "late"),
        lambda session: enqueue(session, "late", priority=-3),
        lambda session: enqueue(session, "late", priority=3),
        lambda session: enqueue(session, "late", queue="another"),
        lambda session: rows(session, "enqueue_many", jobs='[{"task": "late"}]'),
        lambda session: settle(session, "release_batch", [released]),
        lambda session: settle(session, "fail_batch", [failed], retry_in=["0"]),
        lambda session: rows(session, "promote_due"),
        lambda session: outcomes(session, "retry", cancelled),
        replace,
        claim_and_roll_back,
    ]
    sessions = [connect(autocommit=False) for _ in steps]
    for session, step in zip(sessions, steps, strict=True):
        step(session)

    work_off(conn, PILE)
    for queue in ("default", "another"):
        # A mark is made at a job that waits, and moves on behind it when that is gone.
        enqueue(conn, "pile", queue=queue)
        advance(conn, travel)
        work_off(conn, 50, queue=queue)
        assert len(claim(conn, [queue], tasks=["pile"])) in (0, 1)
        advance(conn, travel)
        advance(conn, travel)
    assert scalar(conn, "select count(distinct queue) from pgq.ready_marks") >= 2

    for session in sessions[:-1]:
        session.commit()
    sessions[-1].rollback()
    assert violations(conn) == []
    claimed = claim(conn, tasks=["late"])
    assert {held_back, released.job_id, failed.job_id, due, cancelled} <= {
        held.job_id for held in claimed
    }
    assert len(claimed) == len(steps)
    value(conn, "prune", older_than="0")


def test_marks_of_another_server_do_not_count(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn)
    conn.execute(
        "insert into pgq.ready_marks (queue, priority, ready_xid, job_id, server_started_at)"
        " values ('default', 0, '9000000000', 0, '2000-01-01')"
    )
    assert [held.job_id for held in claim(conn)] == [job_id]


def test_a_mark_at_a_young_job_hides_no_older_one_that_commits_late(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """The open transaction began to enqueue before the one whose job is ready did."""
    older = connect(autocommit=False)
    late = enqueue(older)
    young = enqueue(conn)
    work_off(conn, PILE, queue="pile")
    assert advance(conn, travel) >= 1
    assert scalar(conn, "select count(*) from pgq.ready_marks where queue = 'default'") == 1
    older.commit()
    assert [held.job_id for held in claim(conn)] == [late, young]


@pytest.mark.parametrize("known_by", ["worker", "running"])
def test_a_queue_that_is_always_empty_gets_a_mark(
    conn: psycopg.Connection, connect: Connect, travel: Travel, known_by: str
) -> None:
    """Jobs that are claimed as they come leave dead rows all the same."""
    older = connect(autocommit=False)
    late = enqueue(older)
    if known_by == "worker":
        register(conn, queues=["default", "other*"])
    work_off(conn, PILE)
    if known_by == "running":
        enqueue(conn)
        claim_one(conn)
    assert advance(conn, travel) >= 1
    marks = conn.execute("select queue, priority from pgq.ready_marks").fetchall()
    assert marks == [("default", 0)]
    older.commit()
    early = enqueue(conn, priority=-1)
    young = enqueue(conn)
    for _ in range(2):
        advance(conn, travel)
        assert violations(conn) == []
    assert [held.job_id for held in claim(conn)] == [early, late, young]


OPEN = "select pg_current_xact_id()"
CLAIM = "select * from pgq.claim_batch(array['default'])"
FIRST = 60
"""The buffers of a claim behind a mark."""
EACH = 5
"""The buffers for each transaction that was in progress when the mark was made."""


def cost(conn: psycopg.Connection) -> int:
    """Return the buffers of a claim in a session that has read the catalog."""
    conn.execute(CLAIM)
    return buffers(conn, CLAIM)


def only_since_18(server: Server) -> None:
    if server.major < 18:
        pytest.skip("before Postgres 18 marks stop at the first transaction in progress")


def marked(conn: psycopg.Connection, travel: Travel, rounds: int = 2) -> None:
    """Make marks, and then those that pass the transactions that were open at the first."""
    for _ in range(rounds):
        advance(conn, travel)
        assert violations(conn) == []


@pytest.mark.slow
@pytest.mark.parametrize("writers", [1, 3])
def test_claims_walk_over_no_dead_rows_behind_open_writers(
    conn: psycopg.Connection, connect: Connect, travel: Travel, server: Server, writers: int
) -> None:
    """One of them enqueues, a thousand jobs: nobody walks over these either."""
    only_since_18(server)
    register(conn, queues=["default"])
    sessions = [connect(autocommit=False) for _ in range(writers)]
    for session in sessions:
        session.execute(OPEN)
    late = [enqueue(sessions[0], "late") for _ in range(1000)]
    work_off(conn, PILE)
    before = cost(conn)
    marked(conn, travel)
    most = FIRST + EACH * writers
    assert before > 2 * most
    assert cost(conn) <= most
    work_off(conn, PILE)
    marked(conn, travel, 1)
    assert cost(conn) <= most
    enqueue(conn)
    assert buffers(conn, CLAIM) <= most + 20

    for session in sessions:
        session.commit()
    assert [held.job_id for held in claim(conn, batch_size=700)] == late[:700]
    marked(conn, travel)
    assert cost(conn) <= most + 20
    assert [held.job_id for held in claim(conn, batch_size=700)] == late[702:]
    for _ in range(2):
        marked(conn, travel)
    assert cost(conn) <= most


def test_an_open_transaction_claims_what_it_has_enqueued_before_a_mark(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    register(conn, queues=["default"])
    writer = connect(autocommit=False)
    own = enqueue(writer)
    work_off(conn, PILE)
    marked(conn, travel)
    assert claim(conn) == []
    more = enqueue(writer)
    assert {held.job_id for held in claim(writer)} == {own, more}
    writer.rollback()
    assert claim(conn) == []


def test_a_mark_passes_twenty_transactions_and_stops_at_the_next(
    conn: psycopg.Connection, connect: Connect, travel: Travel, server: Server
) -> None:
    only_since_18(server)
    register(conn, queues=["default"])
    sessions = [connect(autocommit=False) for _ in range(25)]
    late = [enqueue(session, "late") for session in sessions]
    work_off(conn, PILE)
    marked(conn, travel)
    kept = "select cardinality(older_xids) from pgq.ready_marks where queue = 'default'"
    assert scalar(conn, kept) == 20
    for session in sessions[::2]:
        session.commit()
    marked(conn, travel, 1)
    assert {held.job_id for held in claim(conn)} == set(late[::2])
    marked(conn, travel)
    for session in sessions[1::2]:
        session.commit()
    young = enqueue(conn)
    assert [held.job_id for held in claim(conn)] == [*late[1::2], young]


def test_a_claim_that_is_rolled_back_brings_a_late_job_back(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """The job is of a transaction that was in progress, and is claimed while marks move on."""
    register(conn, queues=["default"])
    writer, taker = connect(autocommit=False), connect(autocommit=False)
    late = [enqueue(writer, priority=priority) for priority in (0, 0, 5)]
    work_off(conn, PILE)
    marked(conn, travel)
    writer.commit()
    assert [held.job_id for held in claim(taker)] == late
    marked(conn, travel)
    assert claim(conn) == []
    taker.rollback()
    assert [held.job_id for held in claim(conn)] == late


def test_transactions_that_begin_between_two_marks(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    """Each stays open for a few marks, in a queue where others are claimed all the time."""
    register(conn, queues=["default"])
    work_off(conn, PILE)
    opened: list[tuple[psycopg.Connection, int]] = []
    for turn in range(12):
        session = connect(autocommit=False)
        opened.append((session, enqueue(session, "late", priority=turn % 2)))
        work_off(conn, 20)
        marked(conn, travel, 1)
        if turn % 3 == 2:
            # The youngest first, then the oldest.
            done = [opened.pop(), opened.pop(0)]
            for other, _ in done:
                other.commit()
            assert {held.job_id for held in claim(conn)} == {job_id for _, job_id in done}
    for other, _ in opened:
        other.commit()
    assert {held.job_id for held in claim(conn)} == {job_id for _, job_id in opened}


@pytest.mark.parametrize("selector", ["default", "*"])
def test_a_fair_queue_serves_late_tenants(
    conn: psycopg.Connection, connect: Connect, travel: Travel, selector: str
) -> None:
    value(conn, "configure_queue", queue="default", fair=True)
    register(conn, queues=["default"])
    writer = connect(autocommit=False)
    late = [enqueue(writer, partition_key=key) for key in "aab"]
    work_off(conn, PILE)
    marked(conn, travel)
    young = enqueue(conn, partition_key="c")
    writer.commit()
    assert sorted(held.job_id for held in claim(conn, [selector])) == [*late, young]


SEEN = """
    select (select count(*) from pgq.ready where queue = 'default'),
      pgq._count_ready('default', 1000000)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_marks_hide_no_ready_job_from_any_session_at_any_time(
    conn: psycopg.Connection, connect: Connect, server: Server, seed: int
) -> None:
    """At random, sessions enqueue, claim, move marks, commit and roll back."""
    conn.execute(PILED)
    rng = random.Random(seed)
    sessions = [connect(autocommit=False) for _ in range(6)]
    register(conn, queues=["default"])

    def step(session: psycopg.Connection) -> None:
        act = rng.random()
        if act < 0.45:
            enqueue(session, priority=rng.choice((0, 0, 3)))
        elif act < 0.75:
            claim(session, ["default"], rng.randint(1, 4))
        elif act < 0.9:
            session.commit()
        else:
            session.rollback()

    for _ in range(200):
        session = rng.choice(sessions)
        if rng.random() < 0.1:
            conn.execute("select pgq._advance_marks()")
        elif rng.random() < 0.2:
            with connect(autocommit=True) as other:
                claim(other, ["default"], 3)
                enqueue(other)
        else:
            step(session)
        for looking in (conn, session):
            everything, seen = looking.execute(SEEN).fetchone() or (0, 1)
            assert everything == seen
    older = scalar(conn, "select count(*) from pgq.ready_marks where cardinality(older_xids) > 0")
    assert older or server.major < 18
    for session in sessions:
        session.commit()
    assert violations(conn) == []
