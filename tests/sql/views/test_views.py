from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.servers import Travel
from tests.sql.calls import (
    Row,
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.conftest import Silence


def view(conn: psycopg.Connection, name: str) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select * from pgq.{name}".encode()).fetchall()


@pytest.mark.slow
def test_all_jobs_has_one_row_per_job(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(2):
        enqueue(conn, max_attempts=1)
    done, failed = claim(conn)
    complete(conn, done)
    fail(conn, failed)
    enqueue(conn)
    claim_one(conn)
    outcomes(conn, "cancel", enqueue(conn))
    enqueue(conn, delay="1 hour")
    enqueue(conn, expires_in="1 s")
    travel("2 s")
    rows(conn, "maintain")
    enqueue(conn)
    assert sorted(row["state"] for row in view(conn, "all_jobs")) == [
        "cancelled",
        "expired",
        "failed",
        "ready",
        "running",
        "scheduled",
        "succeeded",
    ]


def test_failed_jobs_shows_the_last_error(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "email", queue="mail", max_attempts=2, backoff="0")
    fail(conn, claim_one(conn), messages=["first"], error_types=["A"])
    fail(conn, claim_one(conn), messages=["second"], error_types=["B"])
    (row,) = view(conn, "failed_jobs")
    assert row.pop("finished_at") is not None
    assert row == {
        "id": job_id,
        "queue": "mail",
        "task": "email",
        "attempt": 2,
        "error_type": "B",
        "error_message": "second",
    }


@pytest.mark.slow
def test_queue_stats(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        enqueue(conn, queue="mail", max_attempts=1)
    enqueue(conn, queue="mail", delay="1 hour")
    enqueue(conn, queue="mail", concurrency_key="k")
    enqueue(conn, queue="mail", priority=9, expires_in="30 seconds")
    fail(conn, claim_one(conn, queues=["mail"]))
    claim_one(conn, queues=["mail"])
    value(conn, "pause_queue", queue="quiet")
    travel("1 minute")
    rows(conn, "maintain")
    mail, quiet = view(conn, "queue_stats")
    assert mail.pop("lag") >= timedelta(minutes=1)
    assert mail == {
        "queue": "mail",
        "ready": 1,
        "scheduled": 1,
        "blocked": 1,
        "running": 1,
        "failed_today": 1,
        "expired_today": 1,
        "paused": False,
    }
    assert (quiet["queue"], quiet["paused"], quiet["ready"]) == ("quiet", True, 0)
    assert quiet["lag"] is None


@pytest.mark.slow
def test_queue_stats_forget_failures_and_ended_pauses(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    value(conn, "pause_queue", queue="default", duration="1 hour")
    assert view(conn, "queue_stats")[0]["paused"] is True
    travel("25 hours")
    (row,) = view(conn, "queue_stats")
    assert (row["paused"], row["failed_today"]) == (False, 0)


def test_worker_status(conn: psycopg.Connection, silence: Silence) -> None:
    busy = register(conn, name="busy", queues=["a", "b*"], concurrency=4, host="vm", pid=7)
    idle = register(conn, name="idle", lease="1 minute")
    ordered = register(conn, name="ordered", lease="1 minute")
    enqueue(conn, queue="a")
    claim(conn, ["a"], batch_size=1, worker_id=busy)
    claim(conn, worker_id=idle)
    value(conn, "order_worker", worker_id=ordered, instruction="pause")
    silence("35 seconds")
    first, second, third, _ = view(conn, "worker_status")
    assert (first["name"], first["status"], first["running"]) == ("busy", "silent", 1)
    assert (first["queues"], first["concurrency"], first["host"]) == ("a, b*", 4, "vm")
    assert first["silence"] >= timedelta(seconds=35) and first["uptime"] >= first["silence"]
    assert (second["status"], third["status"]) == ("idle", "pause")
    rows(conn, "heartbeat", worker_id=busy)
    assert view(conn, "worker_status")[0]["status"] == "busy"


def test_views_are_narrow_enough_for_a_terminal(conn: psycopg.Connection) -> None:
    widths = "select count(*) from pg_attribute where attrelid = %s::regclass and attnum > 0"
    assert scalar(conn, widths, "pgq.queue_stats") <= 9
    assert scalar(conn, widths, "pgq.failed_jobs") <= 8
    assert scalar(conn, widths, "pgq.worker_status") <= 12


def end(conn: psycopg.Connection, count: int, state: str, queue: str = "mail") -> None:
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args) select n, %s, %s, 'work', 0, 0, 1,"
        " pgq._now(), pgq._now(), pgq._now(), '{}'"
        " from (select coalesce(max(id), 0) from pgq.job_history) as last (id),"
        " generate_series(last.id + 1, last.id + %s) as n",
        (state, queue, count),
    )


@pytest.mark.slow
def test_failures_of_earlier_days_cost_queue_stats_nothing(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """Their partitions are not looked into."""
    rows(conn, "maintain")
    stats = "select * from pgq.queue_stats"
    buffers(conn, stats)
    none = buffers(conn, stats)
    end(conn, 5000, "failed")
    assert buffers(conn, stats) > none + 20
    travel("3 days")
    assert buffers(conn, stats) < none + 20


@pytest.mark.slow
def test_queue_stats_count_failures_up_to_a_limit(conn: psycopg.Connection) -> None:
    """However many failed or expired today, and however large they are, indexes say so."""
    rows(conn, "maintain")
    end(conn, 12_000, "failed")
    end(conn, 7, "failed", queue="other")
    end(conn, 3, "expired")
    conn.execute("vacuum pgq.job_history")
    found = {row["queue"]: row for row in view(conn, "queue_stats")}
    assert {name: row["failed_today"] for name, row in found.items()} == {
        "mail": 10_000,
        "other": 7,
    }
    assert found["mail"]["expired_today"] == 3
    once = buffers(conn, "select * from pgq.queue_stats")
    end(conn, 30_000, "failed")
    conn.execute("vacuum pgq.job_history")
    view(conn, "queue_stats")
    assert buffers(conn, "select * from pgq.queue_stats") < once + 100


@pytest.mark.slow
def test_queue_stats_know_the_oldest_job_of_any_priority(conn: psycopg.Connection) -> None:
    """What is starved by others is behind them all, and it is what has waited longest."""
    starved = enqueue(conn, queue="mail", priority=9)
    conn.execute("update pgq.ready set ready_at = ready_at - interval '1 hour'")
    conn.execute(
        "select count(*) from pgq.enqueue_many((select jsonb_agg(jsonb_build_object("
        "'task', 'a', 'queue', 'mail')) from generate_series(1, 12000)))"
    )
    (row,) = view(conn, "queue_stats")
    assert row["ready"] == 10_000
    assert row["lag"] > timedelta(hours=1)
    assert value(conn, "queue_latency", queue="mail") > timedelta(hours=1)
    outcomes(conn, "cancel", starved)
    assert value(conn, "queue_latency", queue="mail") < timedelta(minutes=10)
