"""Recurring jobs: what a schedule is declared with, and what the database says of schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

from pgq.errors import InvalidArgument, InvalidJob
from pgq.jobs import AS_JSON, Args, NewJob, OnSemaphore, State, UniqueWhile
from pgq.lib.checks import as_listed, check_text, shown
from pgq.values import Backoff, Duration, interval_text, json_text, moment_text

if TYPE_CHECKING:
    from pgq.tasks import AnyTask

CatchUp = Literal["skip", "last", "all"]
"""Which of the runs that nobody was there to start are made up for."""

Overlap = Literal["allow", "skip"]
"""What to do at a tick while the job of an earlier one is still alive."""


class Recurrence(TypedDict, total=False):
    """When a task with a schedule of its own runs; see NewSchedule."""

    cron: str | None
    every: Duration | None
    timezone: str | None
    catch_up: CatchUp | None
    overlap: Overlap | None


class ScheduleOptions(Recurrence, total=False):
    """All that a schedule has besides its name and its task; see NewSchedule."""

    args: Args | None
    queue: str | None
    priority: int | None
    max_attempts: int | None
    backoff: Backoff | None
    timeout: Duration | None
    expires_in: Duration | None
    headers: Mapping[str, Any] | None
    starts_at: datetime | None
    catch_up_window: Duration | None
    description: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    concurrency_duration: Duration | None
    concurrency_weight: int | None
    concurrency_on_conflict: OnSemaphore | None
    partition_key: str | None
    unique_key: str | None
    unique_while: UniqueWhile | None
    unique_for: Duration | None


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """A schedule, with the arguments of the SQL function `schedule`; None is the schema's default.

    `cron` is five fields or a macro such as "@daily", in `timezone`; `every` an interval. A
    schedule has one of them.
    """

    name: str
    task: str
    cron: str | None = None
    every: Duration | None = None
    args: Args | None = None
    queue: str | None = None
    priority: int | None = None
    timezone: str | None = None
    catch_up: CatchUp | None = None
    overlap: Overlap | None = None
    max_attempts: int | None = None
    backoff: Backoff | None = None
    timeout: Duration | None = None
    expires_in: Duration | None = None
    headers: Mapping[str, Any] | None = None
    starts_at: datetime | None = None
    catch_up_window: Duration | None = None
    description: str | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    concurrency_duration: Duration | None = None
    concurrency_weight: int | None = None
    concurrency_on_conflict: OnSemaphore | None = None
    partition_key: str | None = None
    unique_key: str | None = None
    unique_while: UniqueWhile | None = None
    unique_for: Duration | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the schedule as sync_schedules takes it, without options that are None."""
        options = [(name, getattr(self, name)) for name in OPTIONS]
        return {name: _AS_JSON[name](given, name) for name, given in options if given is not None}


OPTIONS = tuple(option.name for option in fields(NewSchedule))
_AS_JSON: Mapping[str, Callable[[Any, str], Any]] = {
    **AS_JSON,
    **dict.fromkeys(("name", "cron", "timezone", "catch_up", "overlap", "description"), check_text),
    **dict.fromkeys(("every", "catch_up_window"), interval_text),
    "starts_at": moment_text,
}

# What a job may have and a schedule's jobs cannot: their times come from the schedule.
_OF_SINGLE_JOBS = (
    "run_at", "delay", "on_conflict", "depends_on", "on_parent_failure", "batch_id", "ref",
)  # fmt: skip


def new_schedule(name: str, task: str | AnyTask | NewJob, **options: Any) -> NewSchedule:
    """Return a schedule of a task, whose own options fill in for those that are not given.

    The keys that the task makes of its arguments are made of the schedule's. InvalidArgument for an
    option that the jobs of a schedule cannot have, InvalidJob where a key cannot be made.
    """
    job = NewJob(task) if isinstance(task, str) else task
    if not isinstance(job, NewJob):
        if not hasattr(job, "with_args"):
            raise InvalidJob(f"{shown(task)} is no task", "Pass a task, its name, or a NewJob.")
        job = job.with_args(options.get("args"))
    for option in _OF_SINGLE_JOBS:
        given = getattr(job, option)
        if given is not None and (option, given) != ("on_conflict", "return"):
            raise InvalidArgument(
                f"schedule {name!r}: its jobs cannot have {option}",
                'Leave it out; overlap="skip" keeps its jobs from running side by side.',
            )
    own = {key: getattr(job, key) for key in OPTIONS if key != "name" and hasattr(job, key)}
    # A job's empty args are the schema's default, too.
    own["args"] = job.args or None
    given_here = {key: option for key, option in options.items() if option is not None}
    return NewSchedule(name, **{**own, **given_here})


def check_timing(schedule: NewSchedule) -> None:
    """Raise InvalidArgument for a schedule that no server would take, as early as can be."""
    if (schedule.cron is None) == (schedule.every is None):
        said = "neither cron nor every" if schedule.cron is None else "both cron and every"
        raise InvalidArgument(f"schedule {schedule.name!r} has {said}", "Pass one of the two.")
    if schedule.overlap == "skip" and schedule.unique_key is not None:
        raise InvalidArgument(
            f"schedule {schedule.name!r} has both overlap skip and a unique_key",
            "Leave out one of the two: overlap skip is a unique_key of its own.",
        )


def schedules_text(schedules: Iterable[NewSchedule]) -> str:
    """Return schedules as the JSON array that sync_schedules takes; errors name a bad one."""
    return f"[{','.join(map(_schedule_text, as_listed(schedules, 'schedules')))}]"


def _schedule_text(schedule: Any) -> str:
    if not isinstance(schedule, NewSchedule):
        hint = "See Registry.schedule and NewSchedule."
        raise InvalidArgument(f"schedules has {shown(schedule)}, no NewSchedule", hint)
    what = f"schedule {shown(schedule.name)}"
    try:
        return json_text(schedule.as_json(), what)
    except InvalidArgument as error:
        raise InvalidArgument(f"{what}: {error.message}", error.hint) from None


class StaticSchedules(NamedTuple):
    """Every schedule that a source declares; syncing them removes what the source had besides."""

    source: str
    schedules: list[NewSchedule]


class Firing(NamedTuple):
    """How many ticks were fired; when the next schedule is due, by the database's clock."""

    fired: int
    next_run_at: datetime | None
    due_in: timedelta | None


class ScheduleChange(NamedTuple):
    """What a sync did with one schedule: added, changed, removed or unchanged."""

    name: str
    change: str


class ScheduleStatus(NamedTuple):
    """A schedule, when it runs, and what came of it last: a row of the view schedule_status."""

    name: str
    timing: str
    timezone: str | None
    task: str
    queue: str
    paused: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_outcome: str | None
    last_job_id: int | None
    late: timedelta | None
    catch_up: CatchUp
    overlap: Overlap
    source: str | None
    problem: str | None
    description: str | None
    every: timedelta | None
    job: dict[str, Any]


class ScheduleFire(NamedTuple):
    """What became of a tick: a row of the view schedule_history."""

    schedule: str
    run_at: datetime
    fired_at: datetime
    outcome: str
    job_id: int | None
    job_state: State | None
    delay: timedelta | None
    missed_until: datetime | None
    message: str | None
