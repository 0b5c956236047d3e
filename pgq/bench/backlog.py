"""Workload 5: the same drain with little and with much around it."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from pgq.bench.bench import Bench, Queue, wait_for_ledger
from pgq.bench.draining import ASYNC_JOB
from pgq.bench.figures import BenchFailed, Contest, Contestant, Metrics

_FUTURE_JOB = "jsonb_build_object('task', 'bench_async', 'delay', '1 day')"

_HISTORY = """\
insert into {schema}.job_history (
  id, state, queue, task, priority, attempt, max_attempts, run_at, created_at, finished_at, args
)
select n, 'succeeded', 'default', 'bench_async', 0, 1, 3, moment, moment, moment,
  jsonb_build_object('n', n, 'email', 'user@example.com')
from generate_series(1, %s::bigint) as n
cross join lateral (select {schema}._now() - interval '1 minute' as moment offset 0) as ago"""

_SPREAD_JOB = "jsonb_build_object('task', 'bench_async', 'queue', 'queue-' || n %% {queues})"


@contextmanager
def around(bench: Bench) -> Generator[Contest, None, None]:
    """Workload 5."""
    sizes = bench.sizes
    with ExitStack() as stack:

        def queue(name: str) -> Queue:
            return stack.enter_context(bench.queue(name))

        small = f"{sizes.small_backlog:,} ready"
        contestants: dict[str, Contestant] = {small: partial(_run, queue("small"))}
        bench.tell(f"making {sizes.backlog:,} ready jobs")
        contestants[f"{sizes.backlog:,} ready"] = _many_ready(queue("ready"))
        bench.tell(f"making {sizes.backlog:,} future jobs")
        future = queue("future")
        future.fill(0, sizes.backlog, _FUTURE_JOB)
        contestants[f"{sizes.backlog:,} scheduled for later"] = partial(_run, future)
        bench.tell(f"making {sizes.history:,} finished jobs")
        history = queue("history")
        _add_history(history, sizes.history)
        contestants[f"{sizes.history:,} finished"] = partial(_run, history)
        spread = queue("spread")
        contestants[f"in {sizes.queues:,} queues"] = partial(
            _run, spread, _SPREAD_JOB.replace("{queues}", str(sizes.queues))
        )
        yield Contest(
            f"{sizes.small_backlog:,} jobs of one worker process, by what is around them",
            small,
            contestants,
            [
                "the clock ends when so many handlers have run; then each is checked to be stored",
                "finished jobs are rows inserted into the history, not jobs that ran",
            ],
        )


def _add_history(queue: Queue, rows: int) -> None:
    queue.connection.execute(queue.sql(_HISTORY), (rows,))
    # They have ids of their own; new jobs get higher ones.
    queue.one("select setval(pg_get_serial_sequence('{schema}.jobs', 'id'), %s)", rows + 1)
    queue.connection.execute(queue.sql("analyze {schema}.job_history"))


def _inserted(queue: Queue) -> int:
    """Return the highest id of the rows that were inserted into the history."""
    return queue.bench.sizes.history if queue.schema.endswith("history") else 0


def _many_ready(queue: Queue) -> Contestant:
    sizes = queue.bench.sizes
    queue.fill(0, sizes.backlog)
    queue.vacuum()
    first = 0

    def run() -> Metrics:
        """Take jobs from the backlog, and put as many back behind it."""
        nonlocal first
        _each_queue(queue, "pause_queue", ["default"])
        metrics, ran = _race(queue, first + sizes.backlog, ["default"])
        queue.fill(first + sizes.backlog, ran)
        first += ran
        return metrics

    return run


def _run(queue: Queue, job: str = ASYNC_JOB) -> Metrics:
    """Fill and drain; `_SPREAD_JOB` spreads the jobs over several queues."""
    names = ["default"]
    if job != ASYNC_JOB:
        names = [f"queue-{n}" for n in range(queue.bench.sizes.queues)]
    _each_queue(queue, "pause_queue", names)
    queue.fill(0, queue.bench.sizes.small_backlog, job)
    queue.vacuum()
    return _race(queue, queue.bench.sizes.small_backlog, names)[0]


def _each_queue(queue: Queue, function: str, names: Sequence[str]) -> None:
    template = "select count({schema}." + function + "(name)) from unnest(%s::text[]) as name"
    queue.one(template, list(names))


def _race(queue: Queue, numbers: int, names: Sequence[str]) -> tuple[Metrics, int]:
    """Let a worker run as many ready jobs as in the small case; return its rate and how many."""
    goal = queue.bench.sizes.small_backlog
    before = queue.succeeded(_inserted(queue))
    with queue.bench.ledger(numbers) as (ledger, path):
        with queue.workers(1, path) as started:
            _each_queue(queue, "resume_queue", names)
            began, _ = wait_for_ledger(ledger, goal, started)
            runs, ended = ledger.runs(), time.monotonic_ns()
        # The worker has ended: it has stored what it ran, and handed back the rest.
        ran, stored = ledger.ran(), queue.succeeded(_inserted(queue)) - before
        if ledger.doubled() or ran != stored:
            raise BenchFailed(f"{ran} jobs ran, {ledger.doubled()} twice, {stored} are stored")
    return {"jobs/s": runs / ((ended - began) / 1e9)}, ran
