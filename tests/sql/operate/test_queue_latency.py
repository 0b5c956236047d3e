"""How long jobs have waited, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest

from tests.sql.calls import claim_one, enqueue, scalar, value
from tests.sql.schedules.calls import NOON, set_clock

Pass = Callable[[int], None]


@pytest.fixture
def minutes(conn: psycopg.Connection) -> Pass:
    """`minutes(5)` moves the clock on."""
    now: list[datetime] = [NOON]
    set_clock(conn, NOON)

    def go_on(count: int) -> None:
        now[0] += timedelta(minutes=count)
        set_clock(conn, now[0])

    return go_on


def latency(conn: psycopg.Connection, queue: str | None = "default") -> float | None:
    """Return it in minutes."""
    answer = value(conn, "queue_latency", queue=queue)
    return None if answer is None else answer.total_seconds() / 60


@pytest.mark.slow
def test_none_waits(conn: psycopg.Connection) -> None:
    enqueue(conn, delay="1 hour")
    assert latency(conn) is None
    assert latency(conn, None) is None


def test_the_oldest_ready_job_counts_whatever_its_priority(
    conn: psycopg.Connection, minutes: Pass
) -> None:
    enqueue(conn, priority=9)
    minutes(5)
    enqueue(conn, priority=1)
    enqueue(conn, queue="other")
    minutes(1)
    assert (latency(conn), latency(conn, "other")) == (6, 1)
    claim_one(conn, queues=["default"])
    assert latency(conn) == 6
    claim_one(conn, queues=["default"])
    assert latency(conn) is None


def test_a_pause_does_not_count_while_it_lasts_and_later(
    conn: psycopg.Connection, minutes: Pass
) -> None:
    enqueue(conn)
    minutes(2)
    value(conn, "pause_queue", queue="default")
    minutes(10)
    assert latency(conn) == 2
    value(conn, "resume_queue", queue="default")
    minutes(3)
    assert latency(conn) == 5
    value(conn, "pause_queue", queue="other")
    minutes(1)
    assert latency(conn) == 6


@pytest.mark.slow
def test_only_what_was_paused_since_the_job_was_ready(
    conn: psycopg.Connection, minutes: Pass
) -> None:
    value(conn, "pause_queue", queue="default")
    minutes(10)
    enqueue(conn)
    minutes(4)
    assert latency(conn) == 0
    value(conn, "resume_queue", queue="default")
    minutes(1)
    enqueue(conn)
    assert latency(conn) == 1


def test_a_pause_that_ends_by_itself(conn: psycopg.Connection, minutes: Pass) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    minutes(25)
    assert latency(conn) == 15
    # The next pause begins now, not when the last one did.
    value(conn, "pause_queue", queue="default")
    minutes(5)
    assert latency(conn) == 15
    value(conn, "resume_queue", queue="default")
    assert latency(conn) == 15
    kept = scalar(conn, "select pauses::text from pgq.queues")
    assert kept.count("[") == 2


def test_a_longer_pause_is_still_one(conn: psycopg.Connection, minutes: Pass) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default", duration="10 minutes")
    minutes(5)
    value(conn, "pause_queue", queue="default")
    minutes(20)
    assert latency(conn) == 0
    value(conn, "resume_queue", queue="default")
    value(conn, "resume_queue", queue="default")
    minutes(1)
    assert latency(conn) == 1


@pytest.mark.slow
def test_a_hundred_pauses_are_remembered(conn: psycopg.Connection, minutes: Pass) -> None:
    enqueue(conn)
    for _ in range(103):
        value(conn, "pause_queue", queue="default")
        minutes(1)
        value(conn, "resume_queue", queue="default")
        minutes(1)
    assert latency(conn) == 103 + 3


def test_a_clock_that_was_set_back(conn: psycopg.Connection, minutes: Pass) -> None:
    enqueue(conn)
    value(conn, "pause_queue", queue="default")
    minutes(-5)
    assert latency(conn) == 0
    value(conn, "resume_queue", queue="default")
    assert latency(conn) == 0
