"""complete_batch ends one job in the same way as many."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, fail, register, rows, scalar, value

_AS_MANY = """
    create or replace function pgq._complete_one(
      job_id bigint, claim_id bigint, now_at timestamptz, is_bare boolean
    ) returns bigint[] language plpgsql as $$ begin return null; end $$
"""
_STILL = """
    create or replace function pgq._now() returns timestamptz language sql
    as $$ select timestamptz '2030-01-02 03:04:05.678Z' $$
"""
_AFTER = """
    select jsonb_build_object(
      'past', (select jsonb_agg(past order by id) from pgq.job_history as past),
      'deltas', (select jsonb_agg(to_jsonb(delta) - 'xid' - 'id') from pgq.stat_deltas as delta),
      'lanes', (select jsonb_agg(to_jsonb(one) - 'ready_xid') from pgq.ready as one),
      'running', (select jsonb_agg(one order by job_id) from pgq.running as one),
      'blocked', (select jsonb_agg(one order by job_id) from pgq.blocked as one),
      'slots', (select jsonb_agg(to_jsonb(one) - 'taken_xid') from pgq.slots as one),
      'edges', (select jsonb_agg(one order by child_id) from pgq.dependencies as one),
      'notes', (select jsonb_agg(to_jsonb(one) - 'id') from pgq.releases as one),
      'batches', (select jsonb_agg(one order by id) from pgq.batches as one),
      'awaited', (select jsonb_agg(one order by job_id) from pgq.awaited as one)
    )
"""

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "all": {
        "args": '{"a": 1}',
        "headers": '{"h": 1}',
        "timeout": "9 s",
        "unique_key": "u",
        "partition_key": "p",
        "priority": 3,
        "expires_in": "1 hour",
        "max_attempts": 7,
        "backoff": "1 s",
    },
    "queued key": {"unique_key": "u", "unique_while": "queued"},
    "semaphore": {"concurrency_key": "s", "concurrency_limit": 1},
}


def outcome(conn: psycopg.Connection, ids: list[int], claims: list[int]) -> tuple[Any, Any]:
    with conn.transaction(force_rollback=True):
        return rows(conn, "complete_batch", ids=ids, claim_ids=claims), scalar(conn, _AFTER)


def same(conn: psycopg.Connection, ids: list[int], claims: list[int]) -> Any:
    """Return what both ways answer and store, after checking that it is the same."""
    one = outcome(conn, ids, claims)
    with conn.transaction(force_rollback=True):
        conn.execute(_AS_MANY)
        assert outcome(conn, ids, claims) == one
    return one


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("followed", [False, True])
def test_one_ends_as_many_do(conn: psycopg.Connection, kind: str, followed: bool) -> None:
    conn.execute(_STILL)
    worker_id = register(conn)
    enqueue(conn, **OPTIONS[kind])
    if followed:
        conn.execute("update pgq.settings set followed_until = 'infinity'")
    if kind == "all":
        fail(conn, claim_one(conn), messages=["no"], retry_in=["0 s"])
        rows(conn, "promote_due")
    if kind == "semaphore":
        enqueue(conn, **OPTIONS[kind])
        rows(conn, "promote_due")
    held = claim_one(conn, worker_id=worker_id)
    answer, after = same(conn, [held.job_id], [held.claim_id])
    assert answer == [{"job_id": held.job_id, "outcome": "ok"}]
    assert after["past"][0]["worker_id"] == worker_id and len(after["deltas"]) >= 1
    assert bool(after["deltas"][-1]["job_ids"]) == followed


@pytest.mark.parametrize("waiting", ["child", "batch", "client"])
def test_one_unblocks_as_many_do(conn: psycopg.Connection, waiting: str) -> None:
    conn.execute(_STILL)
    batch_id = value(conn, "create_batch") if waiting == "batch" else None
    job_id = enqueue(conn, batch_id=batch_id)
    if waiting == "child":
        enqueue(conn, depends_on=[job_id])
        rows(conn, "promote_due")
    elif waiting == "client":
        rows(conn, "await_jobs", ids=[job_id])
    else:
        value(conn, "close_batch", batch_id=batch_id)
    held = claim_one(conn)
    answer, after = same(conn, [held.job_id], [held.claim_id])
    assert answer[0]["outcome"] == "ok" and after["awaited"] is None


def test_one_is_refused_as_many_are(conn: psycopg.Connection) -> None:
    conn.execute(_STILL)
    enqueue(conn)
    held = claim_one(conn)
    assert same(conn, [held.job_id], [held.claim_id + 1])[0][0]["outcome"] == "lost"
    assert complete(conn, held) == ["ok"]
    assert same(conn, [held.job_id], [held.claim_id])[0][0]["outcome"] == "already"


def test_without_statistics_none_is_counted(conn: psycopg.Connection) -> None:
    conn.execute(_STILL)
    value(conn, "configure", statistics="off")
    enqueue(conn)
    held = claim_one(conn)
    assert same(conn, [held.job_id], [held.claim_id])[1]["deltas"] is None


def test_one_job_with_one_snapshot_for_all_leaves_notes(conn: psycopg.Connection) -> None:
    conn.execute(_STILL)
    enqueue(conn)
    held = claim_one(conn)
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    assert same(conn, [held.job_id], [held.claim_id])[1]["notes"][0]["parent_id"] == held.job_id
