from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import refused, rows, scalar, value
from tests.sql.schedules.calls import HOUR, NOON, SECOND, fire, found, next_run, schedule, set_clock

HOURLY = {"task": "work", "cron": "0 * * * *"}
DAILY = {"task": "work", "cron": "@daily"}


def sync(conn: psycopg.Connection, source: str = "shop", /, **schedules: Any) -> dict[str, str]:
    """Declare these schedules by name; answer what became of each."""
    declared = [{"name": name, **options} for name, options in schedules.items()]
    answer = rows(conn, "sync_schedules", source=source, schedules=json.dumps(declared))
    names = [row["name"] for row in answer]
    assert names == sorted(names)
    return {row["name"]: row["change"] for row in answer}


def test_a_source_has_exactly_these(conn: psycopg.Connection) -> None:
    assert sync(conn, b=HOURLY, a=DAILY, c=HOURLY) == dict.fromkeys("abc", "added")
    assert sync(conn, b=HOURLY, c=DAILY, d=HOURLY) == {
        "a": "removed",
        "b": "unchanged",
        "c": "changed",
        "d": "added",
    }
    assert sync(conn) == dict.fromkeys("bcd", "removed")
    assert scalar(conn, "select count(*) from pgq.schedules") == 0


def test_other_sources_and_dynamic_ones_are_left_alone(conn: psycopg.Connection) -> None:
    schedule(conn, every="1 hour")
    sync(conn, "shop", a=HOURLY)
    sync(conn, "mail", b=HOURLY)
    assert sync(conn, "shop") == {"a": "removed"}
    names = conn.execute("select name, source from pgq.schedules order by name").fetchall()
    assert names == [("b", "mail"), ("s", None)]


def test_all_options_are_those_of_schedule(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    options: dict[str, Any] = {
        "task": "work",
        "cron": None,
        "every": "1 hour",
        "args": {"deep": None},
        "queue": "q",
        "priority": 2,
        "timezone": None,
        "catch_up": "all",
        "overlap": "skip",
        "max_attempts": 3,
        "backoff": ["1s", 60],
        "timeout": "30 s",
        "expires_in": "90 s",
        "headers": {"a": 1},
        "starts_at": "2030-01-01T15:00:00+02:00",
        "catch_up_window": "2 hours",
        "description": "says what",
    }
    assert sync(conn, static=options) == {"static": "added"}
    texts = {"args", "headers", "backoff"}
    schedule(
        conn,
        "dynamic",
        **{key: json.dumps(given) if key in texts else given for key, given in options.items()},
    )
    set_clock(conn, NOON + HOUR)
    assert fire(conn)[0] == 2
    same = (
        "select count(*), count(distinct (queue, task, priority, max_attempts, run_at, expires_at,"
        " timeout, args, headers ->> 'a', backoff)) from pgq.jobs"
    )
    assert conn.execute(same.encode()).fetchone() == (2, 1)
    static, dynamic = found(conn, "static"), found(conn, "dynamic")
    for key in ("every", "catch_up", "catch_up_window", "overlap", "starts_at", "description"):
        assert static[key] == dynamic[key] and static[key] is not None


def test_numbers_are_seconds(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    sync(conn, a={"task": "work", "every": 30}, b={"task": "work", "every": 0.5})
    assert next_run(conn, "a") == NOON + 30 * SECOND
    assert next_run(conn, "b") == NOON + SECOND / 2


def test_unchanged_keeps_phase_and_pause(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    every = {"task": "work", "every": 3600}
    sync(conn, a=every, b=every)
    value(conn, "pause_schedule", name="b")
    before = conn.execute("select xmin::text, ctid from pgq.schedules").fetchall()
    set_clock(conn, NOON + HOUR / 2)
    assert sync(conn, b=every, a=every) == {"a": "unchanged", "b": "unchanged"}
    assert conn.execute("select xmin::text, ctid from pgq.schedules").fetchall() == before
    assert sync(conn, a={**every, "args": [1]}, b={**every, "args": [1]}) == {
        "a": "changed",
        "b": "changed",
    }
    assert next_run(conn, "a") == NOON + HOUR
    assert found(conn, "b")["paused_at"] is not None


def test_values_of_any_json_type_are_accepted(conn: psycopg.Connection) -> None:
    conn.execute(
        "select from pgq.sync_schedules('shop',"
        " jsonb_build_array(jsonb_build_object('name', 'a', 'task', 'work', 'every', 1)))"
    )
    conn.execute("""select from pgq.sync_schedules('mail', json '[]')""")
    assert found(conn, "a")["source"] == "shop"


@pytest.mark.parametrize("name", ["dynamic", "theirs"])
def test_a_name_of_somebody_else_is_refused(conn: psycopg.Connection, name: str) -> None:
    schedule(conn, "dynamic", every="1 hour")
    sync(conn, "mail", theirs=HOURLY)
    with refused("JQ002", name):
        sync(conn, "shop", **{"a": HOURLY, name: HOURLY})
    assert scalar(conn, "select count(*) from pgq.schedules where source = 'shop'") == 0


@pytest.mark.parametrize(
    ("schedules", "sqlstate", "words"),
    [
        ("{}", "JQ002", "array"),
        ("[1]", "JQ002", "array"),
        ("[[]]", "JQ002", "array"),
        ("null", "JQ002", "array"),
        (None, "JQ002", "array"),
        ("[", "JQ001", "JSON"),
        ([{}], "JQ002", "without a name"),
        ([{"name": "a", "task": "t"}], "JQ002", "schedule a: neither"),
        ([{"name": "a", **HOURLY, "kron": 1}], "JQ002", "schedule a: kron"),
        ([{"name": "a", **HOURLY, "source": "x"}], "JQ002", "schedule a: source"),
        ([{"name": "a", **HOURLY, "run_at": "x"}], "JQ002", "schedule a: run_at"),
        ([{"name": "a", **HOURLY}, {"name": "a", **DAILY}], "JQ002", "more than once"),
        ([{"name": "a", "task": "t", "cron": "61 * * * *"}], "JQ006", "schedule a: "),
        ([{"name": "a", "task": "", "cron": "@daily"}], "JQ001", "schedule a: task"),
        ([{"name": "a", **HOURLY, "timezone": "Mars/Olympus"}], "JQ002", "schedule a: "),
        ([{"name": "a", **HOURLY, "priority": "high"}], "JQ002", "schedule a: "),
        ([{"name": "a", **HOURLY, "timeout": "soon"}], "JQ002", "schedule a: "),
        ([{"name": "a", **HOURLY, "headers": 5}], "JQ001", "schedule a: headers"),
        ([{"name": "a", **HOURLY, "backoff": "soon"}], "JQ001", "schedule a: backoff"),
        ([{"name": "a", "task": "t", "every": "soon"}], "JQ002", "schedule a: "),
        ([{"name": "a", "task": "t", "every": []}], "JQ002", "schedule a: "),
        ([{"name": "a", "task": "t", "every": -1}], "JQ002", "schedule a: every"),
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_is_refused(
    conn: psycopg.Connection, schedules: Any, sqlstate: str, words: str
) -> None:
    sync(conn, kept=HOURLY)
    given = json.dumps(schedules) if isinstance(schedules, list) else schedules
    with refused(sqlstate, words):
        rows(conn, "sync_schedules", source="shop", schedules=given)
    assert scalar(conn, "select array_agg(name) from pgq.schedules") == ["kept"]


@pytest.mark.parametrize("source", [None, "", "s" * 257])
def test_a_source_has_a_name(conn: psycopg.Connection, source: str | None) -> None:
    with refused("JQ002", "source"):
        rows(conn, "sync_schedules", source=source, schedules="[]")


def test_the_sessions_settings_change_nothing(conn: psycopg.Connection, connect: Connect) -> None:
    local = {"task": "work", "every": 3600, "starts_at": "2040-01-01 12:00", "timeout": "1 day"}
    sync(conn, a=local)
    other = connect(options="-c timezone=Asia/Kolkata -c intervalstyle=iso_8601")
    assert sync(other, a=local) == {"a": "unchanged"}
