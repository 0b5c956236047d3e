"""Workloads 1, 2 and 9: enqueue one by one, in bulk, and many at once with notifications."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from pgq.bench import floors
from pgq.bench.bench import Bench, Queue
from pgq.bench.figures import BenchFailed, Contest, Contestant, Metrics
from pgq.bench.processes import PYTHON, Processes, rate_of, run_together

_Measure = Callable[[Queue, str, int, int], float]

_PRODUCER = [PYTHON, "-m", "pgq.bench.producer"]


def produce(bench: Bench, way: str, clients: int, jobs: int, schema: str = "") -> float:
    """Have `clients` processes enqueue `jobs` together; return the jobs per second."""
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


def _ours(queue: Queue, way: str, clients: int, jobs: int) -> float:
    after = queue.last_id()
    rate = produce(queue.bench, way, clients, jobs, queue.schema)
    row = queue.connection.execute(
        queue.sql("select count(*), count(distinct args) from {schema}.jobs where id > %s"),
        (after,),
    ).fetchone()
    if row != (jobs, jobs):
        raise BenchFailed(f"of {jobs} jobs {row} are stored and different")
    return rate


def _bare(queue: Queue, way: str, clients: int, jobs: int) -> float:
    queue.connection.execute(floors.EMPTY.encode())
    rate = produce(queue.bench, way, clients, jobs)
    if (row := queue.connection.execute(floors.COUNT.encode()).fetchone()) != (jobs, jobs):
        raise BenchFailed(f"of {jobs} rows {row} are stored and different")
    return rate


@contextmanager
def one_by_one(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 1."""
    jobs = bench.sizes.enqueue // 4 * 4

    def both(measure: _Measure, way: str) -> Contestant:
        def run() -> Metrics:
            return {
                "1 client, jobs/s": measure(queue, way, 1, jobs),
                "4 clients, jobs/s": measure(queue, way, 4, jobs),
            }

        return run

    with bench.queue() as queue:
        floor = "bare INSERT ... RETURNING, prepared"
        yield Contest(
            f"Enqueue {jobs:,} jobs one by one, a commit each",
            floor,
            {
                floor: both(_bare, "bare"),
                "pgq: select enqueue(), prepared": both(_ours, "by_select"),
                "pgq: Client.enqueue": both(_ours, "by_client"),
                **bench.others.get("enqueue", {}),
            },
        )


@contextmanager
def in_bulk(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 2."""
    jobs, batch = bench.sizes.bulk, bench.sizes.bulk_batch
    with bench.queue() as queue:
        floor = "bare INSERT ... unnest"
        yield Contest(
            f"Enqueue {jobs:,} jobs in batches of {batch:,}",
            floor,
            {
                floor: lambda: {"jobs/s": _bare(queue, "bulk_bare", 1, jobs)},
                "pgq: Client.enqueue_many": lambda: {
                    "jobs/s": _ours(queue, "bulk_by_client", 1, jobs)
                },
                **bench.others.get("bulk", {}),
            },
        )


@contextmanager
def at_once(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 9."""
    pgbench = find_pgbench(bench.place.bindir)
    with bench.queue() as queue:
        slow = _slow_commits(queue)
        disk = "commits delayed by 2 ms (commit_delay)" if slow else "commits as fast as the disk"
        title = f"Enqueue from many sessions at once, a worker running, {disk}"
        if pgbench is None:
            yield Contest(title, "", {}, ["left out: there is no pgbench on this machine"])
            return
        off = "pgq, notifications off"
        with bench.ledger(1) as (_, path), queue.workers(1, path) as started:
            many = _Many(queue, pgbench, slow, started)
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

    def __init__(self, queue: Queue, pgbench: str, slow: bool, started: Processes) -> None:
        self._queue = queue
        self._started = started
        self._pgbench = pgbench
        self._slow = slow
        self._schema = queue.sql("{schema}").decode()

    def ours(self, *, notify: bool) -> Metrics:
        """Enqueue while a worker works; all that was enqueued must have succeeded in the end."""
        queue = self._queue
        queue.connection.execute(queue.sql("select {schema}.configure(notify => %s)"), (notify,))
        metrics: Metrics = {}
        for clients in queue.bench.sizes.clients:
            after = queue.last_id()
            done, rate = self._run(f"select {self._schema}.enqueue('bench_nothing');\n", clients)
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
            done, rate = self._run(script, clients)
            row = self._queue.connection.execute(floors.COUNT.encode()).fetchone()
            if row is None or row[0] != done:
                raise BenchFailed(f"of {done} rows {row} are stored")
            metrics[_column(clients)] = rate
        return metrics

    def _run(self, script: str, clients: int) -> tuple[int, float]:
        """Return how many transactions were done, and how many per second."""
        bench = self._queue.bench
        path = bench.place.folder / "script.sql"
        path.write_text(script)
        command = [self._pgbench, "--no-vacuum", "--protocol", "prepared", "--file", str(path)]
        command += ["--client", str(clients), "--jobs", str(min(clients, 2))]
        command += ["--time", str(bench.sizes.notify_seconds)]
        done = subprocess.run(
            command, env=_libpq(bench.place.dsn, self._slow), capture_output=True, text=True
        )
        if done.returncode:
            raise BenchFailed("pgbench failed", detail=done.stderr)
        found = dict(line.split(maxsplit=1) for line in _facts(done.stdout))
        return int(found["processed:"].split("/")[0]), float(found["tps"].split()[1])


def _column(clients: int) -> str:
    return f"{clients} sessions, jobs/s" if clients > 1 else "1 session, jobs/s"


def _facts(output: str) -> list[str]:
    """Return the lines of pgbench that begin with `processed:` and `tps`."""
    prefix = "number of transactions actually "
    lines = [line.removeprefix(prefix) for line in output.splitlines()]
    return [line for line in lines if line.startswith(("processed:", "tps"))]


def find_pgbench(bindir: Path | None) -> str | None:
    """Return pgbench, the server's own if there is one."""
    own = None if bindir is None else bindir / "pgbench"
    return str(own) if own is not None and own.exists() else shutil.which("pgbench")


def _slow_commits(queue: Queue) -> bool:
    """Say whether sessions of ours may delay their commits, and the delay would be heeded."""
    return bool(
        queue.one(
            "select current_setting('is_superuser') = 'on' and current_setting('fsync') = 'on'"
        )
    )


def _libpq(dsn: str, slow: bool) -> dict[str, str]:
    """Return an environment that names the database: an argument could be read by everybody."""
    known = {
        "host": "PGHOST",
        "hostaddr": "PGHOSTADDR",
        "port": "PGPORT",
        "dbname": "PGDATABASE",
        "user": "PGUSER",
        "password": "PGPASSWORD",
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
        "passfile": "PGPASSFILE",
        "service": "PGSERVICE",
    }
    given = conninfo_to_dict(dsn)
    env = {known[name]: str(value) for name, value in given.items() if name in known and value}
    options = [str(given["options"])] if given.get("options") else []
    if slow:
        options.append("-c commit_delay=2000 -c commit_siblings=0")
    return {**os.environ, **env, **({"PGOPTIONS": " ".join(options)} if options else {})}
