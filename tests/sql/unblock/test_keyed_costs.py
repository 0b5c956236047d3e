"""What a semaphore costs, in buffers: many keys with a waiter each, and one with very many.

Each key is read once before its waiters move and once after. How many other keys and waiters there
are, and what statistics say of them, changes nothing.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import buffers, claim, enqueue_many, rows

OTHERS = 5_000
LOAD = """
    with stored as (
      insert into pgq.jobs (
        id, queue, task, priority, max_attempts, run_at, created_at, args, concurrency
      )
      select nextval('pgq.jobs_id_seq'), 'load', 'load', 0, 5, pgq._now(), pgq._now(), '{}',
        jsonb_build_object('key', 'load' || number %% %(keys)s, 'limit', 1, 'weight', 1)
      from generate_series(1, %(count)s) as number
      returning id, concurrency ->> 'key' as key
    )
    insert into pgq.blocked (job_id, queue, priority, has_parents, concurrency_key, is_new)
    select id, 'load', 0, false, key, false from stored
"""
EMPTY = "delete from pgq.jobs; delete from pgq.blocked; delete from pgq.releases"
# Of one job, on either version; a walk over the others would read some fifty pages.
MOST = {"promote keys": 35, "complete keys": 20, "promote hot": 21, "complete hot": 36}
# Indexes get a level higher.
MORE = 10
PROMOTE = "select * from pgq.promote_due()"
COMPLETE = "select * from pgq.complete_batch(%s::bigint[], %s::bigint[])"


def complete_all(conn: psycopg.Connection) -> int:
    held = claim(conn, queues=["work"])
    ids = [one.job_id for one in held]
    return buffers(conn, COMPLETE, ids, [one.claim_id for one in held])


def cost(conn: psycopg.Connection, turn: int) -> dict[str, int]:
    """Return the buffers of a job: 100 keys of one waiter, then one key with 60 and 10 slots."""
    job = {"task": "work", "queue": "work"}
    keys = [
        {**job, "concurrency_key": f"{turn}-{place}", "concurrency_limit": 1}
        for place in range(100)
    ]
    enqueue_many(conn, *keys)
    found = {"promote keys": buffers(conn, PROMOTE) // 100}
    found["complete keys"] = complete_all(conn) // 100
    hot = {**job, "concurrency_key": f"hot {turn}", "concurrency_limit": 10}
    enqueue_many(conn, *([hot] * 60))
    found["promote hot"] = buffers(conn, PROMOTE) // 10
    found["complete hot"] = complete_all(conn) // 10
    while held := claim(conn, queues=["work"]):
        conn.execute(COMPLETE, ([one.job_id for one in held], [one.claim_id for one in held]))
    return found


def least(conn: psycopg.Connection, turn: int) -> dict[str, int]:
    """Return the least of five: a call in sixteen also stores marks, by chance."""
    each = [cost(conn, turn + place) for place in range(5)]
    return {call: min(one[call] for one in each) for call in each[0]}


@pytest.mark.slow
@pytest.mark.parametrize("keys", [1, OTHERS], ids=["one key", "many keys"])
@pytest.mark.parametrize("statistics", ["fresh", "stale", "absent"])
def test_a_keyed_job_costs_the_same_beside_many(
    conn: psycopg.Connection, keys: int, statistics: str
) -> None:
    if statistics == "stale":
        conn.execute(LOAD, {"keys": keys, "count": 100})
        conn.execute("analyze")
    before = least(conn, 0)
    conn.execute(LOAD, {"keys": keys, "count": OTHERS})
    if statistics == "fresh":
        conn.execute("analyze")
    rows(conn, "promote_due")
    after = least(conn, 10)
    grown = {call: after[call] - before[call] for call in before}
    assert max(grown.values()) <= MORE, (before, after)
    assert [call for call in MOST if after[call] > MOST[call]] == [], after
    conn.execute(EMPTY)
