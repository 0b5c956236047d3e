from __future__ import annotations

import psycopg

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


def test_a_new_backend_pid_is_noted_and_null_keeps_it(conn: psycopg.Connection) -> None:
    worker_id = register(conn, backend_pid=11)
    rows(conn, "heartbeat", worker_id=worker_id, backend_pid=12)
    rows(conn, "heartbeat", worker_id=worker_id)
    assert scalar(conn, "select backend_pid from pgq.workers") == 12
