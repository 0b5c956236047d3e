"""The two ways of a claim, for the usual case and for all cases, take the same jobs."""

from __future__ import annotations

import random
import re
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import enqueue, register, rows, scalar, value

_ANY_CASE = """
    create or replace function pgq._plain_queue(
      selectors text[], tasks text[], looks boolean, now_at timestamptz
    ) returns text language plpgsql stable as $$ begin return null; end $$
"""
_AFTER = """
    select jsonb_build_object(
      'ready', (select jsonb_agg(lane order by job_id) from pgq.ready as lane),
      'running', (
        select jsonb_agg(to_jsonb(lane) - 'claim_id' - 'claimed_at' - 'limited_xid' order by job_id)
        from pgq.running as lane
      ),
      'keys', (select jsonb_agg(to_jsonb(job) order by id) from pgq.jobs as job),
      'scopes', (select jsonb_agg(scope order by job_id) from pgq.queued_keys as scope),
      'idle', (select jsonb_agg(idle order by id) from pgq.workers)
    )
"""


def outcome(conn: psycopg.Connection, claim: dict[str, Any]) -> tuple[list[Any], Any]:
    """Claim and return what was answered, and what is stored then; nothing of it stays."""
    with conn.transaction(force_rollback=True):
        conn.execute("select setseed(0.5)")
        answer = [
            {name: one for name, one in row.items() if name != "claim_id"}
            for row in rows(conn, "claim_batch", **claim)
        ]
        return answer, scalar(conn, _AFTER)


def fill(conn: psycopg.Connection, chance: random.Random) -> None:
    names = chance.choice([["a"], ["a"], ["a", "b"]])
    for number in range(chance.randint(0, 8)):
        options: dict[str, Any] = {"queue": chance.choice(names)}
        options["priority"] = chance.choice([0, 0, 1, -1])
        if chance.random() < 0.2:
            options |= {"unique_key": f"k{number}", "unique_while": "queued"}
        if chance.random() < 0.2:
            options["expires_in"] = "1 hour"
        enqueue(conn, chance.choice(["t", "t", "u"]), partition_key=f"p{number % 3}", **options)
    if chance.random() < 0.5:
        conn.execute("update pgq.ready set expires_at = '2000-01-01' where expires_at is not null")


QUEUES = {
    "plain": "select",
    "paused": "select pgq.pause_queue('a')",
    "paused task": "select pgq.pause_task('t')",
    "paused other task": "select pgq.pause_task('u'), pgq.pause_task('v')",
    "resumed task": "select pgq.pause_task('t'), pgq.resume_task('t')",
    "resumed": "select pgq.pause_queue('a'), pgq.resume_queue('a')",
    "few": "select pgq.configure_queue('a', max_running => 2)",
    "fair": "select pgq.configure_queue('a', fair => true)",
    "slow": "select pgq.configure_queue('a', rate_limit => 3, rate_interval => '1 hour')",
    "marked": "insert into pgq.ready_marks values ('a', 0, '3', 0)",
}


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("seed", range(2))
def test_both_ways_take_the_same_jobs(
    conn: psycopg.Connection, connect: Connect, seed: int, queue: str
) -> None:
    chance = random.Random(f"{seed} {queue}")
    worker_id = register(conn)
    fill(conn, chance)
    conn.execute(QUEUES[queue].encode())
    some = "select coalesce(array_agg(job_id), '{}') from pgq.ready where job_id %% 4 = %s"
    held = scalar(conn, some, chance.randint(0, 6))
    claims = [
        {"queues": queues, "tasks": tasks, "batch_size": size, "worker_id": worker}
        for queues in (["a"], ["*"], ["b", "a"], ["a*"])
        for tasks in (None, ["t"], ["u", "x"])
        for size in (1, 3)
        for worker in [chance.choice([worker_id, None])]
    ]
    other = connect()
    with other.transaction(force_rollback=True):
        other.execute("select from pgq.ready where job_id = any(%s) for update", [held])
        usual = [outcome(conn, claim) for claim in claims]
        with conn.transaction(force_rollback=True):
            conn.execute(_ANY_CASE)
            assert [outcome(conn, claim) for claim in claims] == usual
    conn.execute("delete from pgq.ready_marks")


@pytest.mark.parametrize(
    ("queues", "size", "found"),
    [(["a"], 1, "a"), (["a"], 9, "a"), (["*"], 1, "a"), (["b"], 9, ""), (["a*"], 1, None)],
)
def test_the_usual_case_is_found(
    conn: psycopg.Connection, queues: list[str], size: int, found: str | None
) -> None:
    """Else the test above would compare a way with itself."""
    enqueue(conn, queue="a")
    arguments = {"selectors": queues, "tasks": ["work"], "looks": size > 1, "now_at": "now"}
    assert value(conn, "_plain_queue", **arguments) == found


def test_each_column_of_a_queue_is_thought_of(conn: psycopg.Connection) -> None:
    """A new limit of a queue must keep its claims from the way for the usual case."""
    (source,) = conn.execute(
        "select prosrc from pg_proc where oid = 'pgq._plain_queue'::regproc"
    ).fetchone() or ("",)
    asked = set(re.findall(r"configured\.(\w+)", source))
    harmless = {"backoff", "paused_until", "pauses", "rate_burst", "rate_interval"}
    columns = scalar(
        conn,
        "select array_agg(attname::text) from pg_attribute"
        " where attrelid = 'pgq.queues'::regclass and attnum > 0 and not attisdropped",
    )
    assert set(columns) == asked | harmless
