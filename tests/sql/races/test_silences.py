"""Workers that come back after a silence of everybody, while others look for dead ones."""

from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim_one, enqueue, register, rows, scalar, value
from tests.sql.races.conftest import Start


def busy_workers(conn: psycopg.Connection, count: int) -> list[int]:
    """Register workers with a run each."""
    made = []
    for _ in range(count):
        made.append(register(conn, lease="30 seconds"))
        enqueue(conn)
        claim_one(conn, worker_id=made[-1])
    return made


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("away", ["1 minute", "1 hour"])
def test_a_rescue_beside_the_first_heartbeat_gives_up_nobody_else(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    travel: Travel,
    away: str,
    commits: bool,
) -> None:
    """It neither waits for it, nor judges by what is not committed."""
    first, *late = busy_workers(conn, 3)
    travel(away)
    rows(other, "heartbeat", worker_id=first)
    if away == "1 minute":  # after an hour without anybody, all are dead
        rescuing = start(value, "rescue_lost_workers")
        assert not rescuing.waits()
        assert rescuing.result() == 0
    other.commit() if commits else other.rollback()
    if commits:
        assert value(conn, "rescue_lost_workers") == 0
        for worker_id in late:
            assert rows(conn, "heartbeat", worker_id=worker_id) == []


def test_two_that_come_back_at_once_wait_for_nobody_and_save_the_third(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    """Neither sees the other's word yet; each notes the silence by itself."""
    first, second, third = busy_workers(conn, 3)
    travel("1 hour")
    rows(other, "heartbeat", worker_id=first)
    beating = start(rows, "heartbeat", worker_id=second)
    assert not beating.waits()
    assert beating.result() == []
    assert value(conn, "rescue_lost_workers") == 0
    other.commit()
    assert value(conn, "rescue_lost_workers") == 0
    assert scalar(conn, "select count(*) from pgq.silences") == 2
    assert rows(conn, "heartbeat", worker_id=third) == []


def test_a_heartbeat_under_way_saves_its_worker(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel
) -> None:
    """A rescue passes over a worker whose word is not committed yet."""
    worker_id, survivor = register(conn, lease="30 seconds"), register(conn, lease="1 day")
    enqueue(conn)
    claim_one(conn, worker_id=worker_id)
    travel("1 minute")
    rows(other, "heartbeat", worker_id=worker_id)
    assert value(conn, "rescue_lost_workers") == 0
    other.rollback()
    assert value(conn, "rescue_lost_workers") == 1
    assert rows(conn, "heartbeat", worker_id=survivor) == []
