"""A claim does not read again what it could not take: jobs of tasks that no worker knows."""

from __future__ import annotations

import itertools
import random

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Server
from tests.sql.calls import (
    buffers,
    claim,
    complete,
    enqueue,
    enqueue_many,
    register,
    rows,
    scalar,
    violations,
)

UNKNOWN = """
    select count(*) from pgq.enqueue_many((
      select jsonb_agg(jsonb_build_object('task', 'unknown', 'queue', %s::text))
      from generate_series(1, %s)
    ))
"""
CLAIM = "select * from pgq.claim_batch(array[%s], tasks => array['known', 'other'])"
# What a claim that has a mark may read more than one in an empty lane.
MORE = 60

MANY = """
    create or replace function pgq._many_are_ready()
      returns boolean language sql stable set search_path = pg_catalog, pg_temp
    as 'select true'
"""
"""Lets claims make marks in a short lane, too."""


def unknown(conn: psycopg.Connection, count: int, queue: str = "default") -> None:
    conn.execute(UNKNOWN, (queue, count))
    conn.execute("select pg_stat_force_next_flush()")


def empty(conn: psycopg.Connection, selector: str) -> int:
    """Return the buffers of an empty claim; the first ones make a mark and read the catalog."""
    found = [buffers(conn, CLAIM, selector) for _ in range(3)]
    return found[-1]


@pytest.mark.slow
@pytest.mark.parametrize("selector", ["default", "*"])
@pytest.mark.parametrize("statistics", ["fresh", "stale", "absent"])
def test_an_empty_claim_costs_the_same_behind_any_number_of_unknown_tasks(
    conn: psycopg.Connection, statistics: str, selector: str
) -> None:
    if statistics == "stale":
        unknown(conn, 100)
        conn.execute("analyze")
    before = empty(conn, selector)
    unknown(conn, 10_000)
    unknown(conn, 500, "second")
    if statistics == "fresh":
        conn.execute("analyze")
    for _ in range(2):
        assert empty(conn, selector) <= before + MORE
        unknown(conn, 3000)
    job_id = enqueue(conn, "known")
    (held,) = claim(conn, [selector], tasks=["other", "known"])
    assert held.job_id == job_id
    assert complete(conn, held) == ["ok"]
    assert violations(conn) == []
    assert claim(conn, [selector], batch_size=1, tasks=["unknown"])
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'task_mark'")
    conn.execute("delete from pgq.ready; delete from pgq.jobs; delete from pgq.running")


def test_a_known_job_in_front_is_claimed_without_a_look_at_all_others(
    conn: psycopg.Connection,
) -> None:
    unknown(conn, 5000)
    for _ in range(3):
        assert claim(conn, ["default"], tasks=["known", "other"]) == []
    few, many = (CLAIM.replace("tasks", f"batch_size => {size}, tasks") for size in (1, 100))
    for query in (few, many, few, many):
        enqueue(conn, "known", priority=-1)
        read = buffers(conn, query, "default")
    assert read <= MORE + 40
    assert scalar(conn, "select count(*) from pgq.running") == 4
    conn.execute("delete from pgq.ready; delete from pgq.jobs; delete from pgq.running")


def test_marks_of_tasks_go_when_the_lane_is_short(conn: psycopg.Connection) -> None:
    conn.execute(MANY)
    unknown(conn, 300)
    assert claim(conn, tasks=["known"]) == []
    assert scalar(conn, "select count(*) from pgq.task_marks") == 1
    assert claim(conn, tasks=["known"]) == []
    assert scalar(conn, "select count(*) from pgq.task_marks") == 1
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'task_mark'")
    conn.execute(
        "create or replace function pgq._many_are_ready() returns boolean language sql stable"
        " set search_path = pg_catalog, pg_temp as 'select false'"
    )
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.task_marks") == 0


def test_a_mark_of_tasks_hides_no_job_that_commits_late(
    conn: psycopg.Connection, connect: Connect
) -> None:
    conn.execute(MANY)
    early, late = connect(autocommit=False), connect(autocommit=False)
    first = enqueue(early, "known")
    unknown(conn, 300)
    last = enqueue(late, "known")
    unknown(conn, 300)
    for _ in range(3):
        assert claim(conn, tasks=["known"]) == []
        unknown(conn, 250)
    late.commit()
    assert [held.job_id for held in claim(conn, tasks=["known"])] == [last]
    early.commit()
    assert [held.job_id for held in claim(conn, tasks=["known"])] == [first]


TASKS = ("a", "b", "c")
TAKEN = """
    select array(
        select job_id from pgq.ready
        where queue = any(%(queues)s) and task = any(%(tasks)s) order by job_id
      ),
      array(
        select lane.job_id
        from pgq._ready_parts(%(queues)s, %(tasks)s) as part
        cross join lateral (
          select * from pgq.ready as lane
          where lane.queue = part.queue
            and (lane.priority, lane.ready_xid, lane.job_id)
              >= (part.priority, part.ready_xid, part.job_id)
            and lane.priority < part.below
            and (lane.priority, lane.ready_xid) <= (part.below - 1, part.last_xid)
        ) as lane
        where lane.task = any(%(tasks)s) order by job_id
      )
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_marks_of_tasks_hide_no_job_from_any_session_at_any_time(
    conn: psycopg.Connection, connect: Connect, server: Server, seed: int
) -> None:
    """At random, sessions enqueue, claim some tasks, commit and roll back; all marks move."""
    conn.execute(MANY)
    conn.execute(
        "create or replace function pgq._dead_rows_pile_up(relation regclass,"
        " at_least bigint default 1000) returns boolean language sql stable"
        " set search_path = pg_catalog, pg_temp as 'select true'"
    )
    rng = random.Random(seed)
    queues = ["default", "second"]
    register(conn, queues=queues)
    for queue, priority in itertools.product(queues, (0, 3)):
        enqueue_many(conn, *[{"task": "unknown", "queue": queue, "priority": priority}] * 200)
    sessions = [connect(autocommit=False) for _ in range(5)]
    for _ in range(150):
        session = rng.choice([*sessions, conn])
        tasks, act = rng.sample(TASKS, rng.randint(1, 2)), rng.random()
        queue = rng.choice(queues)
        if act < 0.35:
            enqueue(session, rng.choice(TASKS), queue=queue, priority=rng.choice((0, 3, -1)))
        elif act < 0.45:
            enqueue_many(session, *[{"task": "unknown", "queue": queue}] * 100)
        elif act < 0.8:
            claim(session, rng.choice(([queue], ["*"])), rng.randint(1, 9), tasks=tasks)
        elif act < 0.85:
            conn.execute("select pgq._advance_marks()")
        else:
            (session.commit if act < 0.95 else session.rollback)()
        given = {"queues": queues, "tasks": tasks}
        for everything, seen in (*conn.execute(TAKEN, given), *session.execute(TAKEN, given)):
            assert everything == seen
    older = scalar(conn, "select count(*) from pgq.task_marks where true = any(are_older)")
    assert older or server.major < 18
    for session in sessions:
        session.commit()
    assert violations(conn) == []
