"""Workload 4: from just after the commit of an enqueue to the start of the handler."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import quantiles

from pgq import Client
from pgq.bench import floors
from pgq.bench.bench import Bench, Queue, check_ran_once
from pgq.bench.figures import BenchFailed, Contest, Metrics
from pgq.bench.ledger import Ledger
from pgq.bench.processes import PYTHON, counting_workers
from pgq.bench.producer import payload

# How long (seconds) a job may take, and the pause after it, in which the worker becomes idle.
_LONGEST = 10.0
_PAUSES = (0.005, 0.030)


def waits(jobs: int, enqueue: Callable[[int], object], ledger: Ledger) -> Metrics:
    """Enqueue one job after the other; return how long (ms) their handlers took to start."""
    found: list[float] = []
    for n in range(jobs):
        time.sleep(random.uniform(*_PAUSES))
        enqueue(n)
        committed = time.monotonic_ns()
        while not ledger.has(n):
            if time.monotonic_ns() - committed > _LONGEST * 1e9:
                raise BenchFailed(f"a job has not started for {_LONGEST:.0f} s")
            time.sleep(0.001)
        # It may start before the producer knows of its commit.
        found.append(max(0, ledger.moment(n) - committed) / 1e6)
    return percentiles(found)


def percentiles(found: Sequence[float]) -> Metrics:
    """Return the columns of workload 4."""
    cuts = quantiles(found, n=100, method="inclusive")
    return {"p50 ms": cuts[49], "p95 ms": cuts[94], "p99 ms": cuts[98]}


@contextmanager
def idle_worker(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 4."""
    with bench.queue() as queue:
        floor = "bare INSERT + NOTIFY, DELETE"
        jobs = bench.sizes.latency
        yield Contest(
            f"Latency of {jobs:,} jobs, one at a time, the worker idle in a process of its own",
            floor,
            {
                floor: partial(_bare, queue, jobs),
                "pgq": partial(_ours, queue, jobs),
                **bench.others.get("latency", {}),
            },
            ["smaller is better"],
        )


def _ours(queue: Queue, jobs: int) -> Metrics:
    client = Client(queue.connection, schema=queue.schema)
    after = queue.last_id()
    with queue.bench.ledger(jobs) as (ledger, path), queue.workers(1, path) as started:
        metrics = waits(jobs, lambda n: client.enqueue("bench_moment", payload(n)), ledger)
        queue.wait(lambda: queue.unfinished(after) == 0, started, "the last job to be stored")
        check_ran_once(ledger, jobs, queue.succeeded(after))
    return metrics


def _bare(queue: Queue, jobs: int) -> Metrics:
    connection = queue.connection
    connection.execute(floors.EMPTY.encode())
    statement = floors.INSERT_AND_NOTIFY.encode()

    def enqueue(n: int) -> None:
        connection.execute(statement, (json.dumps(payload(n)),), prepare=True)

    command = [PYTHON, "-m", "pgq.bench.bare_worker"]
    with (
        queue.bench.ledger(jobs) as (ledger, path),
        counting_workers(command, 1, queue.bench.place.dsn, path, {}) as started,
    ):
        queue.wait(lambda: _listens(queue), started, "the bare worker to listen")
        metrics = waits(jobs, enqueue, ledger)
        queue.wait(lambda: _is_empty(queue), started, "the last row to be deleted")
        check_ran_once(ledger, jobs, jobs)
    return metrics


def _listens(queue: Queue) -> bool:
    return bool(
        queue.one(
            "select count(*) from pg_stat_activity"
            f" where application_name = '{floors.CHANNEL}' and state = 'idle'"
        )
    )


def _is_empty(queue: Queue) -> bool:
    row = queue.connection.execute(floors.COUNT.encode()).fetchone()
    return row is not None and row[0] == 0
