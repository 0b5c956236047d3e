"""Many sessions and one schedule: each tick fires once, and a firing session waits for nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import claim, complete, rows, scalar, value
from tests.sql.races.conftest import Start
from tests.sql.schedules.calls import (
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    fire,
    found,
    jobs,
    next_run,
    runs,
    schedule,
    set_clock,
    ticks,
)


def test_many_sessions_fire_each_tick_once(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    """While the clock runs, and once more than is due is left after each call."""
    schedule(conn, "often", every="100 ms", catch_up="all")
    schedule(conn, "late", every="1 s", catch_up="all", starts_at="2030-01-01")
    conn.execute("update pgq.schedules set next_run_at = next_run_at - interval '5 minutes'")
    conn.execute(
        "update pgq.schedules set next_run_at = pgq._now() - interval '5 minutes'"
        " where name = 'late'"
    )
    first = {name: next_run(conn, name) for name in ("often", "late")}

    def fire_often(session: psycopg.Connection) -> int:
        return sum(fire(session, batch_size=1)[0] for _ in range(12))

    calls = [start(fire_often) for _ in range(10)]
    fired = sum(call.result() for call in calls)
    for name, step in (("often", SECOND / 10), ("late", SECOND)):
        made = ticks(conn, name)
        assert made == [first[name] + number * step for number in range(len(made))]
        assert next_run(conn, name) == first[name] + len(made) * step
    assert fired == jobs(conn) == len(ticks(conn, "often")) + len(ticks(conn, "late")) > 300
    twice = (
        "select count(*) from (select headers -> 'schedule' from pgq.jobs"
        " group by 1 having count(*) > 1) as tick"
    )
    assert scalar(conn, twice) == 0


def change(session: psycopg.Connection, function: str) -> None:
    match function:
        case "schedule":
            schedule(session, every="30 minutes")
        case "sync_schedules":
            declared = [{"name": "static", "task": "work", "every": 600}]
            rows(session, function, source="shop", schedules=json.dumps(declared))
        case _:
            value(session, function, name="s")


@pytest.mark.parametrize(
    "function",
    [
        "pause_schedule",
        "unschedule",
        "schedule",
        "run_schedule_now",
        "sync_schedules",
        "fire_due_schedules",
    ],
)
@pytest.mark.parametrize("commits", [True, False])
def test_a_fire_passes_over_what_others_hold(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    function: str,
    commits: bool,
) -> None:
    """Their transaction stays open; the caller is told to look again soon, not at once."""
    name = "static" if function == "sync_schedules" else "s"
    set_clock(conn, NOON)
    declared = [{"name": "static", "task": "work", "every": 3600}]
    if name == "static":
        rows(conn, "sync_schedules", source="shop", schedules=json.dumps(declared))
    else:
        schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    if function == "fire_due_schedules":
        assert fire(other)[0] == 1
    else:
        change(other, function)
    schedule(conn, "free", every="10 minutes", starts_at=NOON + HOUR)

    firing = start(fire)
    assert not firing.waits()
    assert firing.result() == (1, NOON + HOUR + SECOND)
    assert ticks(conn, "free") == [NOON + HOUR]

    if commits:
        other.commit()
    else:
        other.rollback()
    fired = fire(conn)[0]
    kept = function == "run_schedule_now" or not commits
    assert fired == (1 if kept else 0)
    held = (NOON + HOUR, "enqueued")
    assert runs(conn, name).count(held) == (1 if kept or function == "fire_due_schedules" else 0)


@pytest.mark.parametrize("function", ["pause_schedule", "unschedule", "schedule"])
def test_changes_wait_for_a_fire_and_see_it(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str
) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    assert fire(other)[0] == 1
    changing = start(change, function)
    assert changing.waits()
    other.commit()
    changing.result()
    assert runs(conn) == [(NOON + HOUR, "enqueued")]
    if function == "pause_schedule":
        assert next_run(conn) == NOON + 2 * HOUR
    set_clock(conn, NOON + 90 * MINUTE)
    assert fire(conn)[0] == (1 if function == "schedule" else 0)


def test_a_fire_that_is_rolled_back_fires_again(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    assert fire(other)[0] == 1
    other.rollback()
    assert fire(conn) == (1, NOON + 2 * HOUR)
    assert ticks(conn) == [NOON + HOUR]
    assert jobs(conn) == 1


def test_an_answer_that_is_lost_does_no_harm(conn: psycopg.Connection, connect: Connect) -> None:
    """The session dies right after its commit; the next that asks fires nothing twice."""
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", catch_up="all")
    set_clock(conn, NOON + HOUR)
    dying = connect()
    with pytest.raises(psycopg.OperationalError):
        dying.execute(
            "begin; select from pgq.fire_due_schedules(); commit;"
            "select pg_terminate_backend(pg_backend_pid())"
        )
    assert fire(conn) == (0, NOON + 2 * HOUR)
    assert jobs(conn) == 1


def test_a_lock_timeout_is_raised_and_blames_nobody(
    conn: psycopg.Connection, connect: Connect, other: psycopg.Connection
) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    other.execute("lock table pgq.schedule_runs in access exclusive mode")
    impatient = connect(options="-c lock_timeout=50ms")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        fire(impatient)
    cancelled = connect(options="-c statement_timeout=50ms")
    with pytest.raises(psycopg.errors.QueryCanceled):
        fire(cancelled)
    other.rollback()
    assert found(conn)["problem"] is None
    assert fire(conn)[0] == 1


def test_a_stale_snapshot_is_raised_and_blames_nobody(
    conn: psycopg.Connection, connect: Connect
) -> None:
    set_clock(conn, NOON)
    schedule(conn, every="1 hour")
    set_clock(conn, NOON + HOUR)
    strict = connect(autocommit=False)
    strict.execute("set transaction isolation level repeatable read; select from pgq.jobs")
    assert fire(conn)[0] == 1
    with pytest.raises(psycopg.errors.SerializationFailure):
        fire(strict)
    strict.rollback()
    assert fire(strict)[0] == 0
    assert found(conn)["problem"] is None


def test_overlap_skip_meets_a_job_that_is_just_ending(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """It waits for the settle, whose transaction is short, and then enqueues."""
    set_clock(conn, NOON)
    schedule(conn, every="1 hour", overlap="skip")
    set_clock(conn, NOON + HOUR)
    fire(conn)
    assert complete(other, *claim(other)) == ["ok"]
    set_clock(conn, NOON + 2 * HOUR)
    firing = start(fire)
    assert firing.waits()
    other.commit()
    assert firing.result()[0] == 1
    assert ticks(conn) == [NOON + HOUR, NOON + 2 * HOUR]


def declare(session: psycopg.Connection, names: str, every: int) -> list[str]:
    declared = [{"name": name, "task": "work", "every": every} for name in names]
    answer = rows(session, "sync_schedules", source="shop", schedules=json.dumps(declared))
    return [row["change"] for row in answer]


@pytest.mark.parametrize("there_before", ["", "dhx"])
def test_workers_that_start_together_declare_the_same(
    conn: psycopg.Connection, connect: Connect, start: Start, there_before: str
) -> None:
    """They start while a session holds a schedule in the middle, and go on together."""
    names = "abcdefghij"
    declare(conn, there_before, 5)
    blocker = connect(autocommit=False)
    blocker.execute(
        "insert into pgq.schedules (name, every, job, source, created_at, next_run_at)"
        " values ('f', '1 s', '{}', 'shop', now(), now())"
    )
    orders = [names, names[::-1], names[5:] + names[:5]] * 3
    calls = [start(declare, order, 7) for order in orders[:7]]
    assert all(call.waits() for call in calls)
    blocker.rollback()
    answers = [call.result() for call in calls]
    assert all({"added", "changed", "removed", "unchanged"} >= set(answer) for answer in answers)
    counts = [
        sum(answer.count(change) for answer in answers)
        for change in ("added", "changed", "removed")
    ]
    new, kept, old = set(names), set(names) & set(there_before), set(there_before)
    assert counts == [len(new - old), len(kept), len(old - new)]
    stored = conn.execute("select name, every from pgq.schedules order by name").fetchall()
    assert stored == [(name, 7 * SECOND) for name in names]


def test_sync_fire_pause_and_resume_never_deadlock(conn: psycopg.Connection, start: Start) -> None:
    names = "abcdef"
    declare(conn, names, 1)

    def repeat(session: psycopg.Connection, step: Callable[[psycopg.Connection, int], Any]) -> None:
        for turn in range(25):
            step(session, turn)

    def toggle(session: psycopg.Connection, turn: int) -> None:
        function = ("pause_schedule", "resume_schedule", "run_schedule_now")[turn % 3]
        value(session, function, name=names[turn % len(names)])

    steps: list[Callable[[psycopg.Connection, int], Any]] = [
        lambda session, turn: declare(session, names, 1 + turn % 3),
        lambda session, turn: declare(session, names[::-1], 1 + turn % 2),
        lambda session, _: fire(session),
        lambda session, _: fire(session, batch_size=2),
        toggle,
    ]
    for call in [start(repeat, step) for step in steps]:
        call.result()
    assert scalar(conn, "select count(*) from pgq.schedules where problem is not null") == 0


def test_two_sessions_make_the_same_schedule(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    set_clock(conn, NOON)
    first: datetime = schedule(other, every="1 hour", args="[1]")
    making = start(schedule, every="1 hour", args="[2]")
    assert making.waits()
    other.commit()
    assert making.result() == first
    assert found(conn)["job"]["args"] == [2]
