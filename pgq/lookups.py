"""Reading the views: one function per question, as in calls. For operators and observers."""

from __future__ import annotations

from pgq._call import Call, row_or_none, rows_as
from pgq.job import FailedJob, Job, QueueStats, State, WorkerStatus
from pgq.schedule import ScheduleFire, ScheduleStatus


def job(id: int) -> Call[Job | None]:  # noqa: A002 (the column's name)
    """Look up a job of any state; None for an unknown or pruned one."""
    template = f"select {_columns(Job)} from {{schema}}.all_jobs where id = %(id)s::bigint limit 1"
    return Call(template, {"id": id}, row_or_none(Job))


def jobs(
    state: State | None = None,
    queue: str | None = None,
    task: str | None = None,
    limit: int = 100,
) -> Call[list[Job]]:
    """Look up the newest jobs of a state, a queue, a task; None: of all."""
    wanted = {"state": state, "queue": queue, "task": task}
    given = {column: name for column, name in wanted.items() if name is not None}
    conditions = " and ".join(f"{column} = %({column})s::text" for column in given) or "true"
    template = (
        f"select {_columns(Job)} from {{schema}}.all_jobs where {conditions}"
        " order by id desc limit %(limit)s::bigint"
    )
    return Call(template, {**given, "limit": limit}, rows_as(Job))


def failed_jobs(limit: int = 100) -> Call[list[FailedJob]]:
    """Look up the jobs that are out of attempts, the latest first."""
    template = (
        f"select {_columns(FailedJob)} from {{schema}}.failed_jobs"
        " order by finished_at desc limit %(limit)s::bigint"
    )
    return Call(template, {"limit": limit}, rows_as(FailedJob))


def queue_stats() -> Call[list[QueueStats]]:
    """Say of every queue in use or configured what waits, runs and failed."""
    template = f"select {_columns(QueueStats)} from {{schema}}.queue_stats order by queue"
    return Call(template, {}, rows_as(QueueStats))


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


_View = Job | FailedJob | QueueStats | WorkerStatus | ScheduleStatus | ScheduleFire


def _columns(row: type[_View]) -> str:
    return ", ".join(row._fields)
