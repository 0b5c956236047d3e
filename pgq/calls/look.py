"""Reading the views: one function per question, as in calls. For operators and observers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from pgq.calls.call import Answer, Call, row_or_none, rows_as
from pgq.job_rows import JobLinks, JobStatus
from pgq.lib.checks import check_integer, check_limit, check_text
from pgq.reports import PauseStatus, ScheduleState
from pgq.rows import (
    BatchStatus,
    BlockedJob,
    FailedJob,
    Job,
    QueueLimits,
    QueueSettings,
    QueueStats,
    ScheduleFire,
    ScheduleStatus,
    SemaphoreStatus,
    WorkerStatus,
)
from pgq.task_rows import RetentionSettings, TaskSettings
from pgq.values import moment_text

T = TypeVar("T")

_CHECKS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "id": check_integer,
    "limit": check_limit,
    "before": moment_text,
}


def _look(view: str, answer: Answer[T], rest: str, /, **parameters: Any) -> Call[T]:
    sent: dict[str, Any] = {}
    for name, given in parameters.items():
        check: Callable[[Any, str], Any] = _CHECKS.get(name, check_text)
        sent[name] = check(given, name)
    return Call(f"select {answer.columns} from {{schema}}.{view} {rest}", sent, answer.read)


def _page(view: str, answer: Answer[list[T]], key: str, **given: Any) -> Call[list[T]]:
    """Look up the row of a key, or up to `limit` rows in their order, those after a key.

    First stands the argument for the one key, then that for those after it, then `limit`.
    """
    sql_type, check = ("bigint", check_integer) if key == "id" else ("text", check_text)
    wheres, sent = [], {}
    limit = given.pop("limit")
    for sign, (name, value) in zip("=>", given.items(), strict=True):
        if value is not None:
            sent[name] = check(value, name)
            wheres.append(f"{key} {sign} %({name})s::{sql_type}")
    rest = f"where {' and '.join(wheres) or 'true'} order by {key}"
    if limit is not None:
        sent["limit"] = check_limit(limit, "limit")
        rest += " limit %(limit)s::bigint"
    return Call(f"select {answer.columns} from {{schema}}.{view} {rest}", sent, answer.read)


def job(id: int) -> Call[Job | None]:  # noqa: A002 (the column's name)
    """Look up a job of any state; None for an unknown or pruned one."""
    return _look("all_jobs", row_or_none(Job), "where id = %(id)s::bigint limit 1", id=id)


def job_state(id: int) -> Call[JobStatus | None]:  # noqa: A002 (the column's name)
    """Look up a job of any state for a monitor: without what it carries."""
    return _look("job_states", row_or_none(JobStatus), "where id = %(id)s::bigint limit 1", id=id)


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


def worker_status(
    worker_id: int | None = None, after_id: int | None = None, limit: int | None = None
) -> Call[list[WorkerStatus]]:
    """Say of every worker, or of that one, what it does and when it was last heard of."""
    return _page(
        "worker_status",
        rows_as(WorkerStatus),
        "id",
        worker_id=worker_id,
        after_id=after_id,
        limit=limit,
    )


def schedule_status(
    name: str | None = None, after: str | None = None, limit: int | None = None
) -> Call[list[ScheduleStatus]]:
    """Say of every schedule, or of the one of that name, when it runs and how it went."""
    return _page(
        "schedule_status", rows_as(ScheduleStatus), "name", name=name, after=after, limit=limit
    )


def schedule_states(
    name: str | None = None, after: str | None = None, limit: int | None = None
) -> Call[list[ScheduleState]]:
    """Say the same as schedule_status for monitors, without the job and what people wrote."""
    return _page(
        "schedule_states", rows_as(ScheduleState), "name", name=name, after=after, limit=limit
    )


def schedule_history(
    schedule: str, limit: int = 100, before: datetime | None = None
) -> Call[list[ScheduleFire]]:
    """Look up what became of a schedule's ticks, the latest first, or those before a tick."""
    where = "schedule = %(schedule)s::text"
    given: dict[str, Any] = {"schedule": schedule, "limit": limit}
    if before is not None:
        where += " and run_at < %(before)s::timestamptz"
        given["before"] = before
    rest = f"where {where} order by run_at desc limit %(limit)s::bigint"
    return _look("schedule_history", rows_as(ScheduleFire), rest, **given)


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


def queue_settings() -> Call[list[QueueSettings]]:
    """Look up the queues that were paused or have options of their own."""
    return _look("queue_settings", rows_as(QueueSettings), "order by queue")


def pause_status() -> Call[list[PauseStatus]]:
    """Look up the queues, tasks, semaphores and partition keys that are paused, and since when."""
    return _look("pause_status", rows_as(PauseStatus), "order by kind, queue, task, key")


def task_settings(
    task: str | None = None, after: str | None = None, limit: int | None = None
) -> Call[list[TaskSettings]]:
    """Look up the tasks that code or operators have named, and the defaults of their jobs."""
    answer = rows_as(TaskSettings)
    return _page("task_settings", answer, "task", task=task, after=after, limit=limit)


def retention_settings() -> Call[list[RetentionSettings]]:
    """Look up how long finished jobs are kept: first of all, then of queues, then of tasks."""
    return _look(
        "retention_settings",
        rows_as(RetentionSettings),
        "order by task nulls first, queue nulls first",
    )


def queue_limits(
    queue: str | None = None, after: str | None = None, limit: int | None = None
) -> Call[list[QueueLimits]]:
    """Say of every queue with limits or turns what they are, and what is left of them now."""
    return _page(
        "queue_limits", rows_as(QueueLimits), "queue", queue=queue, after=after, limit=limit
    )


def batch_status(limit: int = 100) -> Call[list[BatchStatus]]:
    """Look up the newest batches: what is left of them, and how they ended."""
    rest = "order by id desc limit %(limit)s::bigint"
    return _look("batch_status", rows_as(BatchStatus), rest, limit=limit)
