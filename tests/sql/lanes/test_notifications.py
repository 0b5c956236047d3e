from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, claim_one, enqueue, enqueue_many, register, rows, settle, value

Heard = Callable[[], list[str]]


@pytest.fixture
def heard(conn: psycopg.Connection, connect: Connect) -> Heard:
    """What was notified since the last call, in the order of the commits."""
    listener = connect()
    listener.execute("listen pgq_jobs")

    def collect() -> list[str]:
        conn.execute("notify pgq_jobs, 'end of the test'")
        payloads: list[str] = []
        for note in listener.notifies(timeout=10):
            if note.payload == "end of the test":
                return payloads
            payloads.append(note.payload)
        raise AssertionError("the end was not heard")

    return collect


@pytest.fixture
def idle(conn: psycopg.Connection) -> int:
    """A worker of the queues mail and b*, that waits for work."""
    worker_id = register(conn, queues=["mail", "b*"])
    claim(conn, ["mail", "b*"], worker_id=worker_id)
    return worker_id


def test_ready_work_wakes_idle_workers(conn: psycopg.Connection, heard: Heard, idle: int) -> None:
    enqueue(conn, queue="mail")
    enqueue(conn, queue="bulk")
    assert heard() == ["mail", "bulk"]


def test_only_queues_that_an_idle_worker_serves(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    enqueue(conn, queue="other")
    assert heard() == []


def test_no_idle_worker_no_notification(conn: psycopg.Connection, heard: Heard) -> None:
    register(conn)
    enqueue(conn, queue="mail")
    assert heard() == []


def test_a_busy_worker_is_not_woken(conn: psycopg.Connection, heard: Heard, idle: int) -> None:
    enqueue(conn, queue="mail")
    enqueue(conn, queue="mail")
    claim_one(conn, queues=["mail"], worker_id=idle)
    heard()
    enqueue(conn, queue="mail")
    assert heard() == []


def test_only_a_claim_that_finds_nothing_makes_idle(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    enqueue(conn, queue="mail")
    claim(conn, ["mail"], worker_id=idle)
    heard()
    enqueue(conn, queue="mail")
    assert heard() == []
    assert len(claim(conn, ["mail"], worker_id=idle)) == 1
    assert claim(conn, ["mail"], worker_id=idle) == []
    enqueue(conn, queue="mail")
    assert heard() == ["mail"]


def test_work_that_waits_for_its_time_wakes_nobody(
    conn: psycopg.Connection, heard: Heard, idle: int, travel: Travel
) -> None:
    enqueue(conn, queue="mail", delay="1 minute")
    assert heard() == []
    travel("2 minutes")
    rows(conn, "promote_due")
    assert heard() == ["mail"]


def test_one_notification_per_queue_and_statement(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    jobs = [{"task": "a", "queue": queue} for queue in ("mail", "bulk", "mail", "other") * 50]
    enqueue_many(conn, *jobs)
    assert sorted(heard()) == ["bulk", "mail"]


def test_a_released_job_wakes_another_worker(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    enqueue(conn, queue="mail")
    held = claim_one(conn, queues=["mail"])
    heard()
    settle(conn, "release_batch", [held])
    assert heard() == ["mail"]


def test_a_rolled_back_enqueue_wakes_nobody(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    with conn.transaction(force_rollback=True):
        enqueue(conn, queue="mail")
    assert heard() == []


def test_a_transaction_without_idle_workers_can_be_prepared(conn: psycopg.Connection) -> None:
    with conn.transaction():
        job_id = enqueue(conn)
        conn.execute("prepare transaction 'pgq test'")
    conn.execute("commit prepared 'pgq test'")
    assert [held.job_id for held in claim(conn)] == [job_id]


@pytest.mark.slow
def test_a_job_due_soon_wakes_idle_workers_to_look_at_the_clock(
    conn: psycopg.Connection, heard: Heard, idle: int
) -> None:
    enqueue(conn, queue="other", delay="9 seconds")
    assert heard() == [""]


@pytest.mark.slow
def test_a_job_due_later_than_the_next_one_is_found_by_itself(
    conn: psycopg.Connection, heard: Heard, idle: int, travel: Travel
) -> None:
    enqueue(conn, delay="2 seconds")
    enqueue_many(conn, {"task": "work", "delay": "1 s"}, {"task": "work", "delay": "5 s"})
    assert heard() == ["", ""]
    enqueue(conn, delay="2 seconds")
    enqueue(conn, delay="11 seconds")
    enqueue(conn, delay="1 hour")
    assert heard() == []
    travel("6 seconds")
    enqueue(conn, delay="3 seconds")
    assert heard() == [""]


def test_nobody_is_told_of_the_clock_without_need(conn: psycopg.Connection, heard: Heard) -> None:
    register(conn)
    enqueue(conn, delay="1 second")
    assert heard() == []
    claim(conn, ["a"], worker_id=register(conn))
    value(conn, "configure", notify=False)
    enqueue(conn, delay="0.5 seconds")
    assert heard() == []


def test_a_schedule_that_may_be_due_sooner_than_workers_know_wakes_them(
    conn: psycopg.Connection, heard: Heard, idle: int, travel: Travel
) -> None:
    every = {"name": "s", "task": "work"}
    rows(conn, "schedule", **every, every="1 hour")
    assert heard() == [""]
    rows(conn, "schedule", **every, every="1 hour", description="the same times")
    rows(conn, "schedule", **every, every="2 hours")
    assert heard() == []
    rows(conn, "schedule", **every, every="1 minute")
    assert heard() == [""]
    rows(conn, "pause_schedule", name="s")
    assert heard() == []
    rows(conn, "resume_schedule", name="s")
    assert heard() == [""]
    travel("5 minutes")
    rows(conn, "fire_due_schedules")
    assert "" not in heard()


def test_a_schedule_wakes_nobody_who_works(conn: psycopg.Connection, heard: Heard) -> None:
    register(conn)
    rows(conn, "schedule", name="s", task="work", every="1 minute")
    assert heard() == []
