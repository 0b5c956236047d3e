"""What a job costs does not depend on how the rows of others are spread.

One parent with thousands of children, one child with thousands of parents, one semaphore with
thousands of waiters, one batch with thousands of jobs: then ANALYZE sees a single value in a
column, and a planner that believes it may walk over an index in which that column comes second, or
over one that only has the right order. Counted are the buffers of calls that have nothing to do
with those rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.sql.calls import buffers, claim_one, enqueue, rows, scalar

MANY = 10_000
# Indexes get a level higher, and some are looked into ten times; a walk over a load reads 50 pages.
MORE = 35

JOBS = """
    insert into pgq.jobs (
      id, queue, task, priority, max_attempts, run_at, created_at, args, depends_on, batch_id,
      concurrency, partition_key
    )
    select nextval('pgq.jobs_id_seq'), 'load', 'load', 0, 5, pgq._now(), pgq._now(), '{}',
      array_remove(array[%(parent)s::bigint], null), %(batch)s, %(concurrency)s, %(tenant)s
    from generate_series(1, %(count)s)
    returning id
"""
BLOCKED = """
    insert into pgq.blocked (job_id, queue, priority, has_parents, concurrency_key, is_new)
    select id, 'load', 0, %(key)s::text is null, %(key)s, false from unnest(%(ids)s) as id
"""
SCHEDULED = """
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select unnest(%(ids)s::bigint[]), pgq._now() + interval '1 day', 0, 'load'
"""
READY = """
    insert into pgq.ready (queue, priority, job_id, task, ready_at, partition_key)
    select 'load', 0, unnest(%(ids)s::bigint[]), 'load', pgq._now(), 'load'
"""
EDGES = """
    insert into pgq.dependencies (child_id, parent_id, outlasts_failure)
    select child, parent, %(outlasts)s
    from unnest(%(children)s::bigint[]) as child, unnest(%(parents)s::bigint[]) as parent
"""
EMPTY = """
    delete from pgq.jobs; delete from pgq.ready; delete from pgq.blocked; delete from pgq.scheduled;
    delete from pgq.slots; delete from pgq.dependencies; delete from pgq.batches;
    delete from pgq.releases
"""


def jobs(conn: psycopg.Connection, count: int, **of: object) -> list[int]:
    """Store rows of jobs, and nothing else; no job of a load ever runs."""
    options = {"parent": None, "batch": None, "concurrency": None, "tenant": None, **of}
    return [row[0] for row in conn.execute(JOBS, {"count": count, **options})]


def first(conn: psycopg.Connection) -> int | None:
    found: int | None = scalar(conn, "select min(id) from pgq.jobs where queue = 'load'")
    return found


def children(conn: psycopg.Connection, count: int, outlasts: bool = False) -> None:
    parent = first(conn) or enqueue(conn, queue="load", delay="1 day")
    ids = jobs(conn, count, parent=parent)
    conn.execute(BLOCKED, {"ids": ids, "key": None})
    conn.execute(EDGES, {"children": ids, "parents": [parent], "outlasts": outlasts})


def parents(conn: psycopg.Connection, count: int) -> None:
    child = first(conn)
    if child is None:
        (child,) = jobs(conn, 1, parent=1)
        conn.execute(BLOCKED, {"ids": [child], "key": None})
    ids = jobs(conn, count)
    conn.execute(SCHEDULED, {"ids": ids})
    conn.execute(EDGES, {"children": [child], "parents": ids, "outlasts": False})


def waiters(conn: psycopg.Connection, count: int) -> None:
    ids = jobs(conn, count, concurrency='{"key": "load", "limit": 1, "weight": 1}')
    conn.execute(BLOCKED, {"ids": ids, "key": "load"})


def batch(conn: psycopg.Connection, count: int) -> None:
    known = scalar(conn, "select min(id) from pgq.batches")
    ids = jobs(conn, count, batch=known or scalar(conn, "select pgq.create_batch()"))
    conn.execute(SCHEDULED, {"ids": ids})


def tenant(conn: psycopg.Connection, count: int) -> None:
    known = scalar(conn, "select min(id) from pgq.batches")
    conn.execute(READY, {"ids": jobs(conn, count, tenant="load", batch=known)})


def outlasting_children_and_waiters(conn: psycopg.Connection, count: int) -> None:
    children(conn, count, outlasts=True)
    waiters(conn, count)


def batch_and_tenant(conn: psycopg.Connection, count: int) -> None:
    batch(conn, count)
    tenant(conn, count // 2)


LOADS = (children, parents, outlasting_children_and_waiters, batch_and_tenant)
SETTLE = "select * from pgq.{call}_batch(array[%s::bigint], array[%s::bigint])"
PROMOTE = "select * from pgq.promote_due()"
CANCEL = "select * from pgq.cancel(array[%s::bigint])"
CLAIM = "select * from pgq.claim_batch(array['load'], batch_size => 2)"


def cost(conn: psycopg.Connection) -> dict[str, int]:
    """Return the buffers of calls in the lives of a few jobs that are no part of a load."""
    found: dict[str, int] = {}

    def count(name: str, call: str = "complete") -> None:
        held = claim_one(conn, queues=["work"])
        found[name] = buffers(conn, SETTLE.format(call=call), held.job_id, held.claim_id)

    def new(**options: Any) -> int:
        return enqueue(conn, queue="work", max_attempts=1, **options)

    new()
    count("complete")
    new()
    count("fail", "fail")
    alone = new()
    count("release", "release")
    rows(conn, "discard", ids=[alone])
    for end in ("complete", "fail"):
        parent = new()
        others = [
            new(depends_on=[parent], on_parent_failure=then) for then in ("run", "wait", "cancel")
        ]
        found[f"children, {end}"] = buffers(conn, PROMOTE)
        count(f"{end} a parent", end)
        found[f"promote, {end}"] = buffers(conn, PROMOTE)
        rows(conn, "discard", ids=[parent])
        found[f"discarded, {end}"] = buffers(conn, PROMOTE)
        found[f"cancel, {end}"] = buffers(conn, CANCEL, others[1])
        rows(conn, "cancel", ids=others)
    for _ in range(2):
        new(concurrency_key="one", concurrency_limit=1)
    found["promote a key"] = buffers(conn, PROMOTE)
    count("complete a holder")
    count("complete the last holder")
    made = scalar(conn, "select pgq.create_batch()")
    new(batch_id=made)
    conn.execute("select pgq.close_batch(%s)", (made,))
    count("finish a batch")
    with conn.transaction(force_rollback=True):
        enqueue(conn, queue="load", partition_key="other")
        found["claim in turn"] = buffers(conn, CLAIM)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("add", LOADS)
@pytest.mark.parametrize("statistics", ["fresh", "stale", "absent"])
def test_a_job_costs_the_same_however_the_rows_of_others_are_spread(
    conn: psycopg.Connection, add: Callable[[psycopg.Connection, int], None], statistics: str
) -> None:
    rows(conn, "configure_queue", queue="load", fair=True)
    if statistics == "stale":
        add(conn, 100)
        conn.execute("analyze")
    cost(conn)
    before = cost(conn)
    add(conn, MANY)
    if statistics == "fresh":
        conn.execute("analyze")
    # A call in sixteen also stores marks, by chance.
    after = [cost(conn) for _ in range(5)]
    grown = {call: min(one[call] for one in after) - before[call] for call in before}
    assert [call for call in grown if grown[call] > MORE] == [], grown
    conn.execute(EMPTY)
