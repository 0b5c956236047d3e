"""Workloads 3, 7, 8 and 11: drain jobs, what that costs, for each kind and with statistics off."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pgq.bench import floors, machine
from pgq.bench.bench import (
    ASYNC_CONCURRENCY,
    SYNC_CONCURRENCY,
    Bench,
    Queue,
    check_ran_once,
    cpu,
    wait_for_ledger,
)
from pgq.bench.figures import BenchFailed, Contest, Contestant, Metrics

ASYNC_JOB = '\'{"task": "bench_async"}\''
_SYNC_JOB = '\'{"task": "bench_sync"}\''


def drain(
    queue: Queue, jobs: int, processes: int, job: str = ASYNC_JOB, concurrency: int = 0
) -> Metrics:
    """Fill the paused queue, let workers start, resume it; return what they did per second.

    The time is from the first handler's start until the last job's end is stored.
    """
    concurrency = concurrency or ASYNC_CONCURRENCY
    pid = machine.postmaster(queue.connection)
    queue.connection.execute(queue.sql("select {schema}.pause_queue('default')"))
    after = queue.last_id()
    empty = queue.wal()
    queue.fill(0, jobs, job)
    filled = queue.wal() - empty
    queue.vacuum()
    with (
        queue.bench.ledger(jobs) as (ledger, path),
        queue.workers(processes, path, concurrency) as started,
    ):
        wal, before = queue.wal(), cpu(pid, started)
        queue.connection.execute(queue.sql("select {schema}.resume_queue('default')"))
        began, ran = wait_for_ledger(ledger, jobs, started)
        queue.wait(lambda: queue.unfinished(after) == 0, started, "the last jobs to be stored")
        ended = time.monotonic_ns()
        spent, written = cpu(pid, started), queue.wal() - wal
        check_ran_once(ledger, jobs, queue.succeeded(after))
    return {
        "jobs/s": (jobs - ran) / ((ended - began) / 1e9),
        "server CPU s/10k": (spent[0] - before[0]) / jobs * 10_000,
        "worker CPU s/10k": (spent[1] - before[1]) / jobs * 10_000,
        "WAL B/job, drain": written / jobs,
        "WAL B/job": (filled + written) / jobs,
    }


def by_processes(run: Callable[[int], Metrics]) -> Metrics:
    """Return one run with one process and one with two, as the columns of workload 3."""
    one, two = run(1), run(2)
    return {
        "1 process, jobs/s": one["jobs/s"],
        "2 processes, jobs/s": two["jobs/s"],
        "server CPU s/10k": one["server CPU s/10k"],
        "worker CPU s/10k": one["worker CPU s/10k"],
        "WAL B/job": one["WAL B/job"],
    }


@contextmanager
def no_op_jobs(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 3."""
    jobs = bench.sizes.drain
    with bench.queue() as queue:

        def ours(job: str, concurrency: int) -> Contestant:
            return lambda: by_processes(
                lambda processes: drain(queue, jobs, processes, job, concurrency)
            )

        yield Contest(
            f"Drain {jobs:,} no-op jobs by worker processes, history kept",
            "pgq, async handlers",
            {
                "pgq, async handlers": ours(ASYNC_JOB, ASYNC_CONCURRENCY),
                "pgq, sync handlers in threads": ours(_SYNC_JOB, SYNC_CONCURRENCY),
                **bench.others.get("drain", {}),
            },
            [
                f"concurrency {ASYNC_CONCURRENCY} for async and {SYNC_CONCURRENCY} for sync "
                "handlers; processor time is that of the run with one process, WAL is that of the "
                "bulk enqueue and the drain",
            ],
        )


@contextmanager
def engine_alone(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 3 without a worker: what SQL alone does, on one connection."""
    jobs, batch = bench.sizes.drain, bench.sizes.engine_batch
    with bench.queue() as queue:
        floor = "bare UPDATE ... claim, then DELETE"
        yield Contest(
            f"Claim and end {jobs:,} jobs on one connection, batches of {batch}, no handlers",
            floor,
            {
                floor: partial(_bare_loop, queue, jobs, batch, claims=True),
                "bare DELETE ... RETURNING": partial(_bare_loop, queue, jobs, batch, claims=False),
                "pgq: complete_batch + claim_batch": partial(_engine_loop, queue, jobs, batch),
                **bench.others.get("engine", {}),
            },
            ["pgq keeps history; the bare loops delete"],
        )


def _bare_loop(queue: Queue, jobs: int, batch: int, *, claims: bool) -> Metrics:
    execute = queue.connection.execute
    for statement in (floors.EMPTY, floors.FILL, floors.VACUUM):
        execute(statement.encode(), (jobs,) if "%s" in statement else None)
    claim = (floors.CLAIM_BATCH if claims else floors.DELETE_BATCH).encode()
    remove, seen = floors.DELETE_IDS.encode(), set[int]()
    began = time.perf_counter()
    while found := execute(claim, (batch,)).fetchall():
        ids = [row[0] for row in found]
        seen.update(ids)
        if claims:
            execute(remove, (_array(ids),))
    spent = time.perf_counter() - began
    row = execute(floors.COUNT.encode()).fetchone()
    if len(seen) != jobs or row is None or row[0]:
        raise BenchFailed(f"of {jobs} rows {len(seen)} were claimed")
    return {"jobs/s": jobs / spent}


# A worker does it like this: it ends one batch and claims the next in one round trip.
_COMPLETE_AND_CLAIM = """\
select job_id, null::bigint as claim_id, null::jsonb as args
from {schema}.complete_batch(%s::bigint[], %s::bigint[])
where outcome <> 'ok'
union all
select job_id, claim_id, args
from {schema}.claim_batch('{default}', batch_size => %s)"""


def _engine_loop(queue: Queue, jobs: int, batch: int) -> Metrics:
    after = queue.last_id()
    queue.fill(0, jobs)
    queue.vacuum()
    statement = queue.sql(_COMPLETE_AND_CLAIM)
    ids, claims, seen = "{}", "{}", set[int]()
    began = time.perf_counter()
    while found := queue.connection.execute(statement, (ids, claims, batch)).fetchall():
        seen.update(row[2]["n"] for row in found)
        ids, claims = _array(row[0] for row in found), _array(row[1] for row in found)
    spent = time.perf_counter() - began
    if len(seen) != jobs or queue.succeeded(after) != jobs or queue.unfinished(after):
        raise BenchFailed(f"of {jobs} jobs {len(seen)} were claimed and ended")
    return {"jobs/s": jobs / spent}


def _array(values: Any) -> str:
    """Write an array as text: psycopg dumps a list of as many integers several times slower."""
    return "{" + ",".join(map(str, values)) + "}"


# A partial index holds no plain job.
_WRITES = """\
select sum(n_tup_ins)::bigint, sum(n_tup_upd)::bigint, sum(n_tup_hot_upd)::bigint,
  sum(n_tup_del)::bigint, sum((n_tup_ins + n_tup_upd - n_tup_hot_upd) * indexes)::bigint
from pg_stat_user_tables
cross join lateral (
  select count(*) as indexes from pg_index where indrelid = relid and indpred is null
) as counted
where schemaname = %s"""


@contextmanager
def costs(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 7."""
    jobs = bench.sizes.cost
    with bench.queue() as queue:

        def life_cycle() -> Metrics:
            pid = machine.postmaster(queue.connection)
            server = machine.server_seconds(pid)
            queue.fill(0, jobs)
            bulk = machine.server_seconds(pid) - server
            queue.connection.execute(queue.sql("select {schema}.clear_queue('default')"))
            rows = _writes(queue)
            found = drain(queue, jobs, 1)
            inserted, updated, hot, deleted, entries = (
                now - before for now, before in zip(_writes(queue), rows, strict=True)
            )
            return {
                "WAL B/job, bulk enqueue": found["WAL B/job"] - found["WAL B/job, drain"],
                "WAL B/job, drain": found["WAL B/job, drain"],
                "WAL B/job": found["WAL B/job"],
                "server CPU s/10k, enqueue": bulk / jobs * 10_000,
                "server CPU s/10k, drain": found["server CPU s/10k"],
                "worker CPU s/10k": found["worker CPU s/10k"],
                "rows written/job": (inserted + updated + deleted) / jobs,
                "index entries/job": entries / jobs,
                "updates not HOT/job": (updated - hot) / jobs,
            }

        yield Contest(
            f"What {jobs:,} jobs cost, from bulk enqueue to history, one worker process",
            "",
            {"pgq": life_cycle, **bench.others.get("costs", {})},
            ["processor time needs a server on this machine, else it is 0"],
        )


def _writes(queue: Queue) -> tuple[int, ...]:
    queue.connection.execute("select pg_stat_force_next_flush()")
    queue.connection.execute("select pg_stat_clear_snapshot()")
    row = queue.connection.execute(_WRITES, (queue.schema,)).fetchone()
    assert row is not None
    return tuple(int(number or 0) for number in row)


_COUNTED = """\
select coalesce(sum(jobs), 0)::bigint
from (
  select jobs from {schema}.stat_deltas
  union all
  select jobs from {schema}.stat_periods
) as counted"""


@contextmanager
def statistics(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 11."""
    jobs, batch = bench.sizes.drain, bench.sizes.engine_batch
    with bench.queue() as queue:

        def with_statistics(word: str) -> Metrics:
            queue.connection.execute(
                queue.sql("select {schema}.configure(statistics => %s)"), (word,)
            )
            before = queue.one(_COUNTED)
            found = drain(queue, jobs, 1)
            alone = _engine_loop(queue, jobs, batch)
            counted = queue.one(_COUNTED) - before
            if counted != (0 if word == "off" else 2 * jobs):
                raise BenchFailed(f"with statistics {word} {counted} of {2 * jobs} are counted")
            return {
                "jobs/s": found["jobs/s"],
                "SQL alone, jobs/s": alone["jobs/s"],
                "server CPU s/10k": found["server CPU s/10k"],
                "worker CPU s/10k": found["worker CPU s/10k"],
                "WAL B/job, drain": found["WAL B/job, drain"],
                "WAL B/job": found["WAL B/job"],
            }

        yield Contest(
            f"Drain {jobs:,} no-op jobs by one worker process, by whether outcomes are counted",
            "statistics off",
            {f"statistics {word}": partial(with_statistics, word) for word in ("off", "on")},
            [
                f"SQL alone is claim and completion on one connection, batches of {batch}",
                "processor time needs a server on this machine, else it is 0",
            ],
        )


# The rest of a job besides its arguments; n is its number.
_KINDS = {
    "plain": ASYNC_JOB,
    "keyed: a semaphore of 10 per 100 jobs": (
        "jsonb_build_object('task', 'bench_async', 'concurrency_key', 'key-' || n / 100,"
        " 'concurrency_limit', 10)"
    ),
    "unique keys": "jsonb_build_object('task', 'bench_async', 'unique_key', 'key-' || n)",
}


@contextmanager
def kinds(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 8."""
    jobs = bench.sizes.kinds // 2 * 2
    with bench.queue() as queue:

        def kind(job: str) -> Contestant:
            return lambda: _timed(queue, jobs, lambda: queue.fill(0, jobs, job))

        def limited() -> Metrics:
            limit = "select {schema}.configure_queue('default', rate_limit => %s)"
            queue.connection.execute(queue.sql(limit), (1_000_000,))
            metrics = _timed(queue, jobs, lambda: queue.fill(0, jobs))
            queue.connection.execute(queue.sql(limit), (-1,))
            return metrics

        contestants = {name: kind(job) for name, job in _KINDS.items()}
        contestants["dependent: every second one on one other"] = lambda: _timed(
            queue, jobs, lambda: _fill_pairs(queue, jobs)
        )
        contestants["rate limited, at 1,000,000/s"] = limited
        yield Contest(
            f"Kinds of jobs: enqueue {jobs:,} in one call, drain them by one worker process",
            "plain",
            contestants,
        )


_FILL_PAIRS = """\
select count(*)
from {schema}.enqueue_many((
  select jsonb_agg(
    jsonb_build_object(
      'task', 'bench_async',
      'args', jsonb_build_object('n', n, 'email', 'user@example.com'),
      'ref', 'job-' || n
    ) || case when n % 2 = 0 then '{}' else
      jsonb_build_object('depends_on', jsonb_build_array('job-' || n - 1)) end
    order by n
  )
  from generate_series(0, %s::bigint - 1) as n
))"""


def _fill_pairs(queue: Queue, jobs: int) -> None:
    queue.connection.execute(queue.sql(_FILL_PAIRS.replace("n % 2", "n %% 2")), (jobs,))


def _timed(queue: Queue, jobs: int, fill: Callable[[], None]) -> Metrics:
    """Enqueue while the queue is paused, drain, check."""
    queue.connection.execute(queue.sql("select {schema}.pause_queue('default')"))
    after = queue.last_id()
    began = time.perf_counter()
    fill()
    spent = time.perf_counter() - began
    with queue.bench.ledger(jobs) as (ledger, path), queue.workers(1, path) as started:
        queue.connection.execute(queue.sql("select {schema}.resume_queue('default')"))
        first, _ = wait_for_ledger(ledger, jobs, started)
        queue.wait(lambda: queue.unfinished(after) == 0, started, "the last jobs to be stored")
        ended = time.monotonic_ns()
        check_ran_once(ledger, jobs, queue.succeeded(after))
    return {"enqueue, jobs/s": jobs / spent, "drain, jobs/s": jobs / ((ended - first) / 1e9)}
