from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, job, refused, value
from tests.sql.schedules.calls import HOUR, NOON, fire, jobs, next_run, runs, schedule, set_clock


def test_a_job_is_enqueued_besides_the_ticks(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", args="[1]", queue="q", headers='{"a": 1}')
    job_id = value(conn, "run_schedule_now", name="s")
    made = job(conn, job_id)
    assert (made["state"], made["args"], made["queue"]) == ("ready", [1], "q")
    assert made["headers"] == {
        "a": 1,
        "schedule": {"name": "s", "run_at": "2030-01-01T12:00:00+00:00"},
    }
    assert next_run(conn) == NOON + HOUR
    assert runs(conn) == [(NOON, "manual")]


def test_a_paused_one_runs_too(conn: psycopg.Connection) -> None:
    schedule(conn, every="1 hour")
    value(conn, "pause_schedule", name="s")
    assert value(conn, "run_schedule_now", name="s") == 1


def test_each_call_has_a_row_and_ticks_keep_theirs(conn: psycopg.Connection) -> None:
    """All at one moment, which is that of a tick too."""
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    made = {value(conn, "run_schedule_now", name="s") for _ in range(3)}
    assert fire(conn)[0] == 1
    made.add(value(conn, "run_schedule_now", name="s"))
    assert len(made) == 4 and jobs(conn) == 5
    assert [outcome for _, outcome in runs(conn)] == ["enqueued"] + ["manual"] * 4
    states = {job(conn, job_id)["state"] for job_id in made}
    assert states == {"ready"}


@pytest.mark.slow
def test_overlap_skip_answers_with_the_live_job(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", overlap="skip")
    first = value(conn, "run_schedule_now", name="s")
    assert value(conn, "run_schedule_now", name="s") == first
    set_clock(conn, NOON + HOUR)
    assert fire(conn)[0] == 0
    complete(conn, claim_one(conn))
    assert value(conn, "run_schedule_now", name="s") != first
    outcomes = [outcome for _, outcome in runs(conn)]
    assert outcomes == ["manual", "skipped", "skipped", "manual"]


def test_a_job_that_cannot_be_enqueued_is_an_error(conn: psycopg.Connection) -> None:
    schedule(conn, every="1 hour")
    conn.execute("update pgq.schedules set job = job - 'task'")
    with refused("JQ001", "task"):
        value(conn, "run_schedule_now", name="s")
    assert runs(conn) == []


@pytest.mark.parametrize("name", ["nobody", "", None])
def test_an_unknown_name_is_refused(conn: psycopg.Connection, name: str | None) -> None:
    with refused("JQ002", "no schedule"):
        value(conn, "run_schedule_now", name=name)
