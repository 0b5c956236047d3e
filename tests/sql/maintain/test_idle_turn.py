"""All that an idle worker asks, in one call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import Row, claim, enqueue, register, rows, scalar, value


@pytest.fixture(autouse=True)
def rested(conn: psycopg.Connection) -> None:
    """Let no step be due."""
    conn.execute("update pgq.maintenance set due_at = pgq._now() + least(every, '10 s') / 2")


def turn(conn: psycopg.Connection, worker_id: int, **options: Any) -> list[Row]:
    return rows(conn, "idle_turn", worker_id=worker_id, queues=["*"], **options)


def is_due(conn: psycopg.Connection, *steps: str, late: str = "1 ms") -> None:
    conn.execute(
        "update pgq.maintenance set due_at = pgq._now() - %s::interval where step = any(%s)",
        (late, list(steps)),
    )


def done(conn: psycopg.Connection) -> set[str]:
    """Return the steps that were done since `rested` or `is_due`."""
    found = conn.execute(
        "select step from pgq.maintenance where due_at > pgq._now() + least(every, '10 s') * 0.6"
    )
    return {step for (step,) in found}


def test_nothing_to_do_is_one_row(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    (row,) = turn(conn, worker_id)
    assert row["orders"] == [] and row["job_id"] is None and not row["must_maintain"]
    assert (row["fired"], row["promoted"], row["failed_steps"]) == (0, 0, None)
    assert scalar(conn, "select idle from pgq.workers")


def test_it_lives_where_it_is_asked_to(conn: psycopg.Connection, travel: Travel) -> None:
    worker_id = register(conn)
    registered = scalar(conn, "select heartbeat_at from pgq.workers")
    travel("5 seconds")
    (row,) = turn(conn, worker_id, lives=False, maintains=False)
    assert row["orders"] is None
    assert scalar(conn, "select heartbeat_at from pgq.workers") == registered
    value(conn, "order_worker", worker_id=worker_id, instruction="pause")
    (row,) = turn(conn, worker_id, maintains=False)
    assert row["orders"] == ["pause"]
    assert scalar(conn, "select heartbeat_at from pgq.workers") > registered


def test_due_jobs_and_due_schedules_are_claimed_at_once(
    conn: psycopg.Connection, travel: Travel
) -> None:
    worker_id = register(conn)
    enqueue(conn, "late", delay="5 seconds")
    rows(conn, "schedule", name="each", cron="* * * * *", task="each")
    travel("2 minutes")
    found = turn(conn, worker_id, batch_size=5)
    assert {row["task"] for row in found} == {"late", "each"}
    assert {(row["fired"], row["promoted"]) for row in found} == {(1, 1)}
    assert all(row["claim_id"] for row in found)
    assert scalar(conn, "select count(*) from pgq.running where worker_id = %s", worker_id) == 2


def test_without_queues_nothing_is_claimed(conn: psycopg.Connection) -> None:
    enqueue(conn)
    (row,) = rows(conn, "idle_turn", worker_id=register(conn))
    assert row["job_id"] is None and scalar(conn, "select count(*) from pgq.ready") == 1


def test_an_unknown_worker_is_told(conn: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as caught:
        turn(conn, 77)
    assert caught.value.sqlstate == "JQ004"
    (row,) = rows(conn, "idle_turn", worker_id=77)
    assert row["orders"] == ["lost"]
    (row,) = rows(conn, "idle_turn", worker_id=None)
    assert row["orders"] == ["lost"]


def test_only_the_first_three_idle_workers_come_when_a_job_is_due(conn: psycopg.Connection) -> None:
    workers = [register(conn) for _ in range(5)]
    enqueue(conn, delay="3 seconds")
    for worker_id in workers:
        turn(conn, worker_id)
    told = [turn(conn, each)[0]["next_due_at"] is not None for each in workers]
    assert told == [True, True, True, False, False]
    # Somebody else has it in hand: that one is told to come, too.
    conn.execute("update pgq.workers set idle = false where id = %s", (workers[0],))
    assert turn(conn, workers[3])[0]["next_due_at"] is not None


def test_busy_workers_do_the_maintenance_and_an_idle_one_what_is_late(
    conn: psycopg.Connection,
) -> None:
    worker_id = register(conn)
    enqueue(conn)
    claim(conn, worker_id=register(conn))
    is_due(conn, "expire", "slot", "prune")
    turn(conn, worker_id)
    assert not done(conn) & {"expire", "slot", "prune"}
    is_due(conn, "slot", late="3 seconds")
    turn(conn, worker_id)
    assert done(conn) & {"expire", "slot", "prune"} == {"slot"}


def test_while_nothing_runs_the_steps_come_later(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    for seconds, expected in ((-4, set()), (1, {"rescue", "slot", "depth"})):
        is_due(conn, "rescue", late=f"{5 + seconds} seconds")
        is_due(conn, "slot", late=f"{45 + seconds} seconds")
        is_due(conn, "depth", late=f"{10 + seconds} seconds")
        turn(conn, worker_id)
        assert done(conn) & {"rescue", "slot", "depth"} == expected


def test_a_time_that_a_wrong_clock_left_counts_as_due(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    conn.execute("update pgq.maintenance set due_at = pgq._now() + '1 year' where step = 'slot'")
    turn(conn, worker_id)
    assert scalar(
        conn, "select due_at < pgq._now() + '1 hour' from pgq.maintenance where step = 'slot'"
    )


def test_while_jobs_run_the_first_idle_workers_look_for_the_dead_each_second(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    keeps, ends = connect(), connect()
    workers = [register(conn, backend_pid=keeps.info.backend_pid) for _ in range(4)]
    other = register(conn, backend_pid=ends.info.backend_pid)
    for worker_id in workers:
        turn(conn, worker_id)
    enqueue(conn)
    claim(conn, worker_id=other)
    ends.close()
    comes = [turn(conn, each)[0]["next_due_at"] for each in workers]
    assert [at is not None for at in comes] == [True, True, True, False]
    assert comes[0] - scalar(conn, "select pgq._now()") < timedelta(seconds=1)
    for seconds in (4, 1, 2):
        travel(f"{seconds} seconds")
        is_due(conn, "rescue")
        turn(conn, workers[0])
    assert scalar(conn, "select array_agg(id order by id) from pgq.workers") == workers


def test_a_paused_worker_is_none_of_the_first(conn: psycopg.Connection) -> None:
    workers = [register(conn) for _ in range(4)]
    enqueue(conn, delay="3 seconds")
    for worker_id in workers:
        turn(conn, worker_id)
    assert turn(conn, workers[3])[0]["next_due_at"] is None
    value(conn, "order_worker", worker_id=workers[0], instruction="pause")
    assert turn(conn, workers[3])[0]["next_due_at"] is not None


def test_what_may_take_long_is_left_to_another_session(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    is_due(conn, "prune", "bulk", late="1 hour")
    (row,) = turn(conn, worker_id)
    assert row["must_maintain"] and not done(conn) & {"prune", "bulk"}
    rows(conn, "maintain")
    assert not turn(conn, worker_id)[0]["must_maintain"]
    enqueue(conn)
    rows(conn, "bulk_start", action="cancel", queue="default", starts_in="0")
    assert not turn(conn, worker_id)[0]["must_maintain"]
    assert rows(conn, "idle_turn", worker_id=worker_id)[0]["must_maintain"]


def test_a_step_that_fails_is_named(conn: psycopg.Connection) -> None:
    worker_id = register(conn)
    conn.execute(
        "create or replace function pgq._expire_slots(batch_size bigint) returns bigint"
        " language plpgsql as $$ begin raise 'out of order'; end $$"
    )
    is_due(conn, "slot", late="1 minute")
    assert turn(conn, worker_id)[0]["failed_steps"] == ["slot"]


def test_it_waits_for_nobody(conn: psycopg.Connection, connect: Connect) -> None:
    worker_id = register(conn)
    enqueue(conn)
    other = connect(autocommit=False)
    other.execute("select from pgq.ready for update")
    other.execute("select from pgq.maintenance for update")
    conn.execute("set lock_timeout = '1 s'")
    (row,) = turn(conn, worker_id)
    assert row["job_id"] is None
    other.rollback()
    assert turn(conn, worker_id)[0]["job_id"] is not None


@pytest.mark.parametrize(
    "wrong", [{"queues": ["a"] * 1001}, {"tasks": ["a"] * 10001}, {"batch_size": 0}]
)
def test_what_cannot_be_claimed_is_refused(conn: psycopg.Connection, wrong: Row) -> None:
    with pytest.raises(psycopg.Error) as caught:
        rows(conn, "idle_turn", **{"worker_id": register(conn), "queues": ["*"], **wrong})
    assert caught.value.sqlstate == "JQ002"
