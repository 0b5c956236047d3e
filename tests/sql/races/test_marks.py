"""Marks never hide a job: not one that is committed late, nor one that becomes ready again.

Marks come only when over 10,000 deleted rows pile up in the ready lane, so that many are made.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
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
