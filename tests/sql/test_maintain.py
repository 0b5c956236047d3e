from __future__ import annotations

from datetime import timedelta

import psycopg

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
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
)

PARTITIONS = (
    "select count(*) from pg_inherits where inhparent = 'pgq.job_history'::regclass"
    " and inhrelid <> 'pgq.job_history_default'::regclass"
)


def maintain(conn: psycopg.Connection) -> dict[str, int]:
    return {row["step"]: row["affected"] for row in rows(conn, "maintain")}


def test_every_step_is_due_at_first_and_then_not(conn: psycopg.Connection, travel: Travel) -> None:
    steps = maintain(conn)
    every: dict[str, timedelta] = dict(
        conn.execute("select step, every from pgq.maintenance").fetchall()
    )
    assert set(steps) == set(every) and {"rescue", "expire", "partition"} <= set(every)
    assert all(affected >= 0 for affected in steps.values())
    assert maintain(conn) == {}
    travel(min(every.values()) + timedelta(milliseconds=100))
    assert set(maintain(conn)) == {
        step for step, gap in every.items() if gap == min(every.values())
    }


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
    assert scalar(conn, "select pgq._expire_due(2)") == 1
    assert state(conn, late) == "expired"
    assert [state(conn, job_id) for job_id in held] == ["ready"] * 3
    holder.rollback()
    assert [scalar(conn, "select pgq._expire_due(2)") for _ in range(3)] == [2, 1, 0]


def test_a_retry_does_not_expire(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn, expires_in="1 minute", backoff="1 hour")
    held = claim_one(conn)
    rows(conn, "fail_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    travel("10 minutes")
    assert maintain(conn)["expire"] == 0
    assert state(conn, job_id) == "scheduled"


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
    assert complete(conn, *held) == ["already", "already", "ok", "ok"]


def test_a_long_wait_for_a_worker_is_no_run(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, timeout="1 second")
    travel("1 day")
    held = claim_one(conn)
    travel("20 seconds")
    assert maintain(conn)["timeout"] == 0
    assert complete(conn, held) == ["ok"]


def travel_to_noon(conn: psycopg.Connection, travel: Travel) -> None:
    """Move to tomorrow's noon (UTC), so that a few hours more are the same day, at any hour."""
    noon = "date_trunc('day', pgq._now(), 'UTC') + interval '36 hours'"
    travel(scalar(conn, f"select {noon} - pgq._now()"))


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


def test_a_new_day_has_its_index_and_no_grants(conn: psycopg.Connection, travel: Travel) -> None:
    travel("3 days")
    maintain(conn)
    bare = (
        "select count(*) from pg_class c join pg_inherits on inhrelid = c.oid"
        " where inhparent = 'pgq.job_history'::regclass and"
        " (exists (select from aclexplode(c.relacl) where grantee <> c.relowner)"
        " or (select count(*) from pg_index where indrelid = c.oid) <>"
        " (select count(*) from pg_index where indrelid = inhparent))"
    )
    assert scalar(conn, bare) == 0


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
