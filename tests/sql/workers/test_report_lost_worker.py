from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, complete, enqueue, job, register, rows, scalar, state, value


def report(conn: psycopg.Connection, worker_id: int | None, reason: str | None = None) -> int:
    lost: int = value(conn, "report_lost_worker", worker_id=worker_id, reason=reason)
    return lost


def test_its_claims_are_lost_runs_with_the_reason(conn: psycopg.Connection) -> None:
    worker_id, other = register(conn, name="vm-1"), register(conn)
    retried, last = enqueue(conn), enqueue(conn, max_attempts=1)
    held = claim(conn, worker_id=worker_id)
    kept = enqueue(conn, queue="other")
    claim(conn, worker_id=other, queues=["other"])
    assert report(conn, worker_id, "was ended by SIGKILL") == 2
    assert (state(conn, retried), state(conn, last)) == ("ready", "failed")
    assert state(conn, kept) == "running"
    (error,) = job(conn, last)["errors"]
    assert (error["type"], error["worker_id"]) == ("WorkerLost", worker_id)
    assert error["message"] == f"worker {worker_id} (vm-1) was ended by SIGKILL"
    assert complete(conn, *held) == ["lost", "lost"]
    assert scalar(conn, "select count(*) from pgq.workers") == 1


@pytest.mark.slow
def test_one_that_lives_hears_of_it(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    job_id = enqueue(conn)
    (held,) = claim(conn, worker_id=worker_id)
    assert report(conn, worker_id) == 1
    told = rows(conn, "heartbeat", worker_id=worker_id, ids=[job_id], claim_ids=[held.claim_id])
    assert {(order["instruction"], order["job_id"]) for order in told} == {
        ("lost", None),
        ("lost", job_id),
    }
    assert job(conn, job_id)["errors"][0]["message"].endswith(" died")


@pytest.mark.parametrize("reason", ["", "x" * 10_000, "50% %s %I of\nit"])
def test_any_reason_will_do(conn: psycopg.Connection, reason: str) -> None:
    job_id = enqueue(conn)
    worker_id = register(conn)
    claim(conn, worker_id=worker_id)
    assert report(conn, worker_id, reason) == 1
    assert (reason[:3000] or "died") in job(conn, job_id)["errors"][0]["message"]


def test_a_worker_that_is_gone_is_no_error(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    value(conn, "deregister_worker", worker_id=worker_id)
    assert [report(conn, each) for each in (worker_id, 77, None)] == [0, 0, 0]


def test_claims_of_a_worker_that_was_given_up_before(conn: psycopg.Connection) -> None:
    enqueue(conn)
    worker_id = register(conn)
    claim(conn, worker_id=worker_id)
    conn.execute("delete from pgq.workers")
    assert report(conn, worker_id, "was ended by SIGKILL") == 1


def test_the_first_lost_run_is_repeated_at_once_where_nobody_chose_a_backoff(
    conn: psycopg.Connection,
) -> None:
    plain, chosen = enqueue(conn), enqueue(conn, backoff="1 hour")
    configured = enqueue(conn, queue="slow")
    rows(conn, "configure_queue", queue="slow", backoff="1 hour")
    after = []
    for _ in range(2):
        worker_id = register(conn)
        claim(conn, worker_id=worker_id)
        report(conn, worker_id)
        after.append([state(conn, each) for each in (plain, chosen, configured)])
    assert after == [["ready", "scheduled", "scheduled"], ["scheduled"] * 3]


def test_no_worker_named_is_no_worker_lost(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn)
    claim(conn)
    travel("2 hours")
    assert report(conn, None) == 0
    assert state(conn, job_id) == "running"
