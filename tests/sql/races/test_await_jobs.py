"""Waiting for jobs while others settle them: nobody waits for a lock, and no end is missed."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import claim, claim_one, complete, enqueue, rows, scalar, value
from tests.sql.races.conftest import DEADLINE, Start


def await_jobs(conn: psycopg.Connection, *ids: int) -> int:
    awaited: int = value(conn, "await_jobs", ids=list(ids))
    return awaited


def ended(conn: psycopg.Connection, *ids: int) -> list[int]:
    found = rows(conn, "results", ids=list(ids))
    return [row["job_id"] for row in found if row["finished_at"]]


@pytest.mark.parametrize("commits", [True, False])
def test_a_settle_does_not_wait_for_who_registers(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    job_id = enqueue(conn)
    held = claim_one(conn)
    await_jobs(other, job_id)
    settling = start(complete, held)
    assert not settling.waits()
    other.commit() if commits else other.rollback()
    # Not told, but the look that follows the call shows it.
    assert ended(conn, job_id) == [job_id]
    assert scalar(conn, "select count(*) from pgq.awaited") == commits


def test_who_registers_does_not_wait_for_a_settle(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    complete(other, claim_one(conn))
    registering = start(await_jobs, job_id)
    assert not registering.waits() and registering.result() == 1
    other.commit()
    assert ended(conn, job_id) == [job_id]


def test_a_settle_does_not_wait_for_who_forgets(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    job_id = enqueue(conn)
    await_jobs(conn, job_id)
    other.execute("delete from pgq.awaited")
    settling = start(complete, claim_one(conn))
    assert not settling.waits() and settling.result() == ["ok"]
    other.commit()


def test_a_settle_that_rolls_back_tells_nobody(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect
) -> None:
    job_id = enqueue(conn)
    await_jobs(conn, job_id)
    listener = connect()
    listener.execute("listen pgq_ended")
    held = claim_one(conn)
    complete(other, held)
    other.rollback()
    complete(conn, held)
    told = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    assert told == [str(job_id)]
    assert list(listener.notifies(timeout=0)) == []


def test_who_listens_registers_looks_and_polls_misses_no_end(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    ids = [enqueue(conn) for _ in range(60)]
    go = threading.Event()

    def wait(session: psycopg.Connection, mine: list[int]) -> set[int]:
        session.execute("listen pgq_ended")
        go.wait(DEADLINE)
        await_jobs(session, *mine)
        deadline = time.monotonic() + DEADLINE
        left = set(mine) - set(ended(session, *mine))
        while left and time.monotonic() < deadline:
            for _ in session.notifies(timeout=0.1, stop_after=1):
                pass
            left -= set(ended(session, *left))
        return left

    def work(session: psycopg.Connection) -> None:
        go.wait(DEADLINE)
        while held := claim(session, batch_size=3):
            complete(session, *held)

    calls = [start(wait, ids[offset::3]) for offset in range(3)]
    workers = [start(work) for _ in range(2)]
    go.set()
    for call in workers:
        call.result()
    for call in calls:
        assert call.result() == set()
