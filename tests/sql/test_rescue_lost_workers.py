from __future__ import annotations

import psycopg
import pytest

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


def test_silence_counts_from_the_start_of_the_server(
    conn: psycopg.Connection, travel: Travel
) -> None:
    if scalar(conn, "select clock_timestamp() - pg_postmaster_start_time() > interval '20 h'"):
        pytest.skip("this server has been up for longer than the lease")
    worker_id = register(conn, lease="20 hours")
    enqueue(conn)
    claim_one(conn, worker_id=worker_id)
    travel("2 days")
    assert rescue(conn) == 0


def test_a_worker_whose_session_is_gone_is_given_up_sooner(
    conn: psycopg.Connection, silence: Silence
) -> None:
    own = conn.info.backend_pid
    gone, there, unknown = (
        register(conn, lease="4 seconds", backend_pid=pid) for pid in (2**31 - 1, own, None)
    )
    for worker_id in (gone, there, unknown):
        enqueue(conn)
        claim_one(conn, worker_id=worker_id)
    assert rescue(conn) == 0
    silence("1100 milliseconds")
    assert rescue(conn) == 1
    assert [row[0] for row in conn.execute("select id from pgq.workers order by id")] == [
        there,
        unknown,
    ]


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


def test_it_is_bounded(conn: psycopg.Connection, silence: Silence) -> None:
    worker_id = register(conn, lease="1 second")
    for _ in range(5):
        enqueue(conn)
    claim(conn, worker_id=worker_id)
    silence("2 seconds")
    assert rescue(conn, batch_size=3) == 3
    assert scalar(conn, "select count(*) from pgq.workers") == 1
    assert rescue(conn, batch_size=3) == 2
    assert scalar(conn, "select count(*) from pgq.workers") == 0
    assert rescue(conn, batch_size=None) == 0


@pytest.mark.parametrize("size", [0, -1, 100_001])
def test_batch_sizes_that_are_refused(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", "batch_size"):
        rescue(conn, batch_size=size)
