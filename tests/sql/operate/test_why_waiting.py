"""Why a job does not run now, in words: one test for each reason."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    register,
    rows,
    scalar,
    value,
)


def why(conn: psycopg.Connection, job_id: int) -> dict[str, str]:
    return {
        each["reason"]: each["explanation"] for each in rows(conn, "why_waiting", job_id=job_id)
    }


def until(conn: psycopg.Connection, job_id: int, reason: str) -> Any:
    found = rows(conn, "why_waiting", job_id=job_id)
    return {each["reason"]: each["until"] for each in found}[reason]


def test_who_runs_or_has_ended_waits_for_nothing(conn: psycopg.Connection) -> None:
    done, running = enqueue(conn), enqueue(conn)
    complete(conn, claim_one(conn))
    claim_one(conn)
    assert why(conn, done) == why(conn, running) == why(conn, 12345) == {}
    assert rows(conn, "why_waiting", job_id=None) == []


def test_its_time(conn: psycopg.Connection, travel: Travel) -> None:
    later = enqueue(conn, delay="1 hour")
    assert why(conn, later) == {"time": "its time has not come"}
    due = scalar(conn, "select run_at from pgq.scheduled")
    assert until(conn, later, "time") == due
    travel("2 hours")
    assert [*why(conn, later)] == ["promotion"]


def test_its_parents(conn: psycopg.Connection) -> None:
    parents = [enqueue(conn, max_attempts=1) for _ in range(5)]
    child = enqueue(conn, depends_on=parents)
    held = claim(conn, batch_size=2)
    a, b, c, *_ = parents
    assert why(conn, child) == {
        "parents": f"it waits for the end of {a} (running), {b} (running), {c} (ready) and 2 more"
    }
    complete(conn, *held, *claim(conn))
    assert [*why(conn, child)] == ["worker", "turn"]
    waiter = enqueue(conn, depends_on=[enqueue(conn, max_attempts=1)], on_parent_failure="wait")
    rows(conn, "promote_due")
    (failing,) = [each for each in claim(conn) if each.job_id == waiter - 1]
    fail(conn, failing)
    assert why(conn, waiter) == {"parents": f"it waits for the end of {waiter - 1} (failed)"}


def test_parents_that_ended_before_it_came(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    complete(conn, claim_one(conn))
    child = enqueue(conn, depends_on=[parent])
    assert [*why(conn, child)] == ["promotion"]


def test_its_semaphore(conn: psycopg.Connection) -> None:
    first, second, third = (
        enqueue(conn, concurrency_key="mail:7", concurrency_limit=1, concurrency_duration="1 h")
        for _ in range(3)
    )
    assert [*why(conn, first)] == ["promotion"]
    rows(conn, "promote_due")
    assert why(conn, second) == {
        "semaphore": "semaphore mail:7 has 0 of its 1 slots free, and it needs 1;"
        f" jobs with slots: {first}"
    }
    assert why(conn, third)["semaphore"].endswith("; 1 jobs wait before it")
    assert until(conn, second, "semaphore") == scalar(conn, "select expires_at from pgq.slots")
    value(conn, "configure_semaphore", concurrency_key="mail:7", max_slots=0)
    assert "has 0 of its 0 slots free" in why(conn, second)["semaphore"]


def test_a_pause(conn: psycopg.Connection) -> None:
    register(conn)
    job_id = enqueue(conn)
    value(conn, "pause_queue", queue="default")
    assert why(conn, job_id) == {
        "pause": "its queue is paused until somebody resumes it",
        "turn": "it is the next of its queue",
    }
    value(conn, "pause_queue", queue="default", duration="1 hour")
    assert why(conn, job_id)["pause"] == "its queue is paused for a while"
    assert until(conn, job_id, "pause") == scalar(conn, "select paused_until from pgq.queues")


@pytest.mark.slow
def test_limits_of_its_queue(conn: psycopg.Connection) -> None:
    worker = register(conn)
    value(conn, "configure_queue", queue="default", max_running=1)
    enqueue(conn)
    enqueue(conn)
    job_id = enqueue(conn)
    assert len(claim(conn, worker_id=worker)) == 1
    assert why(conn, job_id) == {
        "max_running": "1 jobs of its queue run, and only 1 may",
        "turn": "1 job of its queue is before it",
    }
    value(conn, "configure_queue", queue="slow", rate_limit=1, rate_interval="1 minute")
    enqueue(conn, queue="slow")
    job_id = enqueue(conn, queue="slow")
    assert len(claim(conn, worker_id=worker, queues=["slow"])) == 1
    assert [*why(conn, job_id)] == ["rate_limit", "turn"]
    ahead = until(conn, job_id, "rate_limit") - scalar(conn, "select now()")
    assert 50 < ahead.total_seconds() <= 60
    value(conn, "configure_queue", queue="slow", rate_limit=0)
    assert until(conn, job_id, "rate_limit") is None


def test_a_rate_for_each_key(conn: psycopg.Connection) -> None:
    worker = register(conn)
    options = {"rate_limit": 1, "rate_interval": "1 minute", "rate_per_key": True}
    value(conn, "configure_queue", queue="fair", **options)
    enqueue(conn, queue="fair", partition_key="a")
    one, other = (enqueue(conn, queue="fair", partition_key=key) for key in "ab")
    assert len(claim(conn, worker_id=worker, queues=["fair"], batch_size=1)) == 1
    assert [*why(conn, one)] == ["rate_limit", "turn"]
    assert why(conn, other) == {
        "turn": "1 job of its queue is before it, unless its key has its turn earlier"
    }


def test_nobody_takes_it(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "work")
    alone = {"turn": "it is the next of its queue"}
    assert why(conn, job_id) == {"worker": "no living worker serves its queue", **alone}
    register(conn, queues=["other"])
    assert why(conn, job_id) == {"worker": "no living worker serves its queue", **alone}
    register(conn, queues=["def*"], tasks=["sing"])
    assert why(conn, job_id) == {"task": "no worker of its queue knows its task", **alone}
    worker = register(conn, queues=["def*"], tasks=["work"])
    assert why(conn, job_id) == alone
    rows(conn, "order_worker", worker_id=worker, instruction="pause")
    assert why(conn, job_id) == {
        "worker": "the workers that could take it are told to pause or to stop",
        **alone,
    }
    rows(conn, "order_worker", worker_id=worker, instruction="resume")
    assert why(conn, job_id) == alone


@pytest.mark.slow
def test_its_turn(conn: psycopg.Connection) -> None:
    register(conn)
    enqueue_many(conn, *[{"task": "t"}] * 3)
    late = enqueue(conn, priority=5)
    early = enqueue(conn, priority=-5)
    assert why(conn, late) == {"turn": "4 jobs of its queue are before it"}
    assert why(conn, early) == {"turn": "it is the next of its queue"}
    conn.execute(
        "insert into pgq.ready (queue, priority, job_id, task, ready_at)"
        " select 'default', 0, n, 't', now() from generate_series(100, 10200) as n"
    )
    assert why(conn, late) == {"turn": "at least 10000 jobs of its queue are before it"}
    conn.execute("delete from pgq.ready where job_id >= 100")


def test_it_has_expired(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn, expires_in="1 minute")
    travel("1 hour")
    assert [*why(conn, job_id)] == ["time"]
