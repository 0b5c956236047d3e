"""The SQL functions about schedules and the calendar; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pgq.calls.binding import sql_function
from pgq.calls.call import Call, argument, call_function, moment
from pgq.jobs import NewJob
from pgq.options import Args, CatchUp, InOrder, OnSemaphore, Overlap, UniqueWhile
from pgq.rows import Firing, ScheduleChange
from pgq.schedules import OPTIONS, NewSchedule, new_schedule
from pgq.tasks import AnyTask
from pgq.values import Backoff, Duration


def schedule(
    name: str,
    task: str | AnyTask | NewJob,
    cron: str | None = None,
    every: Duration | None = None,
    args: Args | None = None,
    queue: str | None = None,
    priority: int | None = None,
    timezone: str | None = None,
    catch_up: CatchUp | None = None,
    overlap: Overlap | None = None,
    max_attempts: int | None = None,
    backoff: Backoff | None = None,
    timeout: Duration | None = None,
    expires_in: Duration | None = None,
    headers: Mapping[str, Any] | None = None,
    starts_at: datetime | None = None,
    catch_up_window: Duration | None = None,
    description: str | None = None,
    concurrency_key: str | None = None,
    concurrency_limit: int | None = None,
    concurrency_duration: Duration | None = None,
    concurrency_weight: int | None = None,
    concurrency_on_conflict: OnSemaphore | None = None,
    partition_key: str | None = None,
    unique_key: str | None = None,
    unique_while: UniqueWhile | None = None,
    unique_for: Duration | None = None,
    declared: Sequence[str] | None = None,
    concurrency_order: InOrder | None = None,
) -> Call[datetime]:
    """Enqueue a job at every tick of a cron expression, or every so often; answer the next time.

    A schedule of that name is replaced, and keeps its rhythm where its timing stays the same. A
    Task or a NewJob brings its own options; those given here go before them. Raises InvalidCron,
    InvalidJob, and InvalidArgument for a schedule that belongs to code or a file.
    """
    new = new_schedule(**locals())
    arguments = {option.name: argument(option, getattr(new, option.name)) for option in OPTIONS}
    return call_function("schedule", moment, **arguments)


@sql_function
def unschedule(name: str) -> Call[bool]:
    """Delete a schedule; answer false when there is none. Jobs that it enqueued stay.

    Raises InvalidArgument for one that belongs to code or a file.
    """


@sql_function
def pause_schedule(name: str) -> Call[bool]:
    """Stop a schedule until resume_schedule; answer whether it was running."""


@sql_function
def resume_schedule(name: str) -> Call[bool]:
    """Let a paused schedule go on in its rhythm; answer whether it was paused.

    Ticks that passed meanwhile are not made up for.
    """


@sql_function
def run_schedule_now(name: str) -> Call[int]:
    """Enqueue a schedule's job now, besides its ticks, and return the job's id.

    With overlap "skip" and its last job still alive, that is the id of that one.
    """


@sql_function
def prune_schedule_history(
    schedule_name: str | None = None,
    older_than: Duration | None = None,
    max_runs: int | None = None,
) -> Call[int]:
    """Delete what became of ticks longer ago (default: keep_history_for); say how many.

    Of one schedule, or of all; at most, and by default, 100,000. `maintain` does so by itself, by
    the setting.
    """


@sql_function
def fire_due_schedules(batch_size: int | None = None) -> Call[Firing]:
    """Enqueue the jobs of up to batch_size due schedules (default 100); say when the next is due.

    Any number of sessions may call it at once: each tick fires once.
    """


@sql_function
def sync_schedules(source: str, schedules: Iterable[NewSchedule]) -> Call[list[ScheduleChange]]:
    """Make these exactly the schedules that a source declares; say what became of each.

    Nothing is changed when one of them is wrong, or belongs to somebody else: InvalidCron,
    InvalidJob or InvalidArgument.
    """


@sql_function
def cron_next(
    expression: str, after: datetime | None = None, timezone: str | None = None
) -> Call[datetime | None]:
    """Say when a cron expression is next due after a time (default now); None: never.

    The time zone is UTC by default. Raises InvalidCron.
    """


@sql_function
def cron_preview(
    expression: str,
    times: int | None = None,
    after: datetime | None = None,
    timezone: str | None = None,
) -> Call[list[datetime]]:
    """Say when a cron expression is due the next few times (default 5) after a time.

    Raises InvalidCron.
    """
