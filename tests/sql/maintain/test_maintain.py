from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    job,
    register,
    rows,
    scalar,
    state,
    value,
    violations,
)

PARTITIONS = (
    "select count(*) from pg_inherits where inhparent = 'pgq.job_history'::regclass"
    " and inhrelid <> 'pgq.job_history_default'::regclass"
)


def health(conn: psycopg.Connection) -> dict[str, str]:
    (found,) = [row for row in rows(conn, "health") if row["name"] == "maintenance"]
    return found


def maintain(conn: psycopg.Connection) -> dict[str, int | None]:
    return {row["step"]: row["affected"] for row in rows(conn, "maintain")}


def test_every_step_is_due_at_first_and_then_not(conn: psycopg.Connection, travel: Travel) -> None:
    steps = maintain(conn)
    every: dict[str, timedelta] = dict(
        conn.execute("select step, every from pgq.maintenance").fetchall()
    )
    assert set(steps) == set(every) and {"rescue", "expire", "partition"} <= set(every)
    assert all(affected is not None and affected >= 0 for affected in steps.values())
    assert maintain(conn) == {}
    # The steps count as done just now, because a busy machine takes a while for them.
    conn.execute("update pgq.maintenance set due_at = pgq._now() + every")
    travel(min(every.values()) + timedelta(milliseconds=10))
    assert set(maintain(conn)) == {
        step for step, gap in every.items() if gap == min(every.values())
    }


@pytest.mark.slow
def test_a_step_that_fails_stops_no_other(conn: psycopg.Connection, travel: Travel) -> None:
    good = scalar(conn, "select pg_get_functiondef('pgq._expire_jobs'::regproc)")
    conn.execute(
        "create or replace function pgq._expire_jobs(batch_size bigint) returns bigint"
        " language plpgsql as $$ begin raise exception 'broken'; end $$"
    )
    steps = maintain(conn)
    assert steps.pop("expire") is None
    assert None not in steps.values() and {"rescue", "cancel", "partition", "prune"} <= set(steps)
    told = health(conn)
    assert told["status"] == "warn" and "expire (P0001: broken)" in told["reason"]
    assert "maintain()" in told["hint"]

    travel("9 seconds")
    assert "expire" not in maintain(conn)  # it does not go round and round
    travel("2 seconds")
    assert maintain(conn)["expire"] is None
    travel("12 minutes")
    maintain(conn)
    assert health(conn)["status"] == "fail"
    conn.execute(good)
    travel("11 seconds")
    assert maintain(conn)["expire"] == 0
    assert health(conn)["status"] == "ok"


@pytest.mark.slow
def test_a_clock_that_was_ahead_puts_nothing_off(conn: psycopg.Connection, travel: Travel) -> None:
    travel("1 hour")
    assert len(maintain(conn)) > 10
    travel("-1 hour")
    assert health(conn)["status"] == "warn"
    late = {"partition", "prune"}  # every hour, so an hour is not too far away
    assert len(maintain(conn)) > 10 and late.isdisjoint(maintain(conn))
    assert health(conn)["status"] == "ok"
    travel("61 minutes")
    assert late <= set(maintain(conn))


@pytest.mark.slow
def test_what_a_clock_that_was_ahead_left_behind_is_mended(
    conn: psycopg.Connection, travel: Travel
) -> None:
    travel_to_noon(conn, travel)
    value(conn, "schedule", name="often", task="work", every="1 minute", catch_up="all")
    value(conn, "schedule", name="hourly", task="work", cron="0 * * * *")
    hourly = "select next_run_at from pgq.schedules where name = 'hourly'"
    due = scalar(conn, hourly)
    ahead = timedelta(hours=20)
    travel(ahead)
    worker = register(conn, lease="30 seconds")
    lost = enqueue(conn, queue="lost")
    claim_one(conn, queues=["lost"], worker_id=worker)
    value(conn, "pause_queue", queue="q", duration="15 minutes")
    while rows(conn, "fire_due_schedules")[0]["fired"]:
        pass
    fired = scalar(conn, "select count(*) from pgq.schedule_runs where schedule = 'often'")
    travel(-ahead)

    assert maintain(conn)["clock"] == 4
    travel("11 seconds")
    assert maintain(conn)["clock"] == 0
    soon = "select max(paused_until) - pgq._now() from pgq.queues"
    assert timedelta(minutes=14) < scalar(conn, soon) < timedelta(minutes=15)
    assert scalar(conn, hourly) == due
    soon = "select next_run_at - pgq._now() from pgq.schedules where name = 'often'"
    assert timedelta(0) < scalar(conn, soon) < timedelta(minutes=1)
    travel("15 minutes")
    assert rows(conn, "fire_due_schedules")[0]["fired"] == 0  # these ticks have fired
    maintain(conn)
    assert state(conn, lost) != "running"
    travel(ahead)
    for _ in range(15):  # a hundred ticks each, most of which have fired
        rows(conn, "fire_due_schedules")
    assert scalar(conn, "select count(*) from pgq.schedule_runs where schedule = 'often'") > fired
    assert violations(conn) == []


def travel_to_noon(conn: psycopg.Connection, travel: Travel) -> None:
    """Move to tomorrow's noon (UTC), so that a few hours more are the same day, at any hour."""
    noon = "date_trunc('day', pgq._now(), 'UTC') + interval '36 hours'"
    travel(scalar(conn, f"select {noon} - pgq._now()"))


@pytest.mark.slow
def test_a_reader_of_an_old_day_holds_up_no_new_one(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    old = scalar(conn, "select to_char(pgq._now() at time zone 'UTC', '\"job_history_\"YYYYMMDD')")
    travel_to_noon(conn, travel)
    travel("30 days")
    reader = connect(autocommit=False)
    reader.execute(f"select from pgq.{old}".encode())
    steps = maintain(conn)
    assert steps["partition"] == 8 and steps["prune"] == 7
    assert scalar(conn, PARTITIONS) == 9
    assert health(conn)["status"] == "ok"
    travel("1 hour")
    assert maintain(conn)["prune"] == 0  # nothing else is left to drop
    failures = "select failures, last_error from pgq.maintenance where step = 'prune'"
    assert conn.execute(failures).fetchall() == [
        (1, "55P03: canceling statement due to lock timeout")
    ]
    assert health(conn)["status"] == "ok"  # which can wait
    reader.rollback()
    travel("11 seconds")
    assert maintain(conn)["prune"] == 1
    assert scalar(conn, PARTITIONS) == 8


@pytest.mark.slow
def test_partitions_of_others_are_left_alone(conn: psycopg.Connection, travel: Travel) -> None:
    for name, bounds in (
        ("job_history_99999999", "from ('2001-01-01 00:00+00') to ('2001-02-01 00:00+00')"),
        ("job_history_20010230", "from ('2001-02-01 00:00+00') to ('2001-03-01 00:00+00')"),
        ("job_history_20000101", "from (minvalue) to ('2000-01-01 00:00+00')"),
        ("job_history_2002", "from ('2002-01-01 00:00+00') to ('2003-01-01 00:00+00')"),
        ("archive_20030101", "from ('2003-01-01 00:00+00') to ('2003-01-02 00:00+00')"),
        ("job_history_20030102", "from ('2003-01-02 00:00+00') to ('2003-01-03 00:00+00')"),
    ):
        conn.execute(
            f"create table pgq.{name} partition of pgq.job_history for values {bounds}".encode()
        )
    travel_to_noon(conn, travel)
    later = scalar(conn, "select date_trunc('day', pgq._now(), 'UTC') + interval '735 hours'")
    conn.execute(
        "create table pgq.job_history_20 partition of pgq.job_history"
        f" for values from ('{later}') to ('{later + timedelta(hours=1)}')".encode()
    )
    travel("30 days")
    steps = maintain(conn)
    assert (
        steps["partition"] == 7 and steps["prune"] == 9
    )  # one overlaps; the last of those is ours
    left = "select count(*) from pg_inherits where inhparent = 'pgq.job_history'::regclass"
    assert scalar(conn, left) == 1 + 7 + 6
    enqueue(conn)
    complete(conn, claim_one(conn))
    travel("61 minutes")
    assert maintain(conn)["partition"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zone", "style", "start"),
    [
        ("Europe/Berlin", "German", "2026-03-20 12:00+00"),
        ("America/Sao_Paulo", "ISO, MDY", "2018-02-10 12:00+00"),
        ("Australia/Lord_Howe", "SQL, DMY", "2026-03-20 12:00+00"),
    ],
)
def test_days_are_those_of_utc_in_every_zone_and_style(
    conn: psycopg.Connection, travel: Travel, zone: str, style: str, start: str
) -> None:
    """Through both changes of clocks without an error or a gap, whatever the session says."""
    travel(scalar(conn, "select %s::timestamptz - pgq._now()", start))
    conn.execute("select pgq._drop_history_partition(partition) from pgq._history_partitions()")
    conn.execute("select set_config('timezone', %s, false)", (zone,))
    conn.execute("select set_config('datestyle', %s, false)", (style,))
    value(conn, "configure", keep_history_for="365 days")
    for _ in range(33):
        travel("168 hours")
        steps = maintain(conn)
        assert steps["partition"] in (7, 8) and steps["prune"] == 0
    made, days = conn.execute(
        "select count(*), max(day) - min(day) + 1 from pgq._history_partitions()"
    ).fetchall()[0]
    assert made == days == 32 * 7 + 8
    assert scalar(conn, PARTITIONS) == made


@pytest.mark.slow
def test_expired_jobs_end(conn: psycopg.Connection, travel: Travel) -> None:
    expired = [enqueue(conn, expires_in="1 minute"), enqueue(conn, expires_in="1 s", delay="1 s")]
    kept = enqueue(conn, expires_in="1 hour")
    tried = enqueue(conn, queue="tried", expires_in="1 minute")
    held = claim_one(conn, queues=["tried"])
    travel("2 minutes")
    assert maintain(conn)["expire"] == 2
    for job_id in expired:
        found = job(conn, job_id)
        assert (found["state"], found["attempt"]) == ("expired", 0)
    assert state(conn, kept) == "ready"
    assert held.job_id == tried
    assert complete(conn, held) == ["ok"]


def test_expired_jobs_that_others_hold_hide_none_behind_them(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    held = [enqueue(conn, expires_in="1 minute") for _ in range(3)]
    late = enqueue(conn, expires_in="2 minutes")
    travel("5 minutes")
    holder = connect(autocommit=False)
    holder.execute("select from pgq.ready where job_id = any(%s) for update", [held])
    assert scalar(conn, "select pgq._expire_jobs(2)") == 1
    assert state(conn, late) == "expired"
    assert [state(conn, job_id) for job_id in held] == ["ready"] * 3
    holder.rollback()
    assert [scalar(conn, "select pgq._expire_jobs(2)") for _ in range(3)] == [2, 1, 0]


@pytest.mark.slow
def test_a_retry_does_not_expire(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn, expires_in="1 minute", backoff="1 hour")
    held = claim_one(conn)
    rows(conn, "fail_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    travel("10 minutes")
    assert maintain(conn)["expire"] == 0
    assert state(conn, job_id) == "scheduled"


@pytest.mark.slow
def test_a_run_past_its_timeout_and_half_a_minute_fails(
    conn: psycopg.Connection, travel: Travel
) -> None:
    worker_id = register(conn, lease="1 hour")
    slow = enqueue(conn, timeout="1 minute", backoff="1 hour")
    last = enqueue(conn, timeout="1 minute", max_attempts=1)
    unlimited, patient = enqueue(conn), enqueue(conn, timeout="2 minutes")
    held = claim(conn, worker_id=worker_id)
    travel("89 seconds")
    assert maintain(conn)["timeout"] == 0
    travel("5 seconds")
    assert maintain(conn)["timeout"] == 2
    states = [state(conn, job_id) for job_id in (slow, last, unlimited, patient)]
    assert states == ["scheduled", "failed", "running", "running"]
    found = job(conn, slow)
    assert found["attempt"] == 1
    (error,) = found["errors"]
    assert (error["type"], error["worker_id"]) == ("JobTimeout", worker_id)
    assert error["message"].startswith("the job ran longer than 00:01:00")
    fence = {"ids": [one.job_id for one in held], "claim_ids": [one.claim_id for one in held]}
    orders = rows(conn, "heartbeat", worker_id=worker_id, **fence)
    assert [(order["instruction"], order["job_id"]) for order in orders] == [
        ("lost", slow),
        ("lost", last),
    ]
    assert complete(conn, *held) == ["lost", "lost", "ok", "ok"]


def test_a_long_wait_for_a_worker_is_no_run(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, timeout="1 second")
    travel("1 day")
    held = claim_one(conn)
    travel("20 seconds")
    assert maintain(conn)["timeout"] == 0
    assert complete(conn, held) == ["ok"]


@pytest.mark.slow
def test_partitions_are_made_a_week_ahead(conn: psycopg.Connection, travel: Travel) -> None:
    assert scalar(conn, PARTITIONS) >= 8
    travel_to_noon(conn, travel)
    maintain(conn)
    made = scalar(conn, PARTITIONS)
    travel("72 hours")
    assert maintain(conn)["partition"] == 3
    assert scalar(conn, PARTITIONS) == made + 3
    travel("2 hours")
    assert maintain(conn)["partition"] == 0


@pytest.mark.slow
def test_rows_of_a_missing_day_move_to_its_partition(
    conn: psycopg.Connection, travel: Travel
) -> None:
    travel("30 days")
    enqueue(conn)
    held = claim_one(conn)
    complete(conn, held)
    in_default = "select count(*) from pgq.job_history_default"
    assert scalar(conn, in_default) == 1
    maintain(conn)
    assert scalar(conn, in_default) == 0
    assert state(conn, held.job_id) == "succeeded"


@pytest.mark.slow
def test_old_days_are_dropped(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    held = claim_one(conn)
    complete(conn, held)
    travel("13 days")
    maintain(conn)
    assert state(conn, held.job_id) == "succeeded"
    travel("3 days")
    maintain(conn)
    assert state(conn, held.job_id) is None
    # The days behind, those ahead and today; days on which nothing maintained were never made.
    names = {
        name
        for (name,) in conn.execute(
            "select inhrelid::regclass::text from pg_inherits"
            " where inhparent = 'pgq.job_history'::regclass"
        )
    }
    assert "pgq.job_history_default" in names
    oldest = scalar(conn, "select to_char(pgq._now() - interval '15 days', 'YYYYMMDD')")
    assert all(name.endswith("default") or name[-8:] >= oldest for name in names)


@pytest.mark.slow
def test_a_new_day_has_the_keys_of_the_default_partition_and_no_grants(
    conn: psycopg.Connection, travel: Travel
) -> None:
    conn.execute("create index on pgq.job_history_default (task)")  # an administrator's own
    travel("9 days")
    assert maintain(conn)["partition"] >= 8
    new = scalar(conn, "select to_char(pgq._now() at time zone 'UTC', '\"job_history_\"YYYYMMDD')")
    described = (
        "select indisprimary, indisunique, indkey::text, pg_get_expr(indpred, indrelid)"
        " from pg_index where indrelid = to_regclass(%s) order by 1, 3"
    )
    ours, made = (
        conn.execute(described, (f"pgq.{name}",)).fetchall()
        for name in ("job_history_default", new)
    )
    assert made == ours and [row[:3] for row in ours if row[0]] == [(True, True, "1")]
    assert conn.execute(described, ("pgq.job_history",)).fetchall() == []
    granted = (
        "select count(*) from pg_class c join pg_inherits on inhrelid = c.oid"
        " where inhparent = 'pgq.job_history'::regclass and"
        " exists (select from aclexplode(c.relacl) where grantee <> c.relowner)"
    )
    assert scalar(conn, granted) == 0


@pytest.mark.slow
def test_old_runs_of_schedules_are_deleted(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "schedule", name="s", task="work", every="1 hour")
    travel("1 hour")
    rows(conn, "fire_due_schedules")
    travel("13 days 23 hours")
    rows(conn, "fire_due_schedules")
    assert maintain(conn)["schedule_runs"] == 0
    travel("1 hour")
    assert maintain(conn)["schedule_runs"] == 1
    left = conn.execute("select outcome from pgq.schedule_runs order by run_at").fetchall()
    assert left == [("missed",), ("enqueued",)]


@pytest.mark.slow
def test_runs_of_schedules_are_deleted_a_batch_at_a_time(
    conn: psycopg.Connection, travel: Travel
) -> None:
    conn.execute(
        "insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, message)"
        " select 's', moment, moment, 'failed', '' from generate_series("
        " pgq._now() - interval '15 days' - interval '10004 s',"
        " pgq._now() - interval '15 days', interval '1 s') as moment"
    )
    assert maintain(conn)["schedule_runs"] == 10000
    oldest = "select min(fired_at) > pgq._now() - interval '15 days 6 s' from pgq.schedule_runs"
    assert scalar(conn, oldest) is True
    travel("11 s")
    assert maintain(conn)["schedule_runs"] == 5


@pytest.mark.slow
def test_a_reader_of_the_history_puts_partitions_off(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    travel("20 days")
    reader = connect(autocommit=False)
    reader.execute("select count(*) from pgq.job_history")
    assert maintain(conn)["partition"] == 0
    reader.rollback()
    travel("11 seconds")
    assert maintain(conn)["partition"] > 0


def test_marks_come_only_with_dead_rows(conn: psycopg.Connection) -> None:
    enqueue(conn)
    assert maintain(conn)["mark"] == 0
    assert scalar(conn, "select count(*) from pgq.ready_marks") == 0
    assert len(claim(conn)) == 1


def test_ready_jobs_of_a_dump_get_a_place_in_the_order(conn: psycopg.Connection) -> None:
    """As after a restore: their transaction id is one that this server has not reached."""
    restored = enqueue(conn)
    conn.execute("update pgq.ready set ready_xid = '9000000000000'")
    assert maintain(conn)["stamp"] == 1
    newer = enqueue(conn)
    assert [claim_one(conn).job_id, claim_one(conn).job_id] == [restored, newer]


@pytest.mark.parametrize(
    ("step", "table", "young"),
    [
        (
            "schedule_runs",
            "schedule_runs (schedule, run_at, fired_at, outcome, job_id)",
            "'s', now() - n * interval '1 second', now() - n * interval '1 second', 'enqueued', n",
        ),
        ("awaited", "awaited (job_id, until_at)", "n, now() + n * interval '1 hour'"),
        ("awaited", "awaited_batches (batch_id, until_at)", "n, now() + n * interval '1 hour'"),
    ],
)
def test_a_step_reads_nothing_that_is_not_old_yet(
    conn: psycopg.Connection, step: str, table: str, young: str
) -> None:
    with conn.transaction(force_rollback=True):
        query = f"insert into pgq.{table} select {young} from generate_series(1, 20000) as n"
        conn.execute(query.encode())
        call = "select pgq._do_step(%s, 1000, false)"
        assert scalar(conn, call, step) == 0  # plans
        assert buffers(conn, call, step) < 50


def test_a_restored_waiter_that_comes_to_the_front_gets_its_slots(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """Restored waiters are in the order of their ids, whatever it was: another may fit now."""
    asked = {"concurrency_key": "k", "concurrency_limit": 3}
    light = enqueue(conn, delay="1 hour", concurrency_weight=1, **asked)
    enqueue(conn, concurrency_weight=2, **asked)
    heavy = enqueue(conn, concurrency_weight=2, **asked)
    rows(conn, "promote_due")
    travel("2 hours")
    rows(conn, "promote_due")
    assert {state(conn, each) for each in (light, heavy)} == {"blocked"}
    conn.execute(
        "update pgq.blocked set waiting_xid = (4000000000 + waiting_xid::text::bigint)::text::xid8"
    )
    assert scalar(conn, "select pgq._restamp_restored_jobs(10000)") == 2
    assert violations(conn) == []
    rows(conn, "promote_due")
    assert (state(conn, light), state(conn, heavy)) == ("ready", "blocked")
