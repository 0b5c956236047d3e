"""What all workloads share: the place, the sizes, and the queue's own side of a contest."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from pgq.bench import machine
from pgq.bench.figures import BenchFailed, Contest, Contestant
from pgq.bench.ledger import Ledger
from pgq.bench.place import Place
from pgq.bench.processes import PYTHON, Processes, counting_workers
from pgq.bench.sizes import Sizes
from pgq.schema.names import quote_identifier

# The options of workers. Threads beyond a few only take turns.
ASYNC_CONCURRENCY: Final = 100
SYNC_CONCURRENCY: Final = 10

_STUCK_SECONDS: Final = 60.0
_TICK_SECONDS: Final = 0.005

_FILL = """\
select count(*)
from {schema}.enqueue_many((
  select jsonb_agg({job}::jsonb || jsonb_build_object(
    'args', jsonb_build_object('n', n, 'email', 'user@example.com')
  ))
  from generate_series(%s::bigint, %s::bigint) as n
))"""

_VACUUM = """\
select format('vacuum (analyze) %%I.%%I', schemaname, tablename)
from pg_tables
where schemaname = %s
  and tablename not like 'job_history%%'"""


@dataclass
class Bench:
    """One run of the benchmark; `others` are more contestants, by workload (the peers)."""

    place: Place
    sizes: Sizes
    tell: Callable[[str], None]
    others: Mapping[str, Mapping[str, Contestant]] = field(
        default_factory=dict[str, Mapping[str, Contestant]]
    )
    _ledgers: int = 0

    @contextmanager
    def queue(self, name: str = "") -> Generator[Queue, None, None]:
        """Install the schema and open a session on it."""
        with self.place.schema(name) as schema, self.place.connect() as connection:
            yield Queue(self, schema, connection)

    @contextmanager
    def ledger(self, jobs: int) -> Generator[tuple[Ledger, str], None, None]:
        """Make a ledger for so many jobs; yield it and its path."""
        self._ledgers += 1
        path = self.place.folder / f"ledger-{self._ledgers}"
        ledger = Ledger.create(path, jobs)
        try:
            yield ledger, str(path)
        finally:
            ledger.close()
            path.unlink()


Workload = Callable[[Bench], AbstractContextManager[Contest]]
"""Sets a contest up, and tears it down when it is over."""


@dataclass
class Queue:
    """An installed schema, and what contestants do with it."""

    bench: Bench
    schema: str
    connection: psycopg.Connection[Any]

    def sql(self, template: str) -> bytes:
        """Return a statement with `{schema}` filled in."""
        return template.replace("{schema}", quote_identifier(self.schema)).encode()

    def one(self, template: str, *values: object) -> Any:
        """Return the one value of the one row."""
        row = self.connection.execute(self.sql(template), values or None).fetchone()
        assert row is not None
        return row[0]

    def fill(self, first: int, jobs: int, job: str = '\'{"task": "bench_async"}\'') -> None:
        """Enqueue the jobs numbered from `first`; `job` is the SQL of the rest of them."""
        template = _FILL.replace("{job}", job)
        end = first + jobs
        for start in range(first, end, 50_000):
            self.one(template, start, min(start + 50_000, end) - 1)

    def vacuum(self) -> None:
        """Vacuum and analyze all but the history, as autovacuum would have by now."""
        for (statement,) in self.connection.execute(_VACUUM, (self.schema,)).fetchall():
            self.connection.execute(statement.encode())

    def last_id(self) -> int:
        """Return the highest id that jobs may have so far."""
        return int(self.one("select nextval(pg_get_serial_sequence('{schema}.jobs', 'id'))"))

    def unfinished(self, after: int) -> int:
        """Return how many jobs enqueued since have not ended."""
        return int(self.one("select count(*) from {schema}.jobs where id > %s", after))

    def succeeded(self, after: int) -> int:
        """Return how many jobs enqueued since are stored as succeeded."""
        return int(
            self.one(
                "select count(*) from {schema}.job_history where id > %s and state = 'succeeded'",
                after,
            )
        )

    @contextmanager
    def workers(
        self, number: int, path: str, concurrency: int = ASYNC_CONCURRENCY, *more: str
    ) -> Generator[Processes, None, None]:
        """Run `pgq worker` processes; the block begins when all of them are idle."""
        command = [PYTHON, "-m", "pgq", "worker", "pgq.bench.tasks:registry", *more]
        command += ["--schema", self.schema, "--concurrency", str(concurrency)]
        command += ["--log-level", "error", "--no-schedules"]
        with counting_workers(command, number, self.bench.place.dsn, path, {}) as started:
            self.wait(lambda: self._idle() >= number, started, "the workers to be idle")
            yield started

    def _idle(self) -> int:
        return int(self.one("select count(*) from {schema}.worker_status where status = 'idle'"))

    def wait(self, is_so: Callable[[], bool], started: Processes, what: str) -> None:
        """Wait for something; BenchFailed if that takes over a minute, or if a process ends."""
        deadline = time.monotonic() + _STUCK_SECONDS
        while not is_so():
            started.check()
            if time.monotonic() > deadline:
                raise BenchFailed(f"waited too long for {what}", detail=started.said())
            time.sleep(_TICK_SECONDS)

    def wal(self) -> int:
        """Return how many bytes of WAL the server has written."""
        return int(self.one("select pg_current_wal_insert_lsn() - '0/0'"))


def wait_for_ledger(ledger: Ledger, jobs: int, started: Processes) -> tuple[int, int]:
    """Wait until so many jobs have run; return the time to count from, and how many ran before.

    The clock starts when the last process runs its first job, so that the start of processes is
    not measured. If few jobs would be left by then, it starts with the first job of all.
    """
    from_, before = 0, 0
    moved_at, seen = time.monotonic(), 0
    while (done := ledger.runs()) < jobs:
        if not from_ and len(ledger.starts()) == len(started.pids):
            from_, before = time.monotonic_ns(), done
        started.check()
        if done > seen:
            moved_at, seen = time.monotonic(), done
        if time.monotonic() - moved_at > _STUCK_SECONDS:
            raise BenchFailed(f"no job has run for {_STUCK_SECONDS:.0f} s", detail=started.said())
        time.sleep(_TICK_SECONDS)
    if len(started.pids) == 1 or not from_ or before > jobs // 2:
        return ledger.starts()[0], 0
    return from_, before


def check_ran_once(ledger: Ledger, jobs: int, stored: int) -> None:
    """Raise BenchFailed unless each job ran exactly once and its end is stored."""
    if doubled := ledger.doubled():
        raise BenchFailed(f"{doubled} jobs ran more than once")
    if ledger.ran() != jobs or stored != jobs:
        raise BenchFailed(f"of {jobs} jobs {ledger.ran()} ran and {stored} are stored as such")


def cpu(pid: int | None, started: Processes) -> tuple[float, float]:
    """Return the processor seconds of the server and of the processes so far."""
    return machine.server_seconds(pid), machine.process_seconds(started.pids)
