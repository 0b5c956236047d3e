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


def test_its_claims_are_lost_runs(conn: psycopg.Connection) -> None:
    worker_id, other = register(conn), register(conn)
    retried, last = enqueue(conn, backoff="0"), enqueue(conn, max_attempts=1)
    held = claim(conn, worker_id=worker_id)
    kept = enqueue(conn, queue="other")
    claim(conn, worker_id=other, queues=["other"])
    assert value(conn, "deregister_worker", worker_id=worker_id) == 2
    assert (state(conn, retried), state(conn, last)) == ("ready", "failed")
    assert state(conn, kept) == "running"
    (error,) = job(conn, last)["errors"]
    assert (error["type"], error["worker_id"]) == ("WorkerLost", worker_id)
    assert complete(conn, *held) == ["lost", "lost"]
    assert scalar(conn, "select count(*) from pgq.workers") == 1


@pytest.mark.slow
def test_its_orders_go_too(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    value(conn, "order_worker", worker_id=worker_id, instruction="stop")
    assert value(conn, "deregister_worker", worker_id=worker_id) == 0
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.worker_orders") == 0


def test_it_may_not_claim_any_more(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    value(conn, "deregister_worker", worker_id=worker_id)
    with refused("JQ004"):
        claim(conn, worker_id=worker_id)


def test_an_unknown_worker_is_no_error(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    claim_one(conn)  # of no worker
    travel("2 hours")
    assert value(conn, "deregister_worker", worker_id=77) == 0
    assert value(conn, "deregister_worker", worker_id=None) == 0


@pytest.mark.slow
def test_more_claims_than_one_step(conn: psycopg.Connection) -> None:
    jobs = 'select jsonb_agg(\'{"task": "a"}\'::jsonb) from generate_series(1, 2500)'
    conn.execute(f"select count(*) from pgq.enqueue_many(({jobs}))".encode())
    worker_id = register(conn)
    claim(conn, worker_id=worker_id, batch_size=2500)
    assert value(conn, "deregister_worker", worker_id=worker_id) == 2500
    assert scalar(conn, "select count(*) from pgq.ready") == 2500


@pytest.mark.slow
def test_what_has_not_begun_is_handed_back(conn: psycopg.Connection) -> None:
    """A worker that leaves before the answer to a claim came knows nothing of its jobs."""
    worker_id = register(conn)
    begun = enqueue(conn, max_attempts=1)
    (known,) = claim(conn, worker_id=worker_id)
    unknown = enqueue(conn, max_attempts=1)
    claim(conn, worker_id=worker_id)
    gone = value(conn, "deregister_worker", worker_id=worker_id, begun_claim_ids=[known.claim_id])
    assert gone == 1
    assert (state(conn, begun), state(conn, unknown)) == ("failed", "ready")
