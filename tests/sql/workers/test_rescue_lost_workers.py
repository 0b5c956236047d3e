from __future__ import annotations

import time
from datetime import UTC, datetime

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    job,
    refused,
    register,
    rows,
    scalar,
    state,
    value,
)
from tests.sql.conftest import Silence
from tests.sql.schedules.calls import set_clock


def rescue(conn: psycopg.Connection, **options: object) -> int:
    rescued: int = value(conn, "rescue_lost_workers", **options)
    return rescued


def test_a_silent_worker_is_given_up(conn: psycopg.Connection, silence: Silence) -> None:
    worker_id = register(conn, lease="1 second", name="vm-1")
    again, last = enqueue(conn, backoff="0"), enqueue(conn, max_attempts=1)
    held = claim(conn, worker_id=worker_id)
    assert rescue(conn) == 0
    silence("2 seconds")
    assert rescue(conn) == 2
    assert (state(conn, again), state(conn, last)) == ("ready", "failed")
    (error,) = job(conn, again)["errors"]
    assert error["type"] == "WorkerLost" and "vm-1" in error["message"]
    assert complete(conn, *held) == ["lost", "lost"]
    assert rows(conn, "heartbeat", worker_id=worker_id) == [{"instruction": "lost", "job_id": None}]


def test_a_heartbeat_keeps_it(conn: psycopg.Connection, silence: Silence) -> None:
    worker_id = register(conn, lease="1 second")
    enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    rows(conn, "heartbeat", worker_id=worker_id)
    assert rescue(conn) == 0
    assert complete(conn, held) == ["ok"]


def test_while_nobody_is_heard_of_nobody_is_dead_for_ten_leases(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """The network may be away, while a job of the server's own does the maintenance."""
    register(conn, lease="30 seconds")
    worker_id = register(conn, lease="30 seconds")
    enqueue(conn)
    claim_one(conn, worker_id=worker_id)
    travel("299 seconds")
    assert rescue(conn) == 0
    travel("2 seconds")
    assert rescue(conn) == 1


@pytest.mark.slow
@pytest.mark.parametrize("back", ["heartbeat", "register_worker"])
def test_after_a_silence_of_everybody_each_gets_a_lease(
    conn: psycopg.Connection, travel: Travel, back: str
) -> None:
    first, late, dead = (register(conn, lease="30 seconds") for _ in range(3))
    for worker_id in (first, late, dead):
        enqueue(conn)
        claim_one(conn, worker_id=worker_id)
    travel("1 minute")
    assert rescue(conn) == 0
    if back == "heartbeat":
        rows(conn, "heartbeat", worker_id=first)
    else:
        register(conn, lease="30 seconds")
    assert rescue(conn) == 0
    for _ in range(2):
        travel("14 seconds")
        rows(conn, "heartbeat", worker_id=first)
        assert rescue(conn) == 0
    rows(conn, "heartbeat", worker_id=late)
    travel("3 seconds")
    assert rescue(conn) == 1
    left = conn.execute("select worker_id from pgq.running order by 1").fetchall()
    assert left == [(first,), (late,)]


def test_a_short_gap_of_a_worker_with_a_long_lease_excuses_nobody(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """One that beats every six hours is heard of all the time."""
    slow, dead = register(conn, lease="1 day"), register(conn, lease="30 seconds")
    enqueue(conn)
    claim_one(conn, worker_id=dead)
    travel("6 hours")
    rows(conn, "heartbeat", worker_id=slow)
    assert rescue(conn) == 1


class Sessions:
    """Workers with a server session each, on a clock that stands still between travels."""

    def __init__(self, conn: psycopg.Connection, connect: Connect, travel: Travel) -> None:
        self.conn = conn
        self._connect = connect
        self._travel = travel
        set_clock(conn, datetime.now(UTC))

    def open(self) -> psycopg.Connection:
        return self._connect()

    def register(self, *, lease: str = "20 seconds") -> tuple[int, psycopg.Connection]:
        """Return a worker that has claimed a job, and its session."""
        session = self.open()
        worker_id = register(self.conn, lease=lease, backend_pid=session.info.backend_pid)
        self._travel("1 millisecond")
        enqueue(self.conn)
        claim_one(self.conn, worker_id=worker_id)
        self._travel("1 millisecond")
        return worker_id, session

    def end(self, session: psycopg.Connection) -> None:
        """Close a session, and wait until the server has noticed."""
        pid = session.info.backend_pid
        session.close()
        there = "select count(*) from pg_stat_activity where pid = %s"
        deadline = time.monotonic() + 20
        while scalar(self.conn, there, pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def left(self) -> list[int]:
        query = b"select worker_id from pgq.running order by worker_id"
        return [worker_id for (worker_id,) in self.conn.execute(query)]


@pytest.fixture
def sessions(conn: psycopg.Connection, connect: Connect, travel: Travel) -> Sessions:
    return Sessions(conn, connect, travel)


def test_a_worker_whose_session_has_ended_is_given_up_sooner(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel
) -> None:
    gone, session = sessions.register()
    there, _ = sessions.register()
    unknown = register(conn, lease="20 seconds")
    enqueue(conn)
    claim_one(conn, worker_id=unknown)
    travel("6 seconds")
    sessions.end(session)
    # It may have been about to send its next heartbeat.
    assert rescue(conn) == 0
    travel("1900 milliseconds")
    assert rescue(conn) == 0
    travel("200 milliseconds")
    assert rescue(conn) == 1
    assert sessions.left() == [there, unknown]
    assert gone not in sessions.left()


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["heartbeat", "claim"])
def test_who_is_heard_of_after_its_session_has_ended_lives(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel, sign: str
) -> None:
    """Its session proves nothing from then on, until it tells of another one that ends."""
    alive, session = sessions.register()
    other, _ = sessions.register()
    sessions.end(session)
    assert rescue(conn) == 0
    travel("1 second")
    if sign == "heartbeat":
        rows(conn, "heartbeat", worker_id=alive)
    else:
        enqueue(conn)
        claim_one(conn, worker_id=alive)
    travel("15 seconds")
    rows(conn, "heartbeat", worker_id=other)
    assert rescue(conn) == 0
    next_session = sessions.open()
    rows(conn, "heartbeat", worker_id=alive, backend_pid=next_session.info.backend_pid)
    sessions.end(next_session)
    assert rescue(conn) == 0
    travel("3 seconds")
    assert rescue(conn) == (1 if sign == "heartbeat" else 2)
    assert sessions.left() == [other]


@pytest.mark.parametrize(
    "other", ["backend_timeline = '00000002'", "backend_server_started_at = '2020-01-01 00:00Z'"]
)
def test_on_another_server_a_missing_session_proves_nothing(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel, other: str
) -> None:
    """After a failover, or where a restart has given the numbers to others."""
    worker_id, session = sessions.register()
    survivor, _ = sessions.register()
    sessions.end(session)
    conn.execute(f"update pgq.workers set {other} where id = {worker_id}".encode())
    for _ in range(2):
        travel("9500 milliseconds")
        rows(conn, "heartbeat", worker_id=survivor)
        assert rescue(conn) == 0
    travel("2 seconds")
    assert rescue(conn) == 1
    assert sessions.left() == [survivor]


def test_sessions_that_were_all_cut_at_once_prove_nothing(
    conn: psycopg.Connection, sessions: Sessions, connect: Connect, travel: Travel
) -> None:
    """Something between was restarted: who is back first must not give up the others."""
    first, one = sessions.register()
    late, two = sessions.register()
    dead, three = sessions.register()
    travel("7 seconds")
    for session in (one, two, three):
        sessions.end(session)
    assert rescue(conn) == 0
    rows(conn, "heartbeat", worker_id=first, backend_pid=connect().info.backend_pid)
    assert rescue(conn) == 0
    for _ in range(2):
        travel("6 seconds")
        rows(conn, "heartbeat", worker_id=first)
        assert rescue(conn) == 0
    rows(conn, "heartbeat", worker_id=late, backend_pid=connect().info.backend_pid)
    travel("2 seconds")
    assert rescue(conn) == 1
    assert sessions.left() == [first, late]
    assert dead not in sessions.left()


@pytest.mark.parametrize(("lease", "wait"), [("30 seconds", 7.5), ("12 seconds", 5.0)])
def test_a_worker_that_is_started_instead_of_a_lone_one_finds_its_jobs(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel, lease: str, wait: float
) -> None:
    _, session = sessions.register(lease=lease)
    sessions.end(session)
    travel("4 seconds")
    sessions.register(lease=lease)
    assert rescue(conn) == 0
    travel(f"{wait - 0.1} seconds")
    assert rescue(conn) == 0
    travel("200 milliseconds")
    assert rescue(conn) == 1


@pytest.mark.parametrize(("lease", "patience"), [("20 seconds", 10), ("9 seconds", 5)])
def test_after_a_silence_of_everybody_an_ended_session_proves_death_later(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel, lease: str, patience: int
) -> None:
    """A worker that is slow to come back has half a lease, and five seconds at least."""
    _, one = sessions.register(lease=lease)
    sessions.end(one)
    travel("1 minute")
    # Registers, so that its session shows that others were not cut off.
    there, _ = sessions.register(lease=lease)
    assert rescue(conn) == 0
    travel(f"{patience - 1} seconds")
    rows(conn, "heartbeat", worker_id=there)
    assert rescue(conn) == 0
    travel("1200 milliseconds")
    assert rescue(conn) == 1
    assert sessions.left() == [there]


@pytest.mark.slow
def test_ended_sessions_are_forgotten_with_their_workers(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel
) -> None:
    noted = "select count(*) from pgq.ended_sessions"
    back, one = sessions.register()
    dead, two = sessions.register()
    sessions.register()
    travel("1 second")
    rows(conn, "heartbeat", worker_id=dead)
    sessions.end(one)
    sessions.end(two)
    travel("1 second")
    assert rescue(conn) == 0
    assert rescue(conn) == 0
    assert scalar(conn, noted) == 2
    rows(conn, "heartbeat", worker_id=back, backend_pid=sessions.open().info.backend_pid)
    travel("3 seconds")
    assert rescue(conn) == 1
    assert dead not in sessions.left()
    assert scalar(conn, noted) == 0


def test_old_silences_are_forgotten(conn: psycopg.Connection, travel: Travel) -> None:
    worker_id = register(conn)
    for _ in range(2):
        travel("25 hours")
        rows(conn, "heartbeat", worker_id=worker_id)
    rescue(conn)
    assert scalar(conn, "select count(*) from pgq.silences") == 2
    travel("25 hours")
    rescue(conn)
    assert scalar(conn, "select count(*) from pgq.silences") == 1


def test_a_job_that_keeps_killing_workers_ends(conn: psycopg.Connection, silence: Silence) -> None:
    job_id = enqueue(conn, max_attempts=3, backoff="0")
    for _ in range(3):
        claim_one(conn, worker_id=register(conn, lease="1 second"))
        silence("2 seconds")
        assert rescue(conn) == 1
    assert state(conn, job_id) == "failed"
    assert len(job(conn, job_id)["errors"]) == 3


def test_a_cancel_that_the_dead_worker_did_not_hear(
    conn: psycopg.Connection, silence: Silence
) -> None:
    job_id = enqueue(conn)
    claim_one(conn, worker_id=register(conn, lease="1 second"))
    rows(conn, "cancel", ids=[job_id])
    silence("2 seconds")
    assert rescue(conn) == 1
    assert state(conn, job_id) == "cancelled"


def test_a_claim_without_a_worker_is_lost_after_an_hour(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, backoff="0")
    held = claim_one(conn)
    travel("59 minutes")
    assert rescue(conn) == 0
    travel("2 minutes")
    assert rescue(conn) == 1
    assert state(conn, held.job_id) == "ready"


@pytest.mark.slow
def test_it_is_bounded(conn: psycopg.Connection, silence: Silence) -> None:
    worker_id = register(conn, lease="1 second")
    for _ in range(5):
        enqueue(conn)
    claim(conn, worker_id=worker_id)
    silence("2 seconds")
    assert rescue(conn, batch_size=3) == 3
    assert scalar(conn, "select count(*) from pgq.workers where id = %s", worker_id) == 1
    assert rescue(conn, batch_size=3) == 2
    assert scalar(conn, "select count(*) from pgq.workers where id = %s", worker_id) == 0
    assert rescue(conn, batch_size=None) == 0


@pytest.mark.parametrize("size", [0, -1, 100_001])
def test_batch_sizes_that_are_refused(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", "batch_size"):
        rescue(conn, batch_size=size)


def test_a_claim_after_the_others_session_was_known_counts_as_a_sign_of_life(
    conn: psycopg.Connection, sessions: Sessions, travel: Travel
) -> None:
    """Two that have just started: what the dead one did then, the other was there for."""
    session = sessions.open()
    dead = register(conn, lease="20 seconds", backend_pid=session.info.backend_pid)
    enqueue(conn)
    travel("1 second")
    first, second = sessions.open(), sessions.open()
    survivor = register(conn, lease="20 seconds", backend_pid=first.info.backend_pid)
    # Nobody claims before the other one's session is known.
    travel("1 second")
    rows(conn, "heartbeat", worker_id=survivor, backend_pid=second.info.backend_pid)
    travel("1 second")
    claim_one(conn, worker_id=dead)
    sessions.end(session)
    assert rescue(conn) == 0
    travel("3 seconds")
    assert rescue(conn) == 1
    assert scalar(conn, "select count(*) from pgq.workers where id = %s", dead) == 0
