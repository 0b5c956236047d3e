"""A short run of the chaos: keyed jobs while sessions are killed and limits change."""

from __future__ import annotations

import psycopg

from tests.proof.chaos_ledger import LEDGER, Replay, Semaphore, replay
from tests.proof.chaos_semaphores import Chaos
from tests.sql.calls import Claim, claim, complete, outcomes, register, rows
from tests.sql.limits.semaphores import keyed, promote


def test_no_key_is_held_too_often_and_no_waiter_is_forgotten(dsn: str) -> None:
    report = Chaos(dsn, seconds=5, claimers=6, keys=20, seed=1).run()
    assert report.passed, report
    assert report.kills and report.limit_changes
    assert all(report.settles.values())


def run_next(conn: psycopg.Connection) -> Claim:
    promote(conn)
    (held,) = claim(conn)
    return held


def found(conn: psycopg.Connection) -> Replay:
    conn.execute("insert into limits values ('k', null, '2000-01-01')")
    return replay(conn, [Semaphore("k", 1, (1,))])


def test_the_ledger_knows_when_a_lost_run_ended_whatever_became_of_its_job(
    conn: psycopg.Connection,
) -> None:
    conn.execute(LEDGER.encode())
    worker_id = register(conn)
    lost = keyed(conn)
    promote(conn)
    assert [held.job_id for held in claim(conn, worker_id=worker_id)] == [lost]
    other = keyed(conn, priority=-1)
    rows(conn, "report_lost_worker", worker_id=worker_id)
    for expected in (other, lost):
        held = run_next(conn)
        assert held.job_id == expected
        complete(conn, held)
    outcomes(conn, "discard", lost)
    replayed = found(conn)
    assert (replayed.starts, replayed.over) == (3, 0)


def test_the_ledger_tells_of_a_start_above_the_limit(conn: psycopg.Connection) -> None:
    conn.execute(LEDGER.encode())
    first, second = keyed(conn), keyed(conn)
    held = run_next(conn)
    assert held.job_id == first
    conn.execute("delete from pgq.slots")
    conn.execute("insert into pgq.releases (concurrency_key) values ('k')")
    assert run_next(conn).job_id == second
    assert found(conn).over == 1
    complete(conn, held)
