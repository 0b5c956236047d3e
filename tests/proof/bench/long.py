"""Workload `long`: many jobs through one worker, without autovacuum, and with large payloads.

Jobs are enqueued while others run, so that about as many are there all the time: what grows then
grows for another reason.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from pgq.bench import machine
from pgq.bench.bench import ASYNC_CONCURRENCY, Bench, Queue, check_ran_once, cpu
from pgq.bench.figures import BenchFailed, Contest, Contestant, Metrics
from pgq.bench.ledger import Ledger
from pgq.bench.processes import PYTHON, Processes, counting_workers

# How much of this stands between enqueue and handler.
_AHEAD_BYTES = 100 << 20
_STUCK_SECONDS = 60.0
# The first and the last tenth are timed. The peak of the lanes is that of a longer beginning, in
# which autovacuum, which looks once a minute, has had its turn.
_TIMED = 10
_EARLY = 4
_EARLY_SECONDS = 70.0
_SMALLEST = 1 << 20  # tables below so many bytes are not looked at for growth

_FILL = """\
with body as materialized (
  select string_agg(md5(part::text), '') as text
  from generate_series(1, %s::bigint / 32) as part
)
select count(*)
from {schema}.enqueue_many((
  select jsonb_agg(jsonb_build_object('task', 'bench_body', 'args', jsonb_build_object(
    'n', n, 'email', 'user@example.com', 'body', body.text
  )))
  from generate_series(%s::bigint, %s::bigint) as n
  cross join body
))"""

_SIZES = """\
select relname::text, pg_total_relation_size(pg_class.oid)
from pg_class
where relnamespace = to_regnamespace(quote_ident(%s))
  and relkind = 'r'
  and not relispartition"""


@dataclass(frozen=True)
class Case:
    """So many jobs with so many bytes of payload; `vacuums`: whether autovacuum is on."""

    jobs: int
    payload: int = 0
    vacuums: bool = True

    @property
    def ahead(self) -> int:
        """How many jobs are kept waiting."""
        return max(10, min(20_000, self.jobs // 20, _AHEAD_BYTES // max(self.payload, 1)))


class _Lanes:
    """The sizes of all tables but the history, and how much one has grown."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._peaks: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self.most = 0
        self.growth = 1.0

    def look(self, *, is_early: bool) -> None:
        sizes: dict[str, int] = dict(
            self._queue.connection.execute(_SIZES.encode(), (self._queue.schema,)).fetchall()
        )
        self.most = max(self.most, sum(sizes.values()))
        for name, size in sizes.items():
            if is_early:
                self._peaks[name] = max(size, self._peaks.get(name, 0))
            elif size > _SMALLEST:
                peak = max(self._peaks.get(name, 0), _SMALLEST)
                self.growth = max(self.growth, size / peak)

    @property
    def early(self) -> int:
        return sum(self._peaks.values())


@contextmanager
def many_jobs(bench: Bench) -> Generator[Contest, None, None]:
    """Set up workload `long`."""
    jobs = 20 * bench.sizes.bulk
    with bench.queue() as queue:

        def contestant(case: Case) -> Contestant:
            return lambda: run_case(queue, case)

        yield Contest(
            f"{jobs:,} jobs through one worker process, enqueued while others run",
            f"{jobs:,} jobs",
            {
                f"{jobs:,} jobs": contestant(Case(jobs)),
                "autovacuum off": contestant(Case(jobs, vacuums=False)),
                f"{jobs // 20:,} jobs of 10 kB": contestant(Case(jobs // 20, 10_000)),
                f"{max(40, jobs // 400):,} jobs of 500 kB": contestant(
                    Case(max(40, jobs // 400), 500_000)
                ),
            },
            [
                "lanes are all tables but the history, with indexes and TOAST; their growth is that"
                " of the table that grew most after the first quarter and the first 70 seconds (1:"
                " none did, or it was over by then)",
            ],
        )


def run_case(queue: Queue, case: Case) -> Metrics:
    pid = machine.postmaster(queue.connection)
    if not case.vacuums:
        _autovacuum(queue, on=False)
    after = queue.last_id()
    # Where it was off before, what it would have done by now.
    queue.connection.execute(queue.sql("vacuum"))
    command = [PYTHON, "-m", "pgq", "worker", "tests.proof.bench.long_tasks:registry"]
    command += ["--schema", queue.schema, "--concurrency", str(ASYNC_CONCURRENCY)]
    command += ["--log-level", "error", "--no-schedules"]
    dsn = queue.bench.place.dsn
    try:
        with (
            queue.bench.ledger(case.jobs) as (ledger, path),
            counting_workers(command, 1, dsn, path, {}) as started,
        ):
            lanes = _Lanes(queue)
            before, began = cpu(pid, started), time.monotonic()
            moments = _feed(queue, case, ledger, started, lanes)
            queue.wait(lambda: not queue.unfinished(after), started, "the last jobs to be stored")
            spent, ended = cpu(pid, started), time.monotonic()
            lanes.look(is_early=ended - began < _EARLY_SECONDS)
            check_ran_once(ledger, case.jobs, queue.succeeded(after))
    finally:
        if not case.vacuums:
            _autovacuum(queue, on=True)
    tenth = case.jobs // _TIMED
    return {
        "jobs/s": case.jobs / (ended - began),
        "first tenth, jobs/s": tenth / (moments[0] - began),
        "last tenth, jobs/s": tenth / (moments[2] - moments[1]),
        "server CPU s/10k": (spent[0] - before[0]) / case.jobs * 10_000,
        "worker CPU s/10k": (spent[1] - before[1]) / case.jobs * 10_000,
        "lanes at first, MB": lanes.early / 1e6,
        "lanes at most, MB": lanes.most / 1e6,
        "growth of a lane": lanes.growth,
    }


def _feed(
    queue: Queue, case: Case, ledger: Ledger, started: Processes, lanes: _Lanes
) -> tuple[float, float, float]:
    """Enqueue at the pace of the worker; return when a tenth, nine tenths and all have run."""
    batch, enqueued = max(1, case.ahead // 4), 0
    marks = [case.jobs // _TIMED, case.jobs - case.jobs // _TIMED, case.jobs]
    moments: list[float] = []
    began = moved_at = time.monotonic()
    seen, look_at = 0, 0.0
    while len(moments) < len(marks):
        ran, now = ledger.runs(), time.monotonic()
        while len(moments) < len(marks) and ran >= marks[len(moments)]:
            moments.append(now)
        if ran > seen:
            moved_at, seen = now, ran
        started.check()
        if now - moved_at > _STUCK_SECONDS:
            raise BenchFailed(f"no job has run for {_STUCK_SECONDS:.0f} s", detail=started.said())
        if now >= look_at:
            is_early = ran < case.jobs // _EARLY or now - began < _EARLY_SECONDS
            lanes.look(is_early=is_early)
            look_at = now + 0.2
        if enqueued < case.jobs and enqueued - ran < case.ahead:
            end = min(case.jobs, enqueued + batch)
            queue.one(_FILL, case.payload, enqueued, end - 1)
            enqueued = end
        else:
            time.sleep(0.002)
    return moments[0], moments[1], moments[2]


def _autovacuum(queue: Queue, *, on: bool) -> None:
    queue.connection.execute(f"alter system set autovacuum = {'on' if on else 'off'}".encode())
    queue.connection.execute("select pg_reload_conf()")
