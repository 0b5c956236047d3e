"""A day that a caller gives has 24 hours, on both nights of a change of clocks, in every zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
)

DAY = timedelta(hours=24)
# The evening before, in the zone: one of 23 hours (Lord Howe: 23.5) and one of 25 (24.5).
NIGHTS = [
    ("Europe/Berlin", "2026-03-28 20:00"),
    ("Europe/Berlin", "2026-10-24 20:00"),
    ("America/Sao_Paulo", "2018-02-17 20:00"),
    ("America/Sao_Paulo", "2018-11-03 20:00"),
    ("Australia/Lord_Howe", "2026-04-04 20:00"),
    ("Australia/Lord_Howe", "2026-10-03 20:00"),
]


@pytest.fixture(params=NIGHTS, ids=lambda night: f"{night[0]} {night[1][:7]}")
def night(request: pytest.FixtureRequest, conn: psycopg.Connection, travel: Travel) -> datetime:
    """The time, in the evening before a change of clocks in the zone of `conn`."""
    zone, evening = request.param
    conn.execute("select set_config('timezone', %s, false)", (zone,))
    moment: datetime = scalar(conn, "select %s::timestamptz", evening).astimezone(UTC)
    length = scalar(conn, "select %s::timestamptz + '1 day' - %s::timestamptz", evening, evening)
    assert length != DAY  # so this is such a night
    travel(scalar(conn, "select %s::timestamptz - pgq._now()", evening))
    return moment


def passed(conn: psycopg.Connection, night: datetime, query: str, *parameters: Any) -> timedelta:
    """How long after the evening a moment is, rounded: the clock goes on while the test runs."""
    # In UTC: the difference of two moments of one zone is that of its clocks in Python.
    late = scalar(conn, query, *parameters).astimezone(UTC) - night
    return timedelta(hours=round(late / timedelta(hours=1), 2))


def test_a_day_of_an_enqueue(conn: psycopg.Connection, night: datetime) -> None:
    run_at, expires_at = (
        f"select {column} from pgq.jobs where id = %s" for column in ("run_at", "expires_at")
    )
    plain = enqueue(conn, delay="1 day", expires_in="2 days")
    assert passed(conn, night, run_at, plain) == DAY
    assert passed(conn, night, expires_at, plain) == 3 * DAY
    ((many, _),) = enqueue_many(conn, {"task": "work", "delay": "1 day", "expires_in": "1 day"})
    assert passed(conn, night, run_at, many) == DAY
    assert passed(conn, night, expires_at, many) == 2 * DAY
    again = value(conn, "enqueue_again", job_id=plain, delay="1 day")
    assert passed(conn, night, run_at, again) == DAY
    window = "select until_at from pgq.key_windows where unique_key = %s"
    enqueue(conn, unique_key="one", unique_for="1 day")
    assert passed(conn, night, window, "one") == DAY
    enqueue_many(conn, {"task": "work", "unique_key": "many", "unique_for": "1 day"})
    assert passed(conn, night, window, "many") == DAY


def test_a_month_is_one_of_utc(conn: psycopg.Connection, night: datetime) -> None:
    job_id = enqueue(conn, delay="1 month")
    late = passed(conn, night, "select run_at from pgq.jobs where id = %s", job_id)
    assert late in {days * DAY for days in (28, 30, 31)}


@pytest.mark.slow
def test_a_day_of_an_attempt(conn: psycopg.Connection, night: datetime, travel: Travel) -> None:
    run_at = "select run_at from pgq.jobs where id = %s"
    snoozed, retried, slow = enqueue(conn), enqueue(conn), enqueue(conn, timeout="1 day")
    settle(conn, "snooze_batch", [claim_one(conn)], delays=["1 day"])
    assert passed(conn, night, run_at, snoozed) == DAY
    settle(conn, "fail_batch", [claim_one(conn)], retry_in=["1 day"])
    assert passed(conn, night, run_at, retried) == DAY

    claim_one(conn, worker_id=register(conn, lease="1 day"))
    travel(DAY + timedelta(seconds=20))
    rows(conn, "maintain")
    assert state(conn, slow) == "running"  # half a minute is for its worker
    travel("20 seconds")
    rows(conn, "maintain")
    assert state(conn, slow) == "scheduled"


def test_a_day_of_a_schedule(conn: psycopg.Connection, night: datetime, travel: Travel) -> None:
    value(conn, "schedule", name="s", task="work", every="1 day", catch_up="all")
    next_run_at = "select next_run_at from pgq.schedules"
    assert passed(conn, night, next_run_at) == DAY
    travel(DAY + timedelta(minutes=1))
    rows(conn, "fire_due_schedules")
    assert passed(conn, night, next_run_at) == 2 * DAY
    travel(DAY - timedelta(minutes=1))
    assert value(conn, "prune_schedule_history", older_than="1 day") == 0
    travel("2 minutes")
    assert value(conn, "prune_schedule_history", older_than="1 day") == 1


@pytest.mark.slow
def test_a_day_of_an_operator(conn: psycopg.Connection, night: datetime, travel: Travel) -> None:
    value(conn, "pause_queue", queue="q", duration="1 day")
    assert passed(conn, night, "select paused_until from pgq.queues") == DAY
    job_id = enqueue(conn)
    value(conn, "await_jobs", ids=[job_id], timeout="1 day")
    assert passed(conn, night, "select until_at from pgq.awaited") == DAY
    value(conn, "configure_queue", queue="r", rate_limit=1, rate_interval="1 day")
    enqueue(conn, queue="r")
    claim_one(conn, queues=["r"])
    token = "select next_token_at from pgq.queue_limits where queue = 'r'"
    assert passed(conn, night, token) == DAY

    other = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn, queues=["default"]))
    fail(conn, claim_one(conn, queues=["default"]), final=[True])
    failures = "select failed_today from pgq.queue_stats where queue = 'default'"
    travel(DAY - timedelta(minutes=1))
    assert state(conn, other) == "failed" and scalar(conn, failures) == 1
    travel("2 minutes")
    assert scalar(conn, failures) == 0


def test_history_is_kept_by_days_of_utc(
    conn: psycopg.Connection, night: datetime, travel: Travel
) -> None:
    """At the hour at which the day of UTC before the change ends, and an hour before that."""
    conn.execute("select pgq._drop_history_partition(partition) from pgq._history_partitions()")
    conn.execute("select pgq._make_history_partitions(0, 100)")
    job_id = enqueue(conn)
    outcomes(conn, "cancel", job_id)
    midnight = "date_trunc('day', %s::timestamptz, 'UTC') + interval '48 hours' - pgq._now()"
    travel(scalar(conn, f"select {midnight} - interval '1 minute'", night))
    assert value(conn, "prune", older_than="1 day") == 0
    travel("2 minutes")
    assert value(conn, "prune", older_than="1 day") == 1
    assert state(conn, job_id) is None
