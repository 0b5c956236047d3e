from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import refused, scalar, state, value
from tests.sql.schedules.calls import HOUR, NOON, fire, found, next_run, schedule, set_clock


def test_a_paused_schedule_does_not_fire(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    schedule(conn, "other", every="3 hours")
    assert value(conn, "pause_schedule", name="s") is True
    assert value(conn, "pause_schedule", name="s") is False
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (0, NOON + 3 * HOUR)
    assert next_run(conn) == NOON + HOUR
    assert scalar(conn, "select paused_at from pgq.schedules where name = 's'") == NOON


def test_jobs_that_it_has_enqueued_run(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    fire(conn)
    value(conn, "pause_schedule", name="s")
    assert state(conn, 1) == "ready"


def test_one_that_stopped_by_itself_is_paused_already(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    conn.execute("update pgq.schedules set job = job - 'task'")
    set_clock(conn, NOON + HOUR)
    fire(conn)
    assert value(conn, "pause_schedule", name="s") is False
    assert found(conn)["problem"] is not None


@pytest.mark.parametrize("name", ["nobody", "", None])
def test_an_unknown_name_is_refused(conn: psycopg.Connection, name: str | None) -> None:
    with refused("JQ002", "no schedule"):
        value(conn, "pause_schedule", name=name)
