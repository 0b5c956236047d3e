from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Server
from tests.sql.calls import claim, job, refused, rows, scalar, value
from tests.sql.schedules.calls import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    fire,
    found,
    next_run,
    runs,
    schedule,
    set_clock,
)


def test_an_interval_begins_an_interval_from_now(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    assert schedule(conn, every="5 minutes") == NOON + 5 * MINUTE


def test_cron_is_read_by_the_clocks_of_its_zone(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    assert schedule(conn, cron="0 3 * * *") == NOON + 15 * HOUR
    assert schedule(conn, cron="0 3 * * *", timezone="Europe/Berlin") == NOON + 14 * HOUR


def test_psql_needs_no_names_for_the_first_arguments(conn: psycopg.Connection) -> None:
    conn.execute("select pgq.schedule('nightly', 'clean_up', '0 3 * * *')")
    conn.execute("select pgq.schedule('often', 'work', every => '1 minute', args => '[1]')")
    assert found(conn, "nightly")["job"] == {"task": "clean_up", "args": {}}
    assert found(conn, "often")["job"] == {"task": "work", "args": [1]}


@pytest.mark.parametrize(
    ("starts_in", "first"),
    [
        (timedelta(0), timedelta(0)),
        (HOUR, HOUR),
        (-HOUR, 10 * MINUTE),  # 11:00, 11:35, 12:10
        (-35 * MINUTE, 35 * MINUTE),  # the tick of this very moment has passed
        (-35 * MINUTE - SECOND, 35 * MINUTE - SECOND),
    ],
)
def test_starts_at_is_a_tick_and_the_past_is_not_made_up_for(
    conn: psycopg.Connection, starts_in: timedelta, first: timedelta
) -> None:
    set_clock(conn, NOON)
    assert schedule(conn, every="35 minutes", starts_at=NOON + starts_in) == NOON + first


def test_cron_is_not_due_before_starts_at(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    assert schedule(conn, cron="0 * * * *", starts_at=NOON + 3 * HOUR) == NOON + 3 * HOUR
    assert schedule(conn, cron="0 * * * *", starts_at=NOON - 3 * HOUR) == NOON + HOUR


def test_a_job_has_the_options_of_its_schedule(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(
        conn,
        task="report",
        every="1 hour",
        args='{"deep": {"kept": null}}',
        queue="reports",
        priority=-3,
        max_attempts=2,
        backoff="10 seconds",
        timeout="1 day 2 hours",
        expires_in="30 minutes",
        headers='{"trace": null}',
    )
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (1, NOON + 2 * HOUR)
    made = job(conn, 1)
    expected: dict[str, Any] = {
        "state": "ready",
        "task": "report",
        "args": {"deep": {"kept": None}},
        "queue": "reports",
        "priority": -3,
        "max_attempts": 2,
        "timeout": timedelta(hours=26),
        "run_at": NOON + HOUR,
        "expires_at": NOON + HOUR + 30 * MINUTE,
        "headers": {
            "trace": None,
            "schedule": {"name": "s", "run_at": "2030-01-01T13:00:00+00:00"},
        },
    }
    assert {key: made[key] for key in expected} == expected
    assert scalar(conn, "select (backoff ->> 'base')::float8 from pgq.jobs") == 10


def test_sessions_with_other_styles_mean_the_same(
    conn: psycopg.Connection, connect: Connect
) -> None:
    set_clock(conn, NOON)
    made = connect(options="-c intervalstyle=sql_standard -c timezone=Asia/Kolkata")
    schedule(made, every="1 day 2:00", timeout="3 days 4:05:06.5")
    fired = connect(options="-c intervalstyle=iso_8601 -c timezone=America/New_York")
    set_clock(conn, NOON + 26 * HOUR)
    assert fire(fired) == (1, NOON + 52 * HOUR)
    assert job(conn, 1)["timeout"] == timedelta(days=3, hours=4, minutes=5, seconds=6.5)
    assert job(conn, 1)["headers"]["schedule"]["run_at"] == "2030-01-02T14:00:00+00:00"


def test_any_value_may_be_args(conn: psycopg.Connection) -> None:
    conn.execute(
        "select pgq.schedule('s', 'work', every => '1 s', args => given)"
        " from (values (1, 'a')) as given (number, word)"
    )
    assert found(conn)["job"]["args"] == {"number": 1, "word": "a"}
    schedule(conn, every="1 s", args=None)
    assert found(conn)["job"]["args"] == {}


def test_null_means_the_default(conn: psycopg.Connection) -> None:
    options = (
        "cron args queue priority timezone catch_up overlap max_attempts backoff timeout"
        " expires_in headers starts_at catch_up_window description"
    )
    nothing: dict[str, Any] = dict.fromkeys(options.split())
    schedule(conn, "all", every="1 s", **nothing)
    schedule(conn, "none", every="1 s")
    varying = ("name", "created_at", "next_run_at")
    first, second = (
        {key: row for key, row in found(conn, name).items() if key not in varying}
        for name in ("all", "none")
    )
    assert first == second
    assert (first["catch_up"], first["overlap"], first["timezone"]) == ("last", "allow", "UTC")


def test_the_same_timing_keeps_the_next_tick(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    first = schedule(conn, every="1 hour")
    set_clock(conn, NOON + 90 * MINUTE)
    assert schedule(conn, every="60 minutes", args="[2]", catch_up="all") == first
    row = found(conn)
    assert (row["job"]["args"], row["catch_up"]) == ([2], "all")
    assert datetime.fromisoformat(row["created_at"]).replace(microsecond=0) == NOON
    assert fire(conn) == (1, NOON + 2 * HOUR)


@pytest.mark.slow
@pytest.mark.parametrize(
    "timing",
    [
        {"every": "61 minutes"},
        {"cron": "30 * * * *"},
        {"every": "1 hour", "starts_at": NOON + 5 * MINUTE},
    ],
    ids=str,
)
def test_another_timing_begins_anew(conn: psycopg.Connection, timing: dict[str, Any]) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + 50 * MINUTE)
    expected = {
        "61 minutes": NOON + 111 * MINUTE,
        "1 hour": NOON + 65 * MINUTE,
        None: NOON + 90 * MINUTE,
    }
    assert schedule(conn, **timing) == expected[timing.get("every")]
    set_clock(conn, NOON + 51 * MINUTE)
    assert schedule(conn, **timing) == expected[timing.get("every")]


def test_another_zone_is_another_timing(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, cron="0 3 * * *")
    assert schedule(conn, cron="0 3 * * *", timezone="Asia/Kolkata") == NOON + timedelta(hours=9.5)


@pytest.mark.slow
def test_nothing_changes_when_nothing_is_new(conn: psycopg.Connection, connect: Connect) -> None:
    options = {
        "every": "1 hour",
        "args": "[1]",
        "timeout": "90 s",
        "starts_at": "2040-01-01 00:00Z",
    }
    schedule(conn, **options)
    version = "select xmin::text, ctid from pgq.schedules"
    before = conn.execute(version.encode()).fetchone()
    schedule(conn, **options)
    schedule(connect(options="-c intervalstyle=iso_8601 -c timezone=Asia/Kolkata"), **options)
    assert conn.execute(version.encode()).fetchone() == before


def test_a_paused_schedule_stays_paused(conn: psycopg.Connection) -> None:
    schedule(conn, every="1 hour")
    value(conn, "pause_schedule", name="s")
    schedule(conn, every="2 hours", args="[1]")
    assert found(conn)["paused_at"] is not None


def test_a_change_gives_one_with_a_problem_another_chance(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    value(conn, "configure", max_args_bytes=20)
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (0, None)
    assert found(conn)["problem"] is not None
    value(conn, "configure", max_args_bytes=1000)
    set_clock(conn, NOON + 150 * MINUTE)
    assert schedule(conn, every="1 hour", args="[]") == NOON + 3 * HOUR
    row = found(conn)
    assert (row["problem"], row["paused_at"]) == (None, None)


def test_a_static_one_cannot_be_replaced(conn: psycopg.Connection) -> None:
    declared = '[{"name": "s", "task": "work", "every": 60}]'
    rows(conn, "sync_schedules", source="shop.tasks", schedules=declared)
    with refused("JQ002", "shop.tasks"):
        schedule(conn, every="1 minute")


@pytest.mark.parametrize(
    ("options", "sqlstate", "words"),
    [
        ({}, "JQ002", "neither"),
        ({"cron": "* * * * *", "every": "1 s"}, "JQ002", "both"),
        ({"name": "", "every": "1 s"}, "JQ002", "name"),
        ({"name": None, "every": "1 s"}, "JQ002", "name"),
        ({"name": "n" * 129, "every": "1 s"}, "JQ002", "name"),
        ({"every": "99 ms"}, "JQ002", "every"),
        ({"every": "0"}, "JQ002", "every"),
        ({"every": "-1 day"}, "JQ002", "every"),
        ({"every": "367 days"}, "JQ002", "every"),
        ({"every": "1 month"}, "JQ002", "months"),
        ({"every": "1 year"}, "JQ002", "months"),
        ({"every": "1 month -29 days"}, "JQ002", "months"),
        ({"every": "1 s", "timezone": "UTC"}, "JQ002", "timezone"),
        ({"cron": "0 0 * * *", "timezone": "Mars/Olympus"}, "JQ002", "Mars/Olympus"),
        ({"cron": "60 * * * *"}, "JQ006", "60"),
        ({"cron": "* * * * * *"}, "JQ006", ""),
        ({"cron": ""}, "JQ006", ""),
        ({"cron": "0 0 30 2 *"}, "JQ006", ""),
        ({"every": "1 s", "catch_up": "none"}, "JQ002", "catch_up"),
        ({"every": "1 s", "catch_up_window": "59 s"}, "JQ002", "catch_up_window"),
        ({"every": "1 s", "catch_up_window": "2 years"}, "JQ002", "catch_up_window"),
        ({"every": "1 s", "overlap": "wait"}, "JQ002", "overlap"),
        ({"every": "1 s", "starts_at": "1999-01-01"}, "JQ002", "starts_at"),
        ({"every": "1 s", "starts_at": "infinity"}, "JQ002", "starts_at"),
        ({"every": "1 s", "description": "d" * 1001}, "JQ002", "description"),
        ({"every": "1 s", "task": ""}, "JQ001", "task"),
        ({"every": "1 s", "task": None}, "JQ001", "task"),
        ({"every": "1 s", "queue": "q" * 129}, "JQ001", "queue"),
        ({"every": "1 s", "args": "1"}, "JQ001", "args"),
        ({"every": "1 s", "args": "{"}, "JQ001", "args"),
        ({"every": "1 s", "headers": "[]"}, "JQ001", "headers"),
        ({"every": "1 s", "headers": "{"}, "JQ001", "headers"),
        ({"every": "1 s", "priority": 2**31}, "JQ001", "priority"),
        ({"every": "1 s", "max_attempts": 0}, "JQ001", "max_attempts"),
        ({"every": "1 s", "timeout": "0"}, "JQ001", "timeout"),
        ({"every": "1 s", "expires_in": "0"}, "JQ001", "expires_in"),
        ({"every": "1 s", "backoff": "soon"}, "JQ001", "backoff"),
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_is_refused(
    conn: psycopg.Connection, options: dict[str, Any], sqlstate: str, words: str
) -> None:
    with refused(sqlstate, words):
        schedule(conn, **options)
    assert scalar(conn, "select count(*) from pgq.schedules") == 0


def test_infinite_intervals_are_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "every"):
        schedule(conn, every="infinity")
    with refused("JQ002", "catch_up_window"):
        schedule(conn, every="1 s", catch_up_window="infinity")


def test_headers_must_leave_room_for_the_tick(conn: psycopg.Connection) -> None:
    conn.execute("update pgq.settings set max_args_bytes = 100")
    with refused("JQ001", "headers"):
        schedule(conn, every="1 s", headers='{"a": "%s"}' % ("x" * 60))


def test_a_change_of_the_job_leaves_a_late_tick_due(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, cron="0 * * * *")
    set_clock(conn, NOON + HOUR + SECOND)
    schedule(conn, cron="0 * * * *", args="[2]")
    assert next_run(conn) == NOON + HOUR
    assert fire(conn) == (1, NOON + 2 * HOUR)


def test_ten_years_of_a_tenth_of_a_second_do_not_drift(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="0.1 s")
    later: datetime = NOON + 3650 * DAY + timedelta(milliseconds=130)
    set_clock(conn, later)
    assert fire(conn) == (1, later + timedelta(milliseconds=70))


KEYED: dict[str, Any] = {
    "concurrency_key": "k",
    "concurrency_limit": 3,
    "concurrency_duration": "15 minutes",
    "concurrency_weight": 2,
    "concurrency_on_conflict": "discard",
    "partition_key": "tenant",
    "unique_key": "u",
    "unique_while": "queued",
    "unique_for": "90 seconds",
}


def test_its_jobs_have_its_keys(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 minute", **KEYED)
    listed = {**KEYED, "name": "static", "task": "work", "every": "1 minute", "unique_key": "v"}
    rows(conn, "sync_schedules", source="test", schedules=json.dumps([listed]))
    set_clock(conn, NOON + MINUTE)
    assert fire(conn)[0] == 2
    stored = conn.execute(
        "select concurrency, partition_key, unique_key from pgq.jobs order by unique_key"
    ).fetchall()
    concurrency = {"key": "k", "limit": 3, "weight": 2, "seconds": 900, "discard": True}
    assert stored == [(concurrency, "tenant", "u"), (concurrency, "tenant", "v")]
    assert scalar(conn, "select count(*) from pgq.queued_keys") == 2
    set_clock(conn, NOON + 2 * MINUTE)
    assert fire(conn)[0] == 0
    assert [outcome for _, outcome in runs(conn)] == ["enqueued", "skipped"]
    set_clock(conn, NOON + 3 * MINUTE)
    rows(conn, "promote_due")
    claim(conn)
    assert fire(conn)[0] == 2  # the start took their keys, and the windows are over


def test_the_same_keys_are_no_change(conn: psycopg.Connection) -> None:
    listed = json.dumps([{**KEYED, "name": "s", "task": "work", "every": "1 minute"}])
    changes = [
        rows(conn, "sync_schedules", source="test", schedules=listed)[0]["change"] for _ in range(2)
    ]
    assert changes == ["added", "unchanged"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency_limit": 2}, "without concurrency_key"),
        ({"concurrency_key": "k", "concurrency_weight": 2}, "concurrency_weight is 2"),
        ({"concurrency_key": ""}, "concurrency_key is empty"),
        ({"partition_key": ""}, "partition_key is empty"),
        ({"unique_while": "queued"}, "unique_while"),
        ({"unique_key": "u", "overlap": "skip"}, "overlap => skip and a unique key"),
        ({"unique_for": "1 hour", "overlap": "skip"}, "overlap => skip and a unique key"),
    ],
)
def test_keys_that_are_refused(
    conn: psycopg.Connection, options: dict[str, Any], words: str
) -> None:
    with refused("JQ001", words):
        schedule(conn, every="1 minute", **options)
