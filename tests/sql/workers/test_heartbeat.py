from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    Claim,
    claim,
    complete,
    enqueue,
    outcomes,
    register,
    rows,
    scalar,
    value,
)

Orders = list[tuple[str, int | None]]


def beat(conn: psycopg.Connection, worker_id: int | None, *held: Claim) -> Orders:
    answers = rows(
        conn,
        "heartbeat",
        worker_id=worker_id,
        ids=[one.job_id for one in held],
        claim_ids=[one.claim_id for one in held],
    )
    return [(answer["instruction"], answer["job_id"]) for answer in answers]


def test_all_is_well(conn: psycopg.Connection, travel: Travel) -> None:
    worker_id = register(conn)
    enqueue(conn)
    held = claim(conn, worker_id=worker_id)
    before = scalar(conn, "select heartbeat_at from pgq.workers")
    travel("5 seconds")
    assert beat(conn, worker_id, *held) == []
    assert (scalar(conn, "select heartbeat_at from pgq.workers") - before).total_seconds() >= 5


def test_without_claims(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    assert rows(conn, "heartbeat", worker_id=worker_id) == []
    assert rows(conn, "heartbeat", worker_id=worker_id, ids=None, claim_ids=None) == []


def test_an_unknown_worker_is_lost(conn: psycopg.Connection) -> None:
    assert beat(conn, 77) == [("lost", None)]
    assert beat(conn, None) == [("lost", None)]


def test_a_settled_or_stale_claim_is_lost(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    enqueue(conn)
    enqueue(conn)
    first, second = claim(conn, worker_id=worker_id)
    complete(conn, first)
    assert beat(conn, worker_id, first, second) == [("lost", first.job_id)]
    stale = second._replace(claim_id=second.claim_id ^ 1)
    assert beat(conn, worker_id, stale) == [("lost", second.job_id)]


def test_a_cancel_reaches_the_worker_until_it_is_obeyed(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    enqueue(conn)
    (held,) = claim(conn, worker_id=worker_id)
    outcomes(conn, "cancel", held.job_id)
    outcomes(conn, "cancel", held.job_id)
    for _ in range(2):
        assert beat(conn, worker_id, held) == [("cancel", held.job_id)]


def test_orders_of_operators(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    for instruction in ("pause", "stop"):
        value(conn, "order_worker", worker_id=worker_id, instruction=instruction)
        assert beat(conn, worker_id) == [(instruction, None)]
    value(conn, "order_worker", worker_id=worker_id, instruction="resume")
    assert beat(conn, worker_id) == []


def test_a_new_backend_pid_is_noted_and_null_keeps_it(
    conn: psycopg.Connection, connect: Connect
) -> None:
    one, two = (connect().info.backend_pid for _ in range(2))
    worker_id = register(conn, backend_pid=one)
    assert scalar(conn, "select backend_pid from pgq.workers") == one
    rows(conn, "heartbeat", worker_id=worker_id, backend_pid=two)
    rows(conn, "heartbeat", worker_id=worker_id)
    assert scalar(conn, "select backend_pid from pgq.workers") == two


def test_a_session_is_kept_with_the_server_that_it_is_on(conn: psycopg.Connection) -> None:
    register(conn, backend_pid=conn.info.backend_pid)
    assert scalar(
        conn,
        "select backend_server_started_at = pg_postmaster_start_time()"
        " and backend_timeline = '00000001' and backend_since = started_at from pgq.workers",
    )


@pytest.mark.parametrize("pid", [2**31 - 1, 1 << 40])
def test_a_session_that_is_not_there_is_not_kept(conn: psycopg.Connection, pid: int) -> None:
    """Such as one that a worker had on the server before a failover."""
    worker_id = register(conn, backend_pid=conn.info.backend_pid)
    rows(conn, "heartbeat", worker_id=worker_id, backend_pid=pid)
    assert (
        scalar(
            conn,
            "select num_nonnulls(backend_pid, backend_timeline, backend_server_started_at,"
            " backend_since) from pgq.workers",
        )
        == 0
    )


def test_the_same_session_is_written_once(conn: psycopg.Connection) -> None:
    pid = conn.info.backend_pid
    worker_id = register(conn, backend_pid=pid)
    since = scalar(conn, "select backend_since from pgq.workers")
    rows(conn, "heartbeat", worker_id=worker_id, backend_pid=pid)
    assert scalar(conn, "select backend_since from pgq.workers") == since
    # It is as after a restart of the server, which gave the number to another session.
    conn.execute("update pgq.workers set backend_server_started_at = '2020-01-01 00:00+00'")
    rows(conn, "heartbeat", worker_id=worker_id, backend_pid=pid)
    assert scalar(conn, "select backend_since > %s from pgq.workers", since)


def test_a_silence_of_everybody_is_noted_by_who_breaks_it(
    conn: psycopg.Connection, travel: Travel
) -> None:
    one, two = (register(conn, lease="30 seconds") for _ in range(2))
    travel("5 seconds")
    rows(conn, "heartbeat", worker_id=one)
    assert scalar(conn, "select count(*) from pgq.silences") == 0
    travel("16 seconds")
    rows(conn, "heartbeat", worker_id=two)
    rows(conn, "heartbeat", worker_id=one)
    (silence,) = conn.execute("select ended_at - began_at from pgq.silences").fetchall()
    assert 15.9 < silence[0].total_seconds() < 60
    travel("1 hour")
    register(conn)
    assert scalar(conn, "select count(*) from pgq.silences") == 2


@pytest.mark.slow
def test_who_was_heard_of_lately_looks_at_no_other_worker(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """Its own last heartbeat proves that there was no silence of everybody."""
    worker_id = register(conn, lease="30 seconds")
    for _ in range(20):
        register(conn, lease="30 seconds")
    scans = "select seq_scan + idx_scan from pg_stat_xact_user_tables where relname = 'workers'"
    for wait, most in (("14 seconds", 2), ("16 seconds", 4)):
        travel(wait)
        with conn.transaction():
            before = scalar(conn, scans)
            assert beat(conn, worker_id) == []
            assert scalar(conn, scans) - before == most
    assert scalar(conn, "select count(*) from pgq.silences") == 1
