from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import claim_one, complete, refused, rows, scalar, value
from tests.sql.schedules.calls import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    fire,
    found,
    jobs,
    missed,
    next_run,
    runs,
    schedule,
    set_clock,
    ticks,
)


def test_without_schedules_there_is_nothing_to_do(conn: psycopg.Connection) -> None:
    assert fire(conn) == (0, None)


def test_nothing_fires_before_its_time(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 minute")
    set_clock(conn, NOON + MINUTE - timedelta(microseconds=1))
    assert fire(conn) == (0, NOON + MINUTE)
    set_clock(conn, NOON + MINUTE)
    assert fire(conn) == (1, NOON + 2 * MINUTE)
    assert fire(conn) == (0, NOON + 2 * MINUTE)
    assert runs(conn) == [(NOON + MINUTE, "enqueued")]


def test_a_late_fire_keeps_the_phase(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="5 seconds")
    set_clock(conn, NOON + 7 * SECOND)
    assert fire(conn) == (1, NOON + 10 * SECOND)
    (row,) = conn.execute("select run_at, fired_at, job_id from pgq.schedule_runs").fetchall()
    assert row == (NOON + 5 * SECOND, NOON + 7 * SECOND, 1)
    assert scalar(conn, "select run_at from pgq.jobs") == NOON + 5 * SECOND


@pytest.mark.parametrize("timing", [{"every": "1 hour"}, {"cron": "0 * * * *"}], ids=str)
@pytest.mark.parametrize(
    ("catch_up", "age", "fired", "passed"),
    [
        # The ticks due are 13:00 to 17:00; numbers are hours after noon.
        ("last", timedelta(0), [5], (1, 4)),
        ("last", 59 * MINUTE, [5], (1, 4)),
        ("skip", timedelta(0), [5], (1, 4)),
        ("skip", MINUTE, [5], (1, 4)),
        ("skip", MINUTE + timedelta(microseconds=1), [], (1, 5)),
        ("all", timedelta(0), [3, 4, 5], (1, 2)),
        ("all", 30 * MINUTE, [4, 5], (1, 3)),
    ],
)
def test_what_is_made_up_for(
    conn: psycopg.Connection,
    timing: dict[str, str],
    catch_up: str,
    age: timedelta,
    fired: list[int],
    passed: tuple[int, int],
) -> None:
    set_clock(conn, NOON)
    schedule(conn, catch_up=catch_up, catch_up_window="2 hours 1 minute", **timing)
    set_clock(conn, NOON + 5 * HOUR + age)
    assert fire(conn) == (len(fired), NOON + 6 * HOUR)
    assert ticks(conn) == [NOON + hours * HOUR for hours in fired]
    assert missed(conn) == [(NOON + passed[0] * HOUR, NOON + passed[1] * HOUR)]
    assert scalar(conn, "select last_run_at from pgq.schedules") == NOON + 5 * HOUR
    order = conn.execute("select run_at from pgq.jobs order by id").fetchall()
    assert [run_at for (run_at,) in order] == ticks(conn)


@pytest.mark.slow
@pytest.mark.parametrize("catch_up", ["last", "all", "skip"])
def test_one_tick_in_time_misses_nothing(conn: psycopg.Connection, catch_up: str) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="10 minutes", catch_up=catch_up)
    set_clock(conn, NOON + 10 * MINUTE + SECOND)
    assert fire(conn)[0] == 1
    assert missed(conn) == []


def test_only_ticks_within_the_window_are_made_up_for(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", catch_up="all", catch_up_window="1 minute")
    set_clock(conn, NOON + 90 * MINUTE)
    assert fire(conn) == (0, NOON + 2 * HOUR)
    assert missed(conn) == [(NOON + HOUR, NOON + HOUR)]


def test_all_is_done_a_hundred_at_a_time(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 minute", catch_up="all")
    schedule(conn, "other", every="2 hours")
    set_clock(conn, NOON + 230 * MINUTE)
    assert fire(conn) == (101, NOON + 101 * MINUTE)
    assert fire(conn) == (100, NOON + 201 * MINUTE)
    assert fire(conn) == (30, NOON + 231 * MINUTE)
    assert ticks(conn) == [NOON + number * MINUTE for number in range(1, 231)]
    assert missed(conn) == []


def test_last_and_skip_need_few_evaluations(conn: psycopg.Connection) -> None:
    """A year of missed ticks is halved, not walked."""
    set_clock(conn, NOON)
    for name, cron in (("a", "* * * * *"), ("b", "*/7 3-5 * * mon"), ("c", "0 0 1 * *")):
        schedule(conn, name, cron=cron)
    set_clock(conn, NOON + 365 * DAY)
    conn.execute("set track_functions = 'pl'")
    with conn.transaction():
        assert fire(conn)[0] == 3
        calls = scalar(
            conn,
            "select pg_stat_get_xact_function_calls(oid) from pg_proc"
            " where proname = '_cron_after'",
        )
    assert 0 < calls <= 3 * 60


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("cron", ["* * * * *", "*/7 3-5 * * mon", "30 2 * * *", "0 0 1 1,7 *"])
def test_the_last_tick_is_the_one_that_a_walk_finds(
    conn: psycopg.Connection, cron: str, zone: str
) -> None:
    """Over spans up to half a year, which hold a change of the clocks."""
    start = datetime(2030, 3, 28, 11, 59, 59, tzinfo=UTC)
    for span in (MINUTE, 25 * HOUR, 4 * DAY, 200 * DAY):
        if cron == "* * * * *" and span > 4 * DAY:
            continue
        set_clock(conn, start)
        conn.execute("delete from pgq.schedules; delete from pgq.schedule_runs")
        first = schedule(conn, cron=cron, timezone=zone)
        set_clock(conn, start + span)
        walked: list[datetime | None] = [
            tick
            for (tick,) in conn.execute(
                "with recursive walk (tick) as (select %s::timestamptz union all"
                " select pgq.cron_next(%s, tick, %s) from walk where tick <= %s)"
                " select tick from walk order by tick",
                (first, cron, zone, start + span),
            )
        ]
        *due, following = walked
        assert fire(conn) == (1 if due else 0, following)
        assert ticks(conn) == due[-1:]
        assert missed(conn) == ([(due[0], due[-2])] if len(due) > 1 else [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        (
            "30 2 * * *",
            "03-30 01:30, 03-31 01:00, 04-01 00:30, 10-26 00:30, 10-27 00:30, 10-28 01:30",
        ),
        (
            "0 */12 * * *",
            "03-30 11:00, 03-30 23:00, 03-31 10:00, 03-31 22:00, 04-01 10:00,"
            " 10-26 10:00, 10-26 22:00, 10-27 11:00, 10-27 23:00, 10-28 11:00",
        ),
    ],
)
def test_the_nights_on_which_clocks_change(
    conn: psycopg.Connection, cron: str, expected: str
) -> None:
    for night in (datetime(2030, 3, 30, tzinfo=UTC), datetime(2030, 10, 26, tzinfo=UTC)):
        set_clock(conn, night)
        conn.execute("delete from pgq.schedules")
        schedule(conn, cron=cron, timezone="Europe/Berlin")
        for hours in range(64):
            set_clock(conn, night + hours * HOUR)
            fire(conn)
    assert ", ".join(f"{tick.astimezone(UTC):%m-%d %H:%M}" for tick in ticks(conn)) == expected
    assert missed(conn) == []


def test_every_quarter_goes_on_through_both_nights(conn: psycopg.Connection) -> None:
    for night in (datetime(2030, 3, 30, 23, tzinfo=UTC), datetime(2030, 10, 26, 22, tzinfo=UTC)):
        set_clock(conn, night)
        conn.execute("delete from pgq.schedules; delete from pgq.schedule_runs")
        schedule(conn, cron="*/15 * * * *", timezone="Europe/Berlin", catch_up="all")
        set_clock(conn, night + 6 * HOUR)
        assert fire(conn) == (24, night + 6 * HOUR + 15 * MINUTE)
        assert ticks(conn) == [night + number * 15 * MINUTE for number in range(1, 25)]


@pytest.mark.slow
def test_a_day_is_24_hours_for_an_interval(conn: psycopg.Connection, connect: Connect) -> None:
    berlin = connect(options="-c timezone=Europe/Berlin")
    before = datetime(2030, 3, 30, 12, tzinfo=UTC)
    set_clock(conn, before)
    schedule(berlin, every="1 day", catch_up="all", catch_up_window="2 days")
    set_clock(conn, before + 3 * DAY)
    assert fire(berlin) == (2, before + 4 * DAY)
    assert ticks(conn) == [before + 2 * DAY, before + 3 * DAY]


def test_overlap_skip_enqueues_nothing_while_a_job_lives(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", overlap="skip")
    set_clock(conn, NOON + HOUR)
    assert fire(conn)[0] == 1
    held = claim_one(conn)
    set_clock(conn, NOON + 2 * HOUR)
    assert fire(conn) == (0, NOON + 3 * HOUR)
    complete(conn, held)
    set_clock(conn, NOON + 3 * HOUR)
    assert fire(conn)[0] == 1
    answers = conn.execute("select outcome, job_id from pgq.schedule_runs order by run_at")
    assert answers.fetchall() == [("enqueued", 1), ("skipped", 1), ("enqueued", held.job_id + 2)]


@pytest.mark.slow
def test_overlap_skip_makes_up_for_one_tick(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", overlap="skip", catch_up="all")
    set_clock(conn, NOON + 3 * HOUR)
    assert fire(conn)[0] == 1
    assert [outcome for _, outcome in runs(conn)] == ["enqueued", "skipped", "skipped"]
    assert jobs(conn) == 1


def test_a_tick_that_has_its_row_does_not_fire_again(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", starts_at=NOON, catch_up="all")
    assert fire(conn)[0] == 1
    value(conn, "unschedule", name="s")
    schedule(conn, every="1 hour", starts_at=NOON, catch_up="all")
    set_clock(conn, NOON + HOUR)
    assert next_run(conn) == NOON
    assert fire(conn) == (1, NOON + 2 * HOUR)
    assert ticks(conn) == [NOON, NOON + HOUR]
    assert jobs(conn) == 2


def test_a_clock_that_jumps_fires_no_tick_twice(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", catch_up="all", catch_up_window="7 days")
    for moment in (NOON + HOUR, NOON + DAY, NOON + 2 * HOUR, NOON - DAY, NOON + 25 * HOUR):
        set_clock(conn, moment)
        fire(conn)
    assert ticks(conn) == [NOON + hours * HOUR for hours in range(1, 26)]
    assert missed(conn) == []
    assert jobs(conn) == 25


def test_the_earliest_fire_first(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    for number in (3, 1, 2):
        schedule(conn, f"s{number}", every=f"{number} minutes")
    set_clock(conn, NOON + 3 * MINUTE)
    assert fire(conn, batch_size=1) == (1, NOON + 2 * MINUTE)
    assert ticks(conn, "s1") == [NOON + 3 * MINUTE]
    assert fire(conn, batch_size=1) == (1, NOON + 3 * MINUTE)
    assert fire(conn, batch_size=None) == (1, NOON + 4 * MINUTE)


@pytest.mark.parametrize(
    "damage",
    [
        "update pgq.settings set max_args_bytes = 200; update pgq.schedules set job = job"
        " || jsonb_build_object('args', jsonb_build_array(repeat('x', 300))) where name = 'bad'",
        "update pgq.schedules set timezone = 'Mars/Olympus' where name = 'bad'",
        "update pgq.schedules set cron = '61 * * * *' where name = 'bad'",
        "update pgq.schedules set job = job || '{\"priority\": \"high\"}' where name = 'bad'",
        "update pgq.schedules set job = job - 'task' where name = 'bad'",
    ],
)
def test_one_that_cannot_fire_stops_alone(conn: psycopg.Connection, damage: str) -> None:
    set_clock(conn, NOON)
    schedule(conn, "bad", cron="0 * * * *")
    schedule(conn, "good", every="1 hour")
    conn.execute(damage.encode())
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (1, NOON + 2 * HOUR)
    assert runs(conn, "good") == [(NOON + HOUR, "enqueued")]
    assert runs(conn, "bad") == [(NOON + HOUR, "failed")]
    row = found(conn, "bad")
    assert row["problem"] and row["paused_at"]
    assert (
        scalar(conn, "select message from pgq.schedule_history where schedule = 'bad'")
        == (row["problem"])
    )
    assert jobs(conn) == 1


def test_errors_that_are_not_its_own_are_raised(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    with conn.transaction(force_rollback=True):
        conn.execute("drop function pgq._enqueue_many")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            fire(conn)
    assert found(conn)["problem"] is None
    assert fire(conn)[0] == 1


def test_one_that_is_never_due_again_stops(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, cron="0 13 * * *")
    conn.execute(
        "create or replace function pgq._cron_after(cron bigint[], expression text,"
        " after timestamptz, timezone text) returns timestamptz language sql"
        " as 'select null::timestamptz'"
    )
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (1, None)
    assert ticks(conn) == [NOON + HOUR]
    row = found(conn)
    assert row["next_run_at"] is None and row["paused_at"]
    assert "never due again" in row["problem"]
    with refused("JQ006", "never due again"):
        value(conn, "resume_schedule", name="s")


def test_paused_ones_do_not_fire(conn: psycopg.Connection) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    value(conn, "pause_schedule", name="s")
    set_clock(conn, NOON + HOUR)
    assert fire(conn) == (0, None)


@pytest.mark.slow
def test_dead_rows_at_the_front_are_passed(conn: psycopg.Connection, connect: Connect) -> None:
    """While a snapshot is held, calls begin at the last firing; some begin at the front."""
    set_clock(conn, NOON)
    for number in range(10):
        schedule(conn, f"s{number}", every="1 minute")
    reader = connect(autocommit=False)
    reader.execute("set transaction isolation level repeatable read; select from pgq.jobs")
    conn.execute(
        "do $$ begin for number in 1..250 loop"
        " update pgq.schedules set description = number::text; end loop; end $$"
    )
    conn.execute("select pg_stat_force_next_flush()")
    assert scalar(conn, "select pg_stat_get_dead_tuples('pgq.schedules'::regclass)") >= 2000

    assert scalar(conn, "select setseed(0.5)") is not None
    for number in range(1, 4):
        set_clock(conn, NOON + number * MINUTE)
        while fire(conn)[1] != NOON + (number + 1) * MINUTE:
            pass
    assert [ticks(conn, f"s{number}") for number in range(10)] == [
        [NOON + number * MINUTE for number in (1, 2, 3)]
    ] * 10

    # If one was made long ago and commits only now, a call that begins at the front finds it.
    late: dict[str, Any] = {"every": "1 hour", "starts_at": NOON + 30 * SECOND}
    set_clock(conn, NOON)
    schedule(conn, "late", **late)
    set_clock(conn, NOON + 3 * MINUTE)
    fired = [fire(conn)[0] for _ in range(400)]
    assert sum(fired) == 1
    assert ticks(conn, "late") == [NOON + 30 * SECOND]


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, -1, 10001])
def test_bad_sizes_are_refused(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", "batch_size"):
        rows(conn, "fire_due_schedules", batch_size=size)
