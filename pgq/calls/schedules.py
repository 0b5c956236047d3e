"""The SQL functions about schedules and the calendar; the rest of `calls`, and written like it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pgq.calls import call as _call
from pgq.calls.call import Call, bigint, call_function, interval, text, timestamptz
from pgq.jobs import NewJob
from pgq.options import Args, CatchUp, OnSemaphore, Overlap, UniqueWhile
from pgq.rows import Firing, ScheduleChange
from pgq.schedules import OPTIONS, NewSchedule, new_schedule, schedules_text
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
) -> Call[datetime]:
    """Enqueue a job at every tick of a cron expression, or every so often; answer the next time.

    A schedule of that name is replaced, and keeps its rhythm where its timing stays the same. A
    Task or a NewJob brings its own options; those given here go before them. Raises InvalidCron,
    InvalidJob, and InvalidArgument for a schedule that belongs to code or a file.
    """
    new = new_schedule(
        name, task, cron=cron, every=every, args=args, queue=queue, priority=priority,
        timezone=timezone, catch_up=catch_up, overlap=overlap, max_attempts=max_attempts,
        backoff=backoff, timeout=timeout, expires_in=expires_in, headers=headers,
        starts_at=starts_at, catch_up_window=catch_up_window, description=description,
        concurrency_key=concurrency_key, concurrency_limit=concurrency_limit,
        concurrency_duration=concurrency_duration, concurrency_weight=concurrency_weight,
        concurrency_on_conflict=concurrency_on_conflict, partition_key=partition_key,
        unique_key=unique_key, unique_while=unique_while, unique_for=unique_for,
    )  # fmt: skip
    arguments = {
        option.name: _call.argument(option, getattr(new, option.name)) for option in OPTIONS
    }
    return call_function("schedule", _call.moment, **arguments)


def unschedule(name: str) -> Call[bool]:
    """Delete a schedule; answer false when there is none. Jobs that it enqueued stay.

    Raises InvalidArgument for one that belongs to code or a file.
    """
    return call_function("unschedule", _call.value, name=text(name))


def pause_schedule(name: str) -> Call[bool]:
    """Stop a schedule until resume_schedule; answer whether it was running."""
    return call_function("pause_schedule", _call.value, name=text(name))


def resume_schedule(name: str) -> Call[bool]:
    """Let a paused schedule go on in its rhythm; answer whether it was paused.

    Ticks that passed meanwhile are not made up for.
    """
    return call_function("resume_schedule", _call.value, name=text(name))


def run_schedule_now(name: str) -> Call[int]:
    """Enqueue a schedule's job now, besides its ticks, and return the job's id.

    With overlap "skip" and its last job still alive, that is the id of that one.
    """
    return call_function("run_schedule_now", _call.value, name=text(name))


def prune_schedule_history(
    schedule_name: str | None = None,
    older_than: Duration | None = None,
    max_runs: int | None = None,
) -> Call[int]:
    """Delete what became of ticks longer ago (default: keep_history_for); say how many.

    Of one schedule, or of all; at most, and by default, 100,000. `maintain` does so by itself, by
    the setting.
    """
    return call_function(
        "prune_schedule_history",
        _call.value,
        schedule_name=text(schedule_name),
        older_than=interval(older_than),
        max_runs=bigint(max_runs),
    )


def fire_due_schedules(batch_size: int | None = None) -> Call[Firing]:
    """Enqueue the jobs of up to batch_size due schedules (default 100); say when the next is due.

    Any number of sessions may call it at once: each tick fires once.
    """
    return call_function(
        "fire_due_schedules",
        _call.row_as(Firing, due_in="next_run_at - clock_timestamp()"),
        batch_size=bigint(batch_size),
    )


def sync_schedules(source: str, schedules: Iterable[NewSchedule]) -> Call[list[ScheduleChange]]:
    """Make these exactly the schedules that a source declares; say what became of each.

    Nothing is changed when one of them is wrong, or belongs to somebody else: InvalidCron,
    InvalidJob or InvalidArgument.
    """
    return call_function(
        "sync_schedules",
        _call.rows_as(ScheduleChange),
        source=text(source),
        schedules=text(schedules_text(schedules)),
    )


def cron_next(
    expression: str, after: datetime | None = None, timezone: str | None = None
) -> Call[datetime | None]:
    """Say when a cron expression is next due after a time (default now); None: never.

    The time zone is UTC by default. Raises InvalidCron.
    """
    return call_function(
        "cron_next",
        _call.moment,
        expression=text(expression),
        after=timestamptz(after),
        timezone=text(timezone),
    )


def cron_preview(
    expression: str,
    times: int | None = None,
    after: datetime | None = None,
    timezone: str | None = None,
) -> Call[list[datetime]]:
    """Say when a cron expression is due the next few times (default 5) after a time.

    Raises InvalidCron.
    """
    return call_function(
        "cron_preview",
        _call.moments,
        expression=text(expression),
        times=bigint(times),
        after=timestamptz(after),
        timezone=text(timezone),
    )
