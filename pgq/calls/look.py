"""Reading the views: one function per question, as in calls. For operators and observers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pgq.calls.call import Answer, Call, row_or_none, rows_as
from pgq.lib.checks import check_integer, check_limit, check_text
from pgq.rows import (
    BatchStatus,
    BlockedJob,
    FailedJob,
    Job,
    JobLinks,
    QueueLimits,
    QueueStats,
    ScheduleFire,
    ScheduleStatus,
    SemaphoreStatus,
    WorkerStatus,
)

T = TypeVar("T")

_CHECKS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "id": check_integer,
    "limit": check_limit,
}


def _look(view: str, answer: Answer[T], rest: str, /, **parameters: Any) -> Call[T]:
    for name, given in parameters.items():
        check: Callable[[Any, str], Any] = _CHECKS.get(name, check_text)
        check(given, name)
    template = f"select {answer.columns} from {{schema}}.{view} {rest}"
    return Call(template, parameters, answer.read)


def job(id: int) -> Call[Job | None]:  # noqa: A002 (the column's name)
    """Look up a job of any state; None for an unknown or pruned one."""
    return _look("all_jobs", row_or_none(Job), "where id = %(id)s::bigint limit 1", id=id)


def failed_jobs(limit: int = 100) -> Call[list[FailedJob]]:
    """Look up the jobs that are out of attempts, the latest first."""
    rest = "order by finished_at desc limit %(limit)s::bigint"
    return _look("failed_jobs", rows_as(FailedJob), rest, limit=limit)


def queue_stats(queue: str | None = None) -> Call[list[QueueStats]]:
    """Say of every queue in use or configured, or of this one, what waits, runs and failed."""
    if queue is None:
        return _look("queue_stats", rows_as(QueueStats), "order by queue")
    rest = "where queue = %(queue)s::text"
    return _look("queue_stats", rows_as(QueueStats), rest, queue=queue)


def worker_status() -> Call[list[WorkerStatus]]:
    """Say of every worker what it does and when it was last heard of."""
    return _look("worker_status", rows_as(WorkerStatus), "order by id")


def schedule_status(name: str | None = None) -> Call[list[ScheduleStatus]]:
    """Say of every schedule, or of the one of that name, when it runs and how it went."""
    if name is None:
        return _look("schedule_status", rows_as(ScheduleStatus), "order by name")
    rest = "where name = %(name)s::text"
    return _look("schedule_status", rows_as(ScheduleStatus), rest, name=name)


def schedule_history(schedule: str, limit: int = 100) -> Call[list[ScheduleFire]]:
    """Look up what became of a schedule's ticks, the latest first."""
    rest = "where schedule = %(schedule)s::text order by run_at desc limit %(limit)s::bigint"
    return _look("schedule_history", rows_as(ScheduleFire), rest, schedule=schedule, limit=limit)


def blocked_jobs(limit: int = 100) -> Call[list[BlockedJob]]:
    """Look up the jobs that wait for their parents or for a semaphore, the oldest first."""
    rest = "order by id limit %(limit)s::bigint"
    return _look("blocked_jobs", rows_as(BlockedJob), rest, limit=limit)


def job_links(id: int) -> Call[JobLinks | None]:  # noqa: A002 (the column's name)
    """Say what ties a job to others; None for an unknown or pruned one."""
    return _look("job_links", row_or_none(JobLinks), "where id = %(id)s::bigint limit 1", id=id)


def semaphore_status(limit: int = 1000) -> Call[list[SemaphoreStatus]]:
    """Say of every semaphore in use or configured what is taken and who waits."""
    rest = "order by concurrency_key limit %(limit)s::bigint"
    return _look("semaphore_status", rows_as(SemaphoreStatus), rest, limit=limit)


def queue_limits() -> Call[list[QueueLimits]]:
    """Say of every queue with limits or turns what they are, and what is left of them now."""
    return _look("queue_limits", rows_as(QueueLimits), "order by queue")


def batch_status(limit: int = 100) -> Call[list[BatchStatus]]:
    """Look up the newest batches: what is left of them, and how they ended."""
    rest = "order by id desc limit %(limit)s::bigint"
    return _look("batch_status", rows_as(BatchStatus), rest, limit=limit)
