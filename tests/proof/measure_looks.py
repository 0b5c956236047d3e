"""Measure looks: python -m tests.proof.measure_looks [--dsn DSN] [--history N] ...; judges nothing.

Fills a database with a million ready jobs, 200,000 scheduled ones and ten million finished ones, in
50 queues and of 500 tasks, and prints what each list, count and view reads: pages of tables and
indexes (which hardly depend on the machine), rows and milliseconds. Without --dsn on a temporary
server of its own; with --dsn in a database of its own on that server, dropped at the end; with
--keep in that very database, which has pgq's schema, is filled if it has no jobs, and stays. Takes
some minutes and 6 GB; --history 100000 --ready 10000 --scheduled 2000 takes seconds. --json writes
a file for tests.proof.bench.write_docs.

Nothing is analyzed, so that the plans are those of a bad day.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from tests.proof.measure_engine import database

QUEUES, TASKS, DAYS = 50, 500, 30


class Sizes(NamedTuple):
    """How many jobs there are of each kind."""

    history: int
    ready: int
    scheduled: int
    # How many jobs a list may look at.
    look: int = 10_000
    # For how long statistics have been counted.
    hours: int = 24


# Ids rise with time, and jobs that were enqueued together end within two hours of each other. A
# twentieth of the queues has half of the jobs. One in a hundred has failed, in 200 kinds of errors.
# The oldest thousand belong to one batch, are of a task of their own, and have a key.
HISTORY = """
    insert into pgq.job_history (
      id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, ready_at,
      claimed_at, finished_at, worker_id, claim_id, unique_key, batch_id, args, headers, errors)
    select n,
      case when n % 100 = 7 then 'failed' when n % 2000 = 11 then 'cancelled'
        when n % 2000 = 12 then 'expired' else 'succeeded' end,
      'q' || (n * 7919 / 100 % {queues}) / (1 + n % 2 * 19), 't' || n * 104729 / 100 % {tasks},
      0, case when n % 2000 = 12 then 0 else 1 end, 5, began_at, began_at, began_at, began_at,
      least(pgq._now(), began_at + n * 31 % 7200 * interval '1 second'), 1 + n % 20, n,
      case when n <= 1000 then 'k' || n end, case when n <= 1000 then 1 end,
      jsonb_build_object('user_id', n), jsonb_build_object('tenant', n % 1000),
      case when n % 100 = 7 then jsonb_build_array(jsonb_build_object(
        'type', 'E' || n / 100 % 200, 'fingerprint', 'f' || n / 100 % 200,
        'message', 'something went wrong with ' || n, 'attempt', 1,
        'traceback', repeat(md5(n::text), 20)))
      end
    from generate_series({first}::bigint, {last}) as n
    cross join lateral (
      select pgq._now() - {days} * interval '24 hours' * (1 - n::float8 / {history}) as began_at
    ) as clock
"""
LIVE = """
    insert into pgq.jobs (
      id, queue, task, priority, max_attempts, run_at, created_at, unique_key, batch_id, args,
      headers)
    select {history} + n, 'q' || (n * 7919 / 100 % {queues}) / (1 + n % 2 * 19),
      't' || n * 104729 / 100 % {tasks}, n % 3, 5, pgq._now(), pgq._now(),
      case when n % 10 = 0 then 'live' || n end, case when n <= 1000 then 2 end,
      jsonb_build_object('user_id', n), jsonb_build_object('tenant', n % 1000)
    from generate_series(1::bigint, {live} + 2000) as n;
    -- Six ready ones to a scheduled one; at the end a thousand blocked and a thousand running ones.
    insert into pgq.scheduled (job_id, run_at, priority, queue)
    select id, run_at + interval '1 day', priority, queue
    from pgq.jobs
    where (id - {history}) % ({live} / {scheduled}) = 0 and id <= {history} + {live};
    insert into pgq.ready (queue, priority, job_id, task, ready_at)
    select queue, priority, id, task, created_at
    from pgq.jobs
    where (id - {history}) % ({live} / {scheduled}) > 0 and id <= {history} + {live};
    insert into pgq.blocked (job_id, queue, priority, has_parents, concurrency_key, is_new)
    select id, queue, priority, false, 'key', false
    from pgq.jobs
    where id > {history} + {live} and id <= {history} + {live} + 1000;
    insert into pgq.running (job_id, claim_id, worker_id, queue, task, ready_at, claimed_at)
    select id, id, 1 + id % 20, queue, task, created_at, created_at
    from pgq.jobs
    where id > {history} + {live} + 1000;
    -- One queue with few jobs, the first of all.
    update pgq.ready set queue = 'rare' where job_id <= {history} + 20;
    update pgq.jobs set queue = 'rare'
    where id in (select job_id from pgq.ready where queue = 'rare');
    select setval('pgq.jobs_id_seq', {history} + {live} + 2000);
"""
# What settles of the last day left: each minute a tenth of the tasks, each in a queue of its own,
# and errors of 200 kinds.
COUNTED = """
    insert into pgq.stat_deltas (
      minute, jobs, wait_us, run_us, queue, task, outcome, waits, runs, error)
    select date_trunc('minute', pgq._now(), 'UTC') - minute * interval '1 minute', 20, 1e7, 1e8,
      'q' || n % {queues}, 't' || n, outcome, letters, letters,
      case when outcome = 'error' then jsonb_build_object(
        'fingerprint', 'f' || n % 200, 'type', 'E' || n % 200, 'sample', 'something went wrong',
        'job_id', n, 'at', pgq._now() - minute * interval '1 minute')
      end
    from generate_series({first}, {last}) as minute
    cross join generate_series(0, {tasks} - 1) as n
    cross join lateral (
      values ('succeeded', repeat('JKLMNOPQRS', 2)), ('failed', repeat('ABCDEFGHIJ', 2)),
        ('error', '')
    ) as made (outcome, letters)
    where n % 10 = minute % 10 and (outcome = 'succeeded' or n % 50 < 5)
"""
# What else there is, for each thousand or hundred of the finished jobs.
REST: Final = """
    insert into pgq.batches (description, created_at, closed_at)
    select 'batch ' || n, pgq._now() - interval '3 days', pgq._now() - interval '2 days'
    from generate_series(1, greatest({history} / 1000, 2)) as n;
    insert into pgq.past_workers (id, name, started_at, left_at)
    select 100 + n, 'w' || n, pgq._now() - interval '2 days', pgq._now() - n * interval '1 minute'
    from generate_series(1, {history} / 1000) as n;
    insert into pgq.semaphores (concurrency_key, max_slots)
    select 'tenant-' || n, 5 from generate_series(1, {history} / 1000) as n;
    insert into pgq.audit (at, login, actor, action, target, affected)
    select pgq._now() - n * interval '1 second', 'login' || n % 20, 'actor' || n % 100,
      'pause_queue', 'q' || n % {queues}, 1
    from generate_series({history} / 100, 1, -1) as n;
    insert into pgq.bulk_operations (
      action, wanted, highest_id, created_at, starts_at, jobs, is_exact, first_id, ended_at, ending)
    select 'retry', jsonb_populate_record(null::pgq.job_filters, '{{"states": ["failed"]}}'),
      n, pgq._now(), pgq._now(), 100, true, 1, pgq._now(), 'finished'
    from generate_series(1, {history} / 10000) as n;
    select pgq.follow_outcomes();
    insert into pgq.outcome_log (noted_at, minute, queue, task, outcome, job_ids)
    select pgq._now(), date_trunc('minute', pgq._now(), 'UTC') - interval '10 hours', 'q7', 't7',
      'succeeded', array(select {history} - 10 * n + one from generate_series(0, 9) as one)
    from generate_series({history} / 1000, 1, -1) as n;
    -- A job on which up to ten thousand others wait.
    select pgq.enqueue('root', delay => '1 day', unique_key => 'root');
    select count(*) from pgq.enqueue_many((
      select jsonb_agg(jsonb_build_object(
        'task', 'child' || n % 10, 'depends_on', array(
          select id from pgq.jobs where unique_key = 'root'
        )))
      from generate_series(1, least({scheduled}, 10000)) as n
    ));
"""
BATCH: Final = 500_000
# How often each look is made.
CALLS: Final = 6

# What is measured; {live} is the first id of a live job, {failed} the id of a failed one.
LOOKS: Final = {
    "newest 50 jobs": "select * from pgq.list_jobs()",
    "oldest 50 jobs": "select * from pgq.list_jobs(newest_first => false)",
    "newest 50, with args and errors": "select * from pgq.list_jobs(details => true)",
    "50 below the middle of the history":
        "select * from pgq.list_jobs(before_id => {live} / 2)",
    "ready": "select * from pgq.list_jobs(states => '{{ready}}')",
    "ready of a task that has none":
        "select * from pgq.list_jobs(states => '{{ready}}', task => 'none')",
    "ready of a small queue, all old":
        "select * from pgq.list_jobs(states => '{{ready}}', queue => 'rare')",
    "scheduled of a queue": "select * from pgq.list_jobs(states => '{{scheduled}}', queue => 'q7')",
    "running": "select * from pgq.list_jobs(states => '{{running}}')",
    "succeeded of a task": "select * from pgq.list_jobs(states => '{{succeeded}}', task => 't7')",
    "failed": "select * from pgq.list_jobs(states => '{{failed}}')",
    "failed of a queue": "select * from pgq.list_jobs(states => '{{failed}}', queue => 'q1')",
    "failed with an error that none had":
        "select * from pgq.list_jobs(states => '{{failed}}', error_type => 'None')",
    "cancelled": "select * from pgq.list_jobs(states => '{{cancelled}}')",
    "any, by args that none has": "select * from pgq.list_jobs(args => '{{\"user_id\": -1}}')",
    "finished, by args that none has, in an hour":
        "select * from pgq.list_jobs(args => '{{\"user_id\": -1}}',"
        " finished_after => pgq._now() - interval '1 hour')",
    "by a unique key": "select * from pgq.list_jobs(unique_key => 'live1000')",
    "by a key of the oldest day": "select * from pgq.list_jobs(unique_key => 'k7')",
    "by a batch of the oldest day": "select * from pgq.list_jobs(batch_id => 1)",
    "find_jobs: 1,000 ready": "select pgq.find_jobs(states => '{{ready}}')",
    "find_jobs: 1,000 failed": "select pgq.find_jobs(states => '{{failed}}')",
    "find_jobs: failed, one error":
        "select pgq.find_jobs(states => '{{failed}}', error_type => 'E1')",
    "find_jobs: failed, one fingerprint":
        "select pgq.find_jobs(states => '{{failed}}', fingerprint => 'f1')",
    "estimate: all": "select * from pgq.estimate_jobs()",
    "estimate: failed": "select * from pgq.estimate_jobs(states => '{{failed}}')",
    "estimate: by args that none has":
        "select * from pgq.estimate_jobs(args => '{{\"user_id\": -1}}')",
    "queue_stats": "select * from pgq.queue_stats",
    "count_jobs of a queue, what waits":
        "select * from pgq.count_jobs('q7', '{{ready,scheduled,blocked,running}}')",
    "queue_latency": "select pgq.queue_latency('q7')",
    "health": "select * from pgq.health()",
    "depths, as sampled": "select * from pgq.depths()",
    "depth_history of a queue": "select * from pgq.depth_history(queue => 'q7')",
    "a scrape: metric_series": "select * from pgq.metric_series()",
    "metrics": "select * from pgq.metrics()",
    "metrics without tasks": "select * from pgq.metrics(tasks => false)",
    "stats of the last hour": "select * from pgq.stats()",
    "stats of a task, two days":
        "select * from pgq.stats(task => 't7', since => pgq._now() - interval '48 hours')",
    "task_stats of the last hour": "select * from pgq.task_stats()",
    "task_stats of a day":
        "select * from pgq.task_stats(since => pgq._now() - interval '24 hours')",
    "stats of a day": "select * from pgq.stats(since => pgq._now() - interval '24 hours')",
    "queue_activity of a day":
        "select * from pgq.queue_activity(since => pgq._now() - interval '24 hours')",
    "run_times of a day": "select * from pgq.run_times(since => pgq._now() - interval '24 hours')",
    "error_groups": "select * from pgq.error_groups()",
    "error_history of 20 errors, a day":
        "select * from pgq.error_history(array(select 'f' || n from generate_series(1, 20) as n))",
    "due_jobs": "select * from pgq.due_jobs()",
    "flow_graph of a job with many children":
        "select * from pgq.flow_graph((select id from pgq.jobs where unique_key = 'root'))",
    "job_links of a live job": "select * from pgq.job_links where id = {live} + 77",
    "job_links of a finished job": "select * from pgq.job_links where id = {failed}",
    "job_attempts of a finished job": "select * from pgq.job_attempts({failed})",
    "job_content of a finished job": "select * from pgq.job_content({failed})",
    "why_waiting of a ready job": "select * from pgq.why_waiting({live} + 77)",
    "why_waiting of a job blocked by a key":
        "select * from pgq.why_waiting((select max(job_id) from pgq.blocked"
        " where concurrency_key = 'key'))",
    "list_past_workers": "select * from pgq.list_past_workers()",
    "list_past_workers of a name that none had":
        "select * from pgq.list_past_workers(of_name => 'none')",
    "list_batches": "select * from pgq.list_batches()",
    "list_semaphores": "select * from pgq.list_semaphores()",
    "list_semaphores of a key": "select * from pgq.list_semaphores(of_key => 'key')",
    "bulk_status": "select * from pgq.bulk_status()",
    "audit_log": "select * from pgq.audit_log()",
    "audit_log of somebody who did nothing": "select * from pgq.audit_log(who => 'nobody')",
    "outcomes_since: 1,000 jobs":
        "select * from pgq.outcomes_since((select min(id) - 1 from pgq.outcome_log))",
}  # fmt: skip
# What reads a sample, which workers keep new.
SAMPLED: Final = {
    *("depths, as sampled", "a scrape: metric_series", "metrics", "metrics without tasks"),
}
# These read everything, because they promise to.
UNBOUNDED: Final = {
    "count_jobs of a queue, what waits",
    "health",
}


class Cost(NamedTuple):
    """What a look read, and how long it took."""

    pages: int
    rows: int
    ms: float


def fill(conn: psycopg.Connection, sizes: Sizes) -> None:
    """Make the jobs, as fast as rows can be written."""
    conn.execute(
        "select pgq._make_history_partition(((pgq._now() at time zone 'UTC')::date - back))"
        " from generate_series(1, %s) as back",
        (DAYS + 1,),
    )
    same = {"queues": QUEUES, "tasks": TASKS, "days": DAYS, "history": sizes.history}
    for first in range(1, sizes.history + 1, BATCH):
        last = min(first + BATCH - 1, sizes.history)
        conn.execute(HISTORY.format(first=first, last=last, **same).encode())
    live = sizes.ready + sizes.scheduled
    conn.execute(LIVE.format(live=live, scheduled=sizes.scheduled, **same).encode())
    for hour in range(sizes.hours):
        first = 60 * hour
        conn.execute(COUNTED.format(first=first, last=first + 59, **same).encode())
        while conn.execute("select pgq._fold_statistics(20000)").fetchall() != [(0,)]:
            pass
    conn.execute(
        "insert into pgq.workers (name, queues, concurrency, started_at, heartbeat_at, lease)"
        " select 'w' || n, '{*}', 50, pgq._now(), pgq._now(), '1 day'"
        " from generate_series(1, 20) as n"
    )
    fill_rest(conn, sizes)


def fill_rest(conn: psycopg.Connection, sizes: Sizes) -> None:
    """Make what there is beside jobs and statistics."""
    rest = REST.format(queues=QUEUES, history=sizes.history, scheduled=sizes.scheduled)
    conn.execute(rest.encode())


def measure(conn: psycopg.Connection, sizes: Sizes, look: str, calls: int = 2) -> Cost:
    """Run a look some times, the first to plan it; return what it read and the shortest time."""
    failed = sizes.history // 200 * 100 + 7
    query = LOOKS[look].format(live=sizes.history + 1, failed=failed)
    if look in SAMPLED:
        conn.execute("select pgq._sample_depths()")
    for function in ("list_jobs(", "estimate_jobs("):
        query = query.replace(function, f"{function}max_looked_at => {sizes.look}, ")
    query = query.replace(", )", ")")
    plans = []
    for _ in range(calls):
        row = conn.execute(
            f"explain (analyze, buffers, format json, timing off) {query}".encode()
        ).fetchone()
        assert row
        plans.append(row[0][0])
    node = plans[-1]["Plan"]
    pages = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    return Cost(pages, node["Actual Rows"], min(plan["Execution Time"] for plan in plans[1:]))


@contextmanager
def filled(given: argparse.Namespace, sizes: Sizes) -> Iterator[psycopg.Connection]:
    """Open the database to measure in; fill it if it has no jobs."""
    if given.keep:
        with psycopg.connect(given.keep, autocommit=True) as conn:
            if not conn.execute("select exists (select from pgq.jobs)").fetchall()[0][0]:
                fill(conn, sizes)
                conn.execute("vacuum")
            yield conn
        return
    with database(given.dsn) as connect:
        conn = connect()
        fill(conn, sizes)
        conn.execute("vacuum")
        yield conn


def table(sizes: Sizes, costs: dict[str, Cost]) -> dict[str, Any]:
    """Return what was measured as a table for the docs."""
    return {
        "workload": "looks",
        "title": f"What a look reads, with {sizes.ready:,} ready, {sizes.scheduled:,} scheduled and"
        f" {sizes.history:,} finished jobs, {QUEUES} queues, {TASKS} tasks and a day of statistics",
        "columns": ["buffers", "rows", "ms"],
        "lines": [
            {
                "name": look,
                "missing": None,
                "figures": {
                    "buffers": {"median": cost.pages, "ratio": None},
                    "rows": {"median": cost.rows, "ratio": None},
                    "ms": {"median": cost.ms, "ratio": None},
                },
            }
            for look, cost in costs.items()
        ],
        "against": None,
        "notes": [
            f"the quickest of {CALLS - 1} calls after the first in a session; buffers are pages of"
            " tables and indexes, wherever they were",
            f"lists look at up to {sizes.look:,} jobs",
            "nothing was ever analyzed",
            f"the machine had a load of {os.getloadavg()[0]:.0f}",
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a server to measure, instead of a temporary one")
    parser.add_argument("--keep", metavar="DSN", help="a database to measure, and to leave there")
    parser.add_argument("--history", type=int, default=10_000_000)
    parser.add_argument("--ready", type=int, default=1_000_000)
    parser.add_argument("--scheduled", type=int, default=200_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    sizes = Sizes(given.history, given.ready, given.scheduled)
    began = time.monotonic()
    with filled(given, sizes) as conn:
        print(f"{sizes} made in {time.monotonic() - began:.0f} s")
        print(f"{'look':45} {'pages':>9} {'rows':>7} {'ms':>9}")
        costs = {}
        for look in LOOKS:
            costs[look] = cost = measure(conn, sizes, look, CALLS)
            print(f"{look:45} {cost.pages:9,} {cost.rows:7,.0f} {cost.ms:9.1f}", flush=True)
    if given.json:
        given.json.write_text(json.dumps({"tables": [table(sizes, costs)]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
