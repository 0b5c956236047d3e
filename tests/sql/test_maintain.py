from __future__ import annotations

from datetime import timedelta

import psycopg

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, claim_one, complete, enqueue, job, rows, scalar, state

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


def test_a_retry_does_not_expire(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn, expires_in="1 minute", backoff="1 hour")
    held = claim_one(conn)
    rows(conn, "fail_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    travel("10 minutes")
    assert maintain(conn)["expire"] == 0
    assert state(conn, job_id) == "scheduled"


def test_partitions_are_made_a_week_ahead(conn: psycopg.Connection, travel: Travel) -> None:
    assert scalar(conn, PARTITIONS) == 8
    travel("3 days")
    assert maintain(conn)["partition"] == 3
    assert scalar(conn, PARTITIONS) == 11
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
