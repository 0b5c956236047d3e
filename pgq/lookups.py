"""Reading the views: one function per question, as in calls. For operators and observers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pgq._call import Call, row_or_none, rows_as
from pgq._values import json_text
from pgq.job import Job, State
from pgq.schedule import ScheduleFire, ScheduleStatus
from pgq.status import (
    BatchStatus,
    BlockedJob,
    FailedJob,
    JobLinks,
    QueueLimits,
    QueueStats,
    SemaphoreStatus,
    WorkerStatus,
)


def job(id: int) -> Call[Job | None]:  # noqa: A002 (the column's name)
    """Look up a job of any state; None for an unknown or pruned one."""
    template = f"select {_columns(Job)} from {{schema}}.all_jobs where id = %(id)s::bigint limit 1"
    return Call(template, {"id": id}, row_or_none(Job))


def jobs(
    state: State | None = None,
    queue: str | None = None,
    task: str | None = None,
    limit: int = 100,
    unique_key: str | None = None,
    batch_id: int | None = None,
    created_before: datetime | None = None,
    headers: Mapping[str, Any] | None = None,
) -> Call[list[Job]]:
    """Look up the newest jobs that fit all that is given; `headers`: theirs contain these."""
    wanted: dict[str, tuple[str, Any]] = {
        "state": ("state = %(state)s::text", state),
        "queue": ("queue = %(queue)s::text", queue),
        "task": ("task = %(task)s::text", task),
        "unique_key": ("unique_key = %(unique_key)s::text", unique_key),
        "batch_id": ("batch_id = %(batch_id)s::bigint", batch_id),
        "created_before": ("created_at < %(created_before)s::timestamptz", created_before),
        "headers": (
            "headers @> %(headers)s::jsonb",
            None if headers is None else json_text(headers, "headers"),
        ),
    }
    given = {name: each for name, each in wanted.items() if each[1] is not None}
    conditions = " and ".join(condition for condition, _ in given.values()) or "true"
    template = (
        f"select {_columns(Job)} from {{schema}}.all_jobs where {conditions}"
        " order by id desc limit %(limit)s::bigint"
    )
    parameters = {name: value for name, (_, value) in given.items()}
    return Call(template, {**parameters, "limit": limit}, rows_as(Job))


def failed_jobs(limit: int = 100) -> Call[list[FailedJob]]:
    """Look up the jobs that are out of attempts, the latest first."""
    template = (
        f"select {_columns(FailedJob)} from {{schema}}.failed_jobs"
        " order by finished_at desc limit %(limit)s::bigint"
    )
    return Call(template, {"limit": limit}, rows_as(FailedJob))


def queue_stats(queue: str | None = None) -> Call[list[QueueStats]]:
    """Say of every queue in use or configured, or of this one, what waits, runs and failed."""
    template = f"select {_columns(QueueStats)} from {{schema}}.queue_stats"
    if queue is None:
        return Call(f"{template} order by queue", {}, rows_as(QueueStats))
    return Call(f"{template} where queue = %(queue)s::text", {"queue": queue}, rows_as(QueueStats))


def worker_status() -> Call[list[WorkerStatus]]:
    """Say of every worker what it does and when it was last heard of."""
    template = f"select {_columns(WorkerStatus)} from {{schema}}.worker_status order by id"
    return Call(template, {}, rows_as(WorkerStatus))


def schedule_status(name: str | None = None) -> Call[list[ScheduleStatus]]:
    """Say of every schedule, or of the one of that name, when it runs and how it went."""
    template = f"select {_columns(ScheduleStatus)} from {{schema}}.schedule_status"
    if name is None:
        return Call(f"{template} order by name", {}, rows_as(ScheduleStatus))
    return Call(f"{template} where name = %(name)s::text", {"name": name}, rows_as(ScheduleStatus))


def schedule_history(schedule: str, limit: int = 100) -> Call[list[ScheduleFire]]:
    """Look up what became of a schedule's ticks, the latest first."""
    template = (
        f"select {_columns(ScheduleFire)} from {{schema}}.schedule_history"
        " where schedule = %(schedule)s::text order by run_at desc limit %(limit)s::bigint"
    )
    return Call(template, {"schedule": schedule, "limit": limit}, rows_as(ScheduleFire))


def blocked_jobs(limit: int = 100) -> Call[list[BlockedJob]]:
    """Look up the jobs that wait for their parents or for a semaphore, the oldest first."""
    template = (
        f"select {_columns(BlockedJob)} from {{schema}}.blocked_jobs"
        " order by id limit %(limit)s::bigint"
    )
    return Call(template, {"limit": limit}, rows_as(BlockedJob))


def job_links(id: int) -> Call[JobLinks | None]:  # noqa: A002 (the column's name)
    """Say what ties a job to others; None for an unknown or pruned one."""
    template = (
        f"select {_columns(JobLinks)} from {{schema}}.job_links where id = %(id)s::bigint limit 1"
    )
    return Call(template, {"id": id}, row_or_none(JobLinks))


def semaphore_status(limit: int = 1000) -> Call[list[SemaphoreStatus]]:
    """Say of every semaphore in use or configured what is taken and who waits."""
    template = (
        f"select {_columns(SemaphoreStatus)} from {{schema}}.semaphore_status"
        " order by concurrency_key limit %(limit)s::bigint"
    )
    return Call(template, {"limit": limit}, rows_as(SemaphoreStatus))


def queue_limits() -> Call[list[QueueLimits]]:
    """Say of every queue with limits or turns what they are, and what is left of them now."""
    template = f"select {_columns(QueueLimits)} from {{schema}}.queue_limits order by queue"
    return Call(template, {}, rows_as(QueueLimits))


def batch_status(limit: int = 100) -> Call[list[BatchStatus]]:
    """Look up the newest batches: what is left of them, and how they ended."""
    template = (
        f"select {_columns(BatchStatus)} from {{schema}}.batch_status"
        " order by id desc limit %(limit)s::bigint"
    )
    return Call(template, {"limit": limit}, rows_as(BatchStatus))


_View = (
    Job | FailedJob | QueueStats | WorkerStatus | ScheduleStatus | ScheduleFire
    | BlockedJob | JobLinks | SemaphoreStatus | QueueLimits | BatchStatus
)  # fmt: skip


def _columns(row: type[_View]) -> str:
    return ", ".join(row._fields)
