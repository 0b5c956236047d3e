"""Workloads 1, 2 and 9: enqueue one by one, in bulk, and many at once with notifications."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

from pgq.bench import floors
from pgq.bench.bench import Bench, Queue
from pgq.bench.figures import BenchFailed, Contest, Contestant, Metrics
from pgq.bench.pgbench import Pgbench, find_pgbench
from pgq.bench.processes import PYTHON, Processes, rate_of, run_together

_Produce = Callable[[int, int], float]
"""Takes the number of clients and that of the jobs; returns how many jobs per second."""

_PRODUCER = [PYTHON, "-m", "pgq.bench.producer"]
_NO_PGBENCH = "left out: pgbench, which is not on this machine"


def produce(bench: Bench, way: str, clients: int, jobs: int, schema: str = "") -> float:
    """Let `clients` processes enqueue `jobs` together; return the jobs per second."""
    each = jobs // clients
    orders = [
        {
            "way": way,
            "first": place * each,
            "jobs": each,
            "schema": schema,
            "batch": bench.sizes.bulk_batch,
        }
        for place in range(clients)
    ]
    return rate_of(run_together(_PRODUCER, orders, bench.place.dsn))


def _ours(queue: Queue, add: _Produce, clients: int, jobs: int) -> float:
    after = queue.last_id()
    rate = add(clients, jobs)
    row = queue.connection.execute(
        queue.sql("select count(*), count(distinct args) from {schema}.jobs where id > %s"),
        (after,),
    ).fetchone()
    if row != (jobs, jobs):
        raise BenchFailed(f"of {jobs} jobs {row} are stored and different")
    return rate


def _bare(queue: Queue, add: _Produce, clients: int, jobs: int) -> float:
    queue.connection.execute(floors.EMPTY.encode())
    rate = add(clients, jobs)
    if (row := queue.connection.execute(floors.COUNT.encode()).fetchone()) != (jobs, jobs):
        raise BenchFailed(f"of {jobs} rows {row} are stored and different")
    return rate


@contextmanager
def one_by_one(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 1."""
    jobs = bench.sizes.enqueue // 4 * 4
    path = find_pgbench(bench.place.bindir)
    with bench.queue() as queue:

        def ours(add: _Produce) -> Contestant:
            return lambda: _by_clients(lambda clients: _ours(queue, add, clients, jobs))

        def bare(add: _Produce) -> Contestant:
            return lambda: _by_clients(lambda clients: _bare(queue, add, clients, jobs))

        floor = "bare INSERT ... RETURNING, prepared"
        contestants = {
            floor: bare(partial(produce, bench, "bare")),
            "pgq: select enqueue(), prepared": ours(
                partial(produce, bench, "by_select", schema=queue.schema)
            ),
            "pgq: Client.enqueue": ours(partial(produce, bench, "by_client", schema=queue.schema)),
        }
        if path is not None:
            pgbench = Pgbench(path, bench.place)
            enqueue = queue.sql(f"select {{schema}}.enqueue('bench_async', {floors.PGBENCH_JOB});")
            script = f"{floors.PGBENCH_NEXT}{enqueue.decode()}\n"
            contestants["pgbench: bare INSERT"] = bare(
                partial(pgbench.times, floors.PGBENCH_INSERT_JOB)
            )
            contestants["pgbench: select enqueue()"] = ours(partial(pgbench.times, script))
        yield Contest(
            f"Enqueue {jobs:,} jobs one by one, a commit each",
            floor,
            {**contestants, **bench.others.get("enqueue", {})},
            [] if path else [_NO_PGBENCH],
        )


def _by_clients(measure: Callable[[int], float]) -> Metrics:
    return {"1 client, jobs/s": measure(1), "4 clients, jobs/s": measure(4)}


@contextmanager
def in_bulk(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 2."""
    jobs, batch = bench.sizes.bulk, bench.sizes.bulk_batch
    with bench.queue() as queue:
        floor = "bare INSERT ... unnest"
        ours = partial(produce, bench, "bulk_by_client", schema=queue.schema)
        bare = partial(produce, bench, "bulk_bare")
        yield Contest(
            f"Enqueue {jobs:,} jobs in batches of {batch:,}",
            floor,
            {
                floor: lambda: {"jobs/s": _bare(queue, bare, 1, jobs)},
                "pgq: Client.enqueue_many": lambda: {"jobs/s": _ours(queue, ours, 1, jobs)},
                **bench.others.get("bulk", {}),
            },
        )


@contextmanager
def at_once(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 9."""
    path = find_pgbench(bench.place.bindir)
    with bench.queue() as queue:
        slow = _slow_commits(queue)
        disk = "commits delayed by 2 ms (commit_delay)" if slow else "commits as fast as the disk"
        title = f"Enqueue from many sessions at once, a worker running, {disk}"
        if path is None:
            yield Contest(title, "", {}, [_NO_PGBENCH])
            return
        delay = "-c commit_delay=2000 -c commit_siblings=0" if slow else ""
        off = "pgq, notifications off"
        with bench.ledger(1) as (_, ledger), queue.workers(1, ledger) as started:
            many = _Many(queue, Pgbench(path, bench.place, delay), started)
            yield Contest(
                title,
                off,
                {
                    off: lambda: many.ours(notify=False),
                    "pgq, notifications on": lambda: many.ours(notify=True),
                    "bare INSERT": lambda: many.bare(floors.PGBENCH_INSERT),
                    "bare INSERT + NOTIFY": lambda: many.bare(floors.PGBENCH_NOTIFY),
                },
            )


class _Many:
    """Sessions of pgbench."""

    def __init__(self, queue: Queue, pgbench: Pgbench, started: Processes) -> None:
        self._queue = queue
        self._started = started
        self._pgbench = pgbench
        self._seconds = queue.bench.sizes.notify_seconds

    def ours(self, *, notify: bool) -> Metrics:
        """Enqueue while a worker works; all that was enqueued must have succeeded in the end."""
        queue = self._queue
        queue.connection.execute(queue.sql("select {schema}.configure(notify => %s)"), (notify,))
        metrics: Metrics = {}
        for clients in queue.bench.sizes.clients:
            after = queue.last_id()
            script = queue.sql("select {schema}.enqueue('bench_nothing');\n").decode()
            done, rate = self._pgbench.for_seconds(script, clients, self._seconds)
            queue.wait(lambda: not queue.unfinished(after), self._started, "the last jobs")  # noqa: B023
            if (stored := queue.succeeded(after)) != done:
                raise BenchFailed(f"of {done} jobs {stored} have succeeded")
            metrics[_column(clients)] = rate
        return metrics

    def bare(self, script: str) -> Metrics:
        """Insert into the bare table."""
        metrics: Metrics = {}
        for clients in self._queue.bench.sizes.clients:
            self._queue.connection.execute(floors.EMPTY.encode())
            done, rate = self._pgbench.for_seconds(script, clients, self._seconds)
            row = self._queue.connection.execute(floors.COUNT.encode()).fetchone()
            if row is None or row[0] != done:
                raise BenchFailed(f"of {done} rows {row} are stored")
            metrics[_column(clients)] = rate
        return metrics


def _column(clients: int) -> str:
    return f"{clients} sessions, jobs/s" if clients > 1 else "1 session, jobs/s"


def _slow_commits(queue: Queue) -> bool:
    """Say whether our sessions may delay their commits, and the server would obey."""
    return bool(
        queue.one(
            "select current_setting('is_superuser') = 'on' and current_setting('fsync') = 'on'"
        )
    )
