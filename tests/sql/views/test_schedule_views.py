"""The views schedule_status and schedule_history."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Connect
from tests.sql.calls import Row, claim_one, complete, rows, scalar, value
from tests.sql.schedules.calls import HOUR, MINUTE, NOON, SECOND, fire, schedule, set_clock


def view(conn: psycopg.Connection, name: str, order: str = "1, 2") -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"select * from pgq.{name} order by {order}".encode()).fetchall()


def test_schedule_status_of_a_new_one(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, "b", "report", cron="0 3 * * *", timezone="Asia/Kolkata", queue="reports")
    declared = '[{"name": "a", "task": "work", "every": 90, "description": "says what"}]'
    rows(conn, "sync_schedules", source="shop", schedules=declared)
    first, second = view(conn, "schedule_status", "name")
    assert first == {
        "name": "a",
        "timing": "every 00:01:30",
        "timezone": None,
        "task": "work",
        "queue": "default",
        "paused": False,
        "next_run_at": NOON + 90 * SECOND,
        "last_run_at": None,
        "last_outcome": None,
        "last_job_id": None,
        "late": None,
        "catch_up": "last",
        "overlap": "allow",
        "source": "shop",
        "problem": None,
        "description": "says what",
        "every": 90 * SECOND,
        "job": {"task": "work", "args": {}},
    }
    assert (second["timing"], second["timezone"]) == ("0 3 * * *", "Asia/Kolkata")
    assert (second["queue"], second["source"]) == ("reports", None)


def test_schedule_status_tells_of_the_last_time(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR + MINUTE)
    assert view(conn, "schedule_status")[0]["late"] == MINUTE
    fire(conn)
    (row,) = view(conn, "schedule_status")
    assert (row["last_run_at"], row["last_outcome"]) == (NOON + HOUR, "enqueued")
    assert (row["last_job_id"], row["late"]) == (1, None)

    conn.execute("delete from pgq.schedule_runs")
    (row,) = view(conn, "schedule_status")
    assert (row["last_run_at"], row["last_outcome"]) == (NOON + HOUR, None)

    value(conn, "run_schedule_now", name="s")
    value(conn, "pause_schedule", name="s")
    set_clock(conn, NOON + 5 * HOUR)
    (row,) = view(conn, "schedule_status")
    assert (row["last_run_at"], row["last_outcome"]) == (NOON + HOUR + MINUTE, "manual")
    assert (row["paused"], row["late"]) == (True, None)


def test_schedule_history(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", overlap="skip")
    set_clock(conn, NOON + 3 * HOUR + SECOND)
    fire(conn)
    set_clock(conn, NOON + 4 * HOUR)
    fire(conn)
    complete(conn, claim_one(conn))
    value(conn, "run_schedule_now", name="s")
    value(conn, "unschedule", name="s")
    seen = [
        (row["run_at"], row["outcome"], row["job_id"], row["job_state"], row["delay"])
        for row in view(conn, "schedule_history")
    ]
    last = scalar(conn, "select max(id) from pgq.jobs")
    assert seen == [
        (NOON + HOUR, "missed", None, None, None),
        (NOON + 3 * HOUR, "enqueued", 1, "succeeded", SECOND),
        (NOON + 4 * HOUR, "skipped", 1, "succeeded", HOUR - HOUR),
        (NOON + 4 * HOUR + SECOND / 1000000, "manual", last, "ready", None),
    ]
    assert view(conn, "schedule_history")[0]["missed_until"] == NOON + 2 * HOUR


@pytest.mark.slow
def test_a_forgotten_job_has_no_state(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    job_id = value(conn, "run_schedule_now", name="s")
    rows(conn, "discard", ids=[job_id])
    (row,) = view(conn, "schedule_history")
    assert (row["job_id"], row["job_state"]) == (job_id, None)


@pytest.mark.slow
def test_states_are_looked_up_for_what_is_shown_alone(
    conn: psycopg.Connection, connect: Connect
) -> None:
    conn.execute(
        "insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, job_id)"
        " select 's', pgq._now() - number * interval '1 s', pgq._now(), 'enqueued', number"
        " from generate_series(1, 500) as number"
    )
    plan = conn.execute(
        "explain (analyze, timing off, summary off) select schedule, run_at, job_state"
        " from pgq.schedule_history where schedule = 's' order by run_at desc limit 3"
    ).fetchall()
    lookups = [line for (line,) in plan if "jobs_pkey" in line]
    assert lookups and all("loops=3" in line or "never executed" in line for line in lookups), plan
    unasked = conn.execute("explain select outcome from pgq.schedule_history").fetchall()
    assert not any("jobs_pkey" in line for (line,) in unasked)
