"""Every way to enqueue the same job leaves the same rows, though each goes a way of its own.

In one transaction, whose number the ready lane keeps.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.sql.calls import enqueue, enqueue_many, value

ROWS = """
    select to_jsonb(job) - '{id,created_at,run_at}'::text[],
      job.run_at = job.created_at as is_due,
      to_jsonb(lane) - '{job_id,ready_at}'::text[],
      lane.ready_at = job.created_at as is_ready,
      (select count(*) from pgq.all_jobs as all_jobs where all_jobs.id = job.id)
    from pgq.jobs as job
    join pgq.ready as lane on lane.job_id = job.id
    where job.id = any(%s)
    order by job.id
"""
DEFAULTS: tuple[dict[str, Any], ...] = (
    {"priority": 0},
    {"max_attempts": 5},
    {"depends_on": []},
    {"delay": "0"},
)
QUEUES: dict[str, dict[str, Any]] = {
    "unknown": {},
    "ordinary": {"max_running": 5},
    "fair": {"fair": True},
    "per key": {"rate_limit": 3, "rate_per_key": True},
    "with backoff": {"backoff": "1 minute"},
}


def ways(conn: psycopg.Connection, **given: Any) -> list[int]:
    """Enqueue the same job in every way: without options, with one more each, and in bulk."""
    bulk = enqueue_many(conn, {"task": "work", **given}, {"task": "work", **given, "priority": 0})
    return [
        enqueue(conn, **given),
        *(enqueue(conn, **given, **option) for option in DEFAULTS),
        *(job_id for job_id, _ in bulk),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("others", [True, False])
def test_the_same_rows(conn: psycopg.Connection, queue: str, others: bool) -> None:
    """Whether or not there are other queues that serve keys in turn."""
    if others:
        value(conn, "configure_queue", queue="other", fair=True)
    if QUEUES[queue]:
        value(conn, "configure_queue", queue=queue, **QUEUES[queue])
    with conn.transaction():
        ids = ways(conn, queue=queue)
    found = conn.execute(ROWS.encode(), (ids,)).fetchall()
    assert len(found) == len(ids)
    assert all(row == found[0] for row in found), found
    assert found[0][1] and found[0][3]
    in_turn = queue in ("fair", "per key")
    assert (found[0][2]["partition_key"] is not None) == in_turn


def test_the_same_rows_in_the_default_queue(conn: psycopg.Connection) -> None:
    args: dict[str, Any] = {"a": [1, None]}
    with conn.transaction():
        (bulk,) = enqueue_many(conn, {"task": "work", "args": args})
        ids = [
            enqueue(conn, args=json.dumps(args)),
            enqueue(conn, args=json.dumps(args), queue="default"),
            enqueue(conn, args=json.dumps(args), priority=0),
            bulk[0],
        ]
    found = conn.execute(ROWS.encode(), (ids,)).fetchall()
    assert len(found) == len(ids)
    assert all(row == found[0] for row in found), found


@pytest.mark.parametrize("bad", [{"task": ""}, {"task": None}, {"queue": ""}, {"args": "["}])
def test_the_same_error(conn: psycopg.Connection, bad: dict[str, Any]) -> None:
    errors = []
    for option in ({}, *DEFAULTS):
        with pytest.raises(psycopg.Error) as caught:
            value(conn, "enqueue", **{"task": "work", **bad}, **option)
        errors.append((caught.value.sqlstate, str(caught.value.diag.message_primary)))
    assert len(set(errors)) == 1
