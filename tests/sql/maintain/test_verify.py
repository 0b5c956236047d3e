"""Every kind of damage is found. The damage is rolled back: `sound` checks the database after."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    fail,
    outcomes,
    register,
    rows,
    violations,
)


def populate(conn: psycopg.Connection) -> None:
    """Make jobs of every state, in every lane."""
    worker_id = register(conn)
    for _ in range(3):
        enqueue(conn, "a", max_attempts=1)
    done, failed, _ = claim(conn, worker_id=worker_id)
    complete(conn, done)
    fail(conn, failed)
    enqueue(conn, "ready", unique_key="k")
    enqueue(conn, "later", delay="1 hour")
    outcomes(conn, "cancel", enqueue(conn))
    keyed: dict[str, Any] = {"queue": "keyed", "concurrency_key": "s", "concurrency_limit": 2}
    parent, *_ = [enqueue(conn, **keyed) for _ in range(3)]
    enqueue(conn, depends_on=[parent])
    enqueue(conn, depends_on=[parent], on_parent_failure="wait")
    rows(conn, "promote_due")


@pytest.mark.slow
def test_nothing_is_wrong_with_jobs_of_every_state(conn: psycopg.Connection) -> None:
    assert violations(conn) == []
    populate(conn)
    assert violations(conn) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("delete from pgq.ready", "live job in no lane"),
        ("delete from pgq.scheduled", "live job in no lane"),
        ("delete from pgq.running", "live job in no lane"),
        (
            "insert into pgq.scheduled select job_id, now(), priority, queue from pgq.ready",
            "live job in several lanes",
        ),
        (
            "insert into pgq.running select job_id, 1, null, queue, task, ready_at, ready_at"
            " from pgq.ready",
            "live job in several lanes",
        ),
        ("delete from pgq.jobs", "lane row without a job"),
        ("update pgq.ready set queue = 'x'", "lane row that differs from its job"),
        ("update pgq.jobs set attempt = max_attempts", "job with more attempts than it may have"),
        ("update pgq.jobs set attempt = -1", "job with more attempts than it may have"),
        ("update pgq.ready set priority = 9", "lane row that differs from its job"),
        ("update pgq.ready set task = 'x'", "lane row that differs from its job"),
        ("update pgq.scheduled set run_at = now()", "lane row that differs from its job"),
        ("update pgq.scheduled set priority = 9", "lane row that differs from its job"),
        ("update pgq.running set queue = 'x'", "lane row that differs from its job"),
        (
            "insert into pgq.job_history select (jsonb_populate_record(null::pgq.job_history,"
            " to_jsonb(past) || jsonb_build_object('id', ready.job_id))).*"
            " from pgq.job_history past, pgq.ready where past.state = 'succeeded'",
            "job both live and finished",
        ),
        (
            # The same day's partition has a key; another day's takes it.
            "insert into pgq.job_history select (jsonb_populate_record(past, jsonb_build_object("
            "'finished_at', finished_at + interval '24 hours'))).* from pgq.job_history past",
            "job finished more than once",
        ),
        (
            "update pgq.job_history set state = 'ready'",
            "finished job whose state is not final, or does not fit",
        ),
        (
            "update pgq.job_history set state = 'expired', attempt = 1",
            "finished job whose state is not final, or does not fit",
        ),
        (
            "update pgq.job_history set state = 'failed', result = '1'",
            "finished job whose state is not final, or does not fit",
        ),
        ("update pgq.running set worker_id = 999", "claim of an unknown worker"),
        ("update pgq.jobs set id = id + 1000000", "job id above the sequence"),
        ("delete from pgq.dependencies", "blocked by parents, but has none"),
        (
            "update pgq.blocked set has_parents = false, concurrency_key = 's'",
            "parents of a job that is not blocked by them",
        ),
        (
            "delete from pgq.jobs where queue = 'keyed'",
            "waits for a parent that has ended, and nobody knows",
        ),
        (
            "insert into pgq.slots select job_id, 's', 1 from pgq.scheduled",
            "slot of a job that is neither ready nor running",
        ),
        ("delete from pgq.slots", "waits for a semaphore that has room, and nobody knows"),
        ("update pgq.slots set weight = 2", "slot or blocked row that differs from its job"),
        ("update pgq.blocked set discard = true", "slot or blocked row that differs from its job"),
        (
            "update pgq.blocked set concurrency_key = 't' where not has_parents",
            "slot or blocked row that differs from its job",
        ),
        (
            "insert into pgq.ready_marks (queue, priority, ready_xid, job_id)"
            " select queue, priority, pg_current_xact_id(), 0 from pgq.ready where task = 'ready'",
            "ready job below its mark",
        ),
    ],
    ids=lambda text: text[:60],
)
def test_damage_is_found(conn: psycopg.Connection, damage: str, found: str) -> None:
    populate(conn)
    with conn.transaction(force_rollback=True):
        conn.execute(damage.encode())
        assert found in violations(conn)
