from __future__ import annotations

import psycopg

from tests.sql.calls import refused, rows, state, value
from tests.sql.schedules.calls import HOUR, NOON, fire, runs, schedule, set_clock


def test_a_schedule_is_deleted(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    fire(conn)
    assert value(conn, "unschedule", name="s") is True
    assert value(conn, "unschedule", name="s") is False
    set_clock(conn, NOON + 2 * HOUR)
    assert fire(conn) == (0, None)
    assert state(conn, 1) == "ready"
    assert runs(conn) == [(NOON + HOUR, "enqueued")]


def test_an_unknown_name_is_no_error(conn: psycopg.Connection) -> None:
    assert value(conn, "unschedule", name="s") is False
    assert value(conn, "unschedule", name=None) is False


def test_a_paused_one_is_deleted_too(conn: psycopg.Connection) -> None:
    schedule(conn, every="1 hour")
    value(conn, "pause_schedule", name="s")
    assert value(conn, "unschedule", name="s") is True


def test_a_static_one_belongs_to_its_source(conn: psycopg.Connection) -> None:
    declared = '[{"name": "s", "task": "work", "every": 60}]'
    rows(conn, "sync_schedules", source="shop.tasks", schedules=declared)
    with refused("JQ002", "shop.tasks"):
        value(conn, "unschedule", name="s")
    rows(conn, "sync_schedules", source="shop.tasks", schedules="[]")
    assert value(conn, "unschedule", name="s") is False
