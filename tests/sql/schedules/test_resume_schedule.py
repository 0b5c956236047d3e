from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import refused, value
from tests.sql.schedules.calls import (
    HOUR,
    MINUTE,
    NOON,
    fire,
    found,
    missed,
    next_run,
    runs,
    schedule,
    set_clock,
)


@pytest.mark.parametrize("timing", [{"every": "1 hour"}, {"cron": "0 * * * *"}], ids=str)
def test_it_goes_on_in_its_phase_and_makes_up_for_nothing(
    conn: psycopg.Connection, timing: dict[str, Any]
) -> None:
    set_clock(conn, NOON)
    schedule(conn, catch_up="all", **timing)
    value(conn, "pause_schedule", name="s")
    set_clock(conn, NOON + 3 * HOUR + 20 * MINUTE)
    assert value(conn, "resume_schedule", name="s") is True
    assert value(conn, "resume_schedule", name="s") is False
    assert fire(conn) == (0, NOON + 4 * HOUR)
    set_clock(conn, NOON + 4 * HOUR)
    assert fire(conn)[0] == 1
    assert (runs(conn), missed(conn)) == ([(NOON + 4 * HOUR, "enqueued")], [])


@pytest.mark.parametrize("timing", [{"every": "1 hour"}, {"cron": "0 * * * *"}], ids=str)
def test_a_pause_between_two_ticks_changes_nothing(
    conn: psycopg.Connection, timing: dict[str, Any]
) -> None:
    set_clock(conn, NOON)
    schedule(conn, starts_at=NOON + 5 * HOUR, **timing)
    value(conn, "pause_schedule", name="s")
    set_clock(conn, NOON + MINUTE)
    value(conn, "resume_schedule", name="s")
    assert next_run(conn) == NOON + 5 * HOUR


def test_one_that_stopped_by_itself_goes_on(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    conn.execute("update pgq.schedules set job = job - 'task'")
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (0, None)
    conn.execute("""update pgq.schedules set job = job || '{"task": "work"}'""")
    assert value(conn, "resume_schedule", name="s") is True
    assert found(conn)["problem"] is None
    set_clock(conn, NOON + 2 * HOUR)
    assert fire(conn) == (1, NOON + 3 * HOUR)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nobody", "", None])
def test_an_unknown_name_is_refused(conn: psycopg.Connection, name: str | None) -> None:
    with refused("JQ002", "no schedule"):
        value(conn, "resume_schedule", name=name)
