"""Workload 6: enqueue and work for a while under a snapshot that another session holds.

Another session may only read, lock the tables as well, or have written. First a worker does it.
Then one session does it for each kind of job, by the same calls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import Any

import psycopg

from pgq.bench.bench import Bench, Queue, check_ran_once
from pgq.bench.figures import BenchFailed, Contest, Metrics
from pgq.bench.ledger import Ledger
from pgq.bench.pile import KINDS, Pile

_Hold = Callable[[Queue, psycopg.Connection[Any]], AbstractContextManager[None]]

Point = tuple[float, int]
"""A moment (seconds) and how many jobs had been sent by then."""

# A tenth of the jobs fails once, see `tasks.stumble`, and comes back by the scheduled lane.
_JOB = '\'{"task": "bench_stumble", "backoff": "100 ms"}\''

# So many jobs for each ten that are counted come first, because jobs are cheaper before the first
# retries are back.
_WARM_UP = 1

_BATCH = 500
_TICK_SECONDS = 0.002
_MAINTAIN_SECONDS = 1.0
_LONGEST = 300.0

_TABLES = """\
select string_agg(format('%%I.%%I', schemaname, tablename), ', ')
from pg_tables
where schemaname = %s"""

_SIZE = """\
select sum(pg_total_relation_size(oid))
from pg_class
where relnamespace = to_regnamespace(%s) and relkind in ('r', 'm')
  and relname not like 'job_history%%'"""

_CLAIM = "select job_id, claim_id from {schema}.claim_batch('{default}', batch_size => 1)"
_ENQUEUE = "select {schema}.enqueue('bench_late')"
_MARKED = "select count(*) from {schema}.maintain() where step = 'mark'"
_COMPLETE = "select outcome from {schema}.complete_batch(array[%s::bigint], array[%s::bigint])"


@contextmanager
def held_snapshot(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 6."""
    jobs = bench.sizes.pinned
    free = "no snapshot held"
    yield Contest(
        f"Enqueue and work {jobs:,} jobs, a tenth retried once, by what another session holds",
        free,
        {
            free: partial(_steady, bench, None),
            "a snapshot": partial(_steady, bench, partial(_snapshot, locks=False)),
            "a snapshot and ACCESS SHARE, as pg_dump": partial(
                _steady, bench, partial(_snapshot, locks=True)
            ),
            "a transaction that has written": partial(_steady, bench, _written),
            **{f"a snapshot, {kind}": partial(_one_kind, bench, kind) for kind in KINDS},
        },
        [
            "a tenth more jobs come first, uncounted, until retries are part of the work",
            f"each kind of job: {bench.sizes.pinned_kind:,} by one session without a worker, none "
            "retried; not to be compared with the others, but last with first",
        ],
    )


def _steady(bench: Bench, hold: _Hold | None) -> Metrics:
    """Work in a schema of its own, so that no run sees what an earlier one left."""
    jobs = bench.sizes.pinned * (10 + _WARM_UP) // 10
    with bench.queue("pinned") as queue, ExitStack() as stack:
        if hold:
            other = stack.enter_context(bench.place.connect())
            stack.enter_context(hold(queue, other))
        ledger, path = stack.enter_context(bench.ledger(jobs))
        after = queue.last_id()
        with queue.workers(1, path) as started:
            points = _feed(queue, ledger, jobs, started.check)
            queue.wait(lambda: queue.unfinished(after) == 0, started, "the last jobs")
        check_ran_once(ledger, jobs, queue.succeeded(after))
        row = queue.connection.execute(_SIZE, (queue.schema,)).fetchone()
        first, last = _rate(points, 0, 1), _rate(points, 9, 10)
        return {
            "jobs/s": _rate(points, 0, 10),
            "first tenth, jobs/s": first,
            "last tenth, jobs/s": last,
            "last / first": last / first,
            "size, MB": float(row[0]) / 1e6 if row else 0.0,
            "claim of 1, p50 ms": _claims(queue),
        }


def _one_kind(bench: Bench, kind: str) -> Metrics:
    """Take jobs of one kind from enqueue to end, in batches."""
    with bench.queue("pinned") as queue, bench.place.connect() as reader:
        pile = Pile(queue.connection, kind, queue.schema)
        jobs = bench.sizes.pinned_kind // (1 if pile.kind.batch > 1 else 10)
        _pile_up(queue, pile, max(jobs // 10, 1))
        queue.vacuum()
        with _snapshot(queue, reader, locks=False):
            rates = _pile_up(queue, pile, jobs)
            row = queue.connection.execute(_SIZE, (queue.schema,)).fetchone()
        tenth = max(len(rates) // 10, 1)
        first, last = median(rates[:tenth]), median(rates[-tenth:])
        return {
            "jobs/s": median(rates),
            "first tenth, jobs/s": first,
            "last tenth, jobs/s": last,
            "last / first": last / first,
            "size, MB": float(row[0]) / 1e6 if row else 0.0,
        }


def _pile_up(queue: Queue, pile: Pile, jobs: int) -> list[float]:
    """Run so many jobs; return the jobs per second of each batch. Does what workers do besides."""
    rates: list[float] = []
    until, tended = pile.count + jobs, 0.0
    while pile.count < until:
        if time.monotonic() - tended > _MAINTAIN_SECONDS:
            queue.connection.execute("select pg_stat_force_next_flush()")
            queue.one(_MARKED)
            tended = time.monotonic()
        before, began = pile.count, time.perf_counter()
        pile.run(pile.kind.batch)
        rates.append((pile.count - before) / (time.perf_counter() - began))
    return rates


@contextmanager
def _written(queue: Queue, writer: psycopg.Connection[Any]) -> Generator[None, None, None]:
    """Enqueue a job that is not committed, as a long transaction of an application does."""
    with writer.transaction(force_rollback=True):
        writer.execute(_ENQUEUE.format(schema=queue.schema).encode())
        yield


@contextmanager
def _snapshot(
    queue: Queue, reader: psycopg.Connection[Any], *, locks: bool
) -> Generator[None, None, None]:
    with reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select pg_current_snapshot()")
        if locks:
            row = reader.execute(_TABLES, (queue.schema,)).fetchone()
            reader.execute(f"lock table {row[0] if row else ''} in access share mode".encode())
        yield


def _feed(queue: Queue, ledger: Ledger, jobs: int, check: Callable[[], None]) -> Sequence[Point]:
    """Keep a window of jobs outstanding until all have run; return how many were sent when.

    A job that failed once waits for its retry outside of the window.
    """
    window = queue.bench.sizes.pinned_window
    sent, began = 0, time.monotonic()
    points: list[Point] = []
    while ledger.runs() < jobs:
        passed = time.monotonic() - began
        if sent < jobs and sent - ledger.attempted() < window:
            points.append((passed, sent))
            batch = min(_BATCH, window // 2, jobs - sent)
            queue.fill(sent, batch, _JOB)
            sent += batch
            continue
        check()
        if passed > _LONGEST:
            raise BenchFailed(f"not all of {jobs} jobs have run in {_LONGEST:.0f} s")
        time.sleep(_TICK_SECONDS)
    return points


def _rate(points: Sequence[Point], from_: int, to: int) -> float:
    """Return the jobs per second that were sent between two tenths of the jobs that count.

    The window is small, so that is how fast they ran, without the last retries, which come alone.
    """
    tenth = points[-1][1] / (10 + _WARM_UP)
    low, high = (_WARM_UP + from_) * tenth, (_WARM_UP + to) * tenth
    inside = [point for point in points if low <= point[1] <= high]
    if len(inside) < 2:
        inside = [points[0], points[-1]]
    (began, before), (ended, done) = inside[0], inside[-1]
    return (done - before) / max(ended - began, 1e-9)


def _claims(queue: Queue) -> float:
    """Return the milliseconds of a claim of one job, behind all those rows.

    Workers call maintain() all the time, and have just ended. So it is called once more here.
    """
    jobs = queue.bench.sizes.dead_claims
    while not queue.one(_MARKED):
        time.sleep(_TICK_SECONDS)
    queue.fill(0, jobs)
    times: list[float] = []
    for _ in range(jobs):
        began = time.perf_counter()
        rows = queue.connection.execute(queue.sql(_CLAIM)).fetchall()
        times.append(1000 * (time.perf_counter() - began))
        (claim,) = rows
        queue.connection.execute(queue.sql(_COMPLETE), claim)
    return median(times)
