"""Recurring jobs: what a schedule is declared with, and what the database says of schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

from pgq.errors import InvalidArgument, InvalidJob
from pgq.jobs import NewJob
from pgq.lib.checks import as_listed, check_text, shown
from pgq.lib.cron import check_cron
from pgq.options import (
    OF_SCHEDULES,
    OF_SINGLE_JOBS,
    Args,
    CatchUp,
    JobDefaults,
    JobFields,
    Option,
    Overlap,
    as_json_by_name,
    interval_option,
    moment_option,
    shown_with,
    word_option,
)
from pgq.values import Duration, json_text

if TYPE_CHECKING:
    from pgq.tasks import AnyTask


class Recurrence(TypedDict, total=False):
    """When a task with a schedule of its own runs; see NewSchedule."""

    cron: str | None
    every: Duration | None
    timezone: str | None
    catch_up: CatchUp | None
    overlap: Overlap | None


class ScheduleOptions(Recurrence, JobDefaults, total=False):
    """All that a schedule has besides its name and its task; see NewSchedule."""

    args: Args | None
    headers: Mapping[str, Any] | None
    starts_at: datetime | None
    catch_up_window: Duration | None
    description: str | None
    concurrency_key: str | None
    partition_key: str | None
    unique_key: str | None
    declared: Sequence[str] | None


@dataclass(frozen=True, slots=True, repr=False)
class NewSchedule(JobFields):
    """A schedule, with the arguments of the SQL function `schedule`; None is the schema's default.

    `cron` is five fields or a macro such as "@daily", in `timezone`; `every` an interval. A
    schedule has one of them. InvalidCron or InvalidArgument for a timing that no server would take.
    """

    name: str
    task: str
    cron: str | None = None
    every: Duration | None = None
    args: Args | None = None
    _: KW_ONLY
    timezone: str | None = None
    catch_up: CatchUp | None = None
    overlap: Overlap | None = None
    starts_at: datetime | None = None
    catch_up_window: Duration | None = None
    description: str | None = None

    def __repr__(self) -> str:
        return shown_with(OPTIONS, self)

    def __post_init__(self) -> None:
        if (self.cron is None) == (self.every is None):
            said = "neither cron nor every" if self.cron is None else "both cron and every"
            raise InvalidArgument(f"schedule {shown(self.name)} has {said}", "Pass one of the two.")
        if self.overlap == "skip" and self.unique_key is not None:
            raise InvalidArgument(
                f"schedule {shown(self.name)} has both overlap skip and a unique_key",
                "Leave out one of the two: overlap skip uses a unique_key itself.",
            )
        if self.cron is not None:
            try:
                check_cron(check_text(self.cron, "cron"))
            except InvalidArgument as error:
                message = f"schedule {shown(self.name)}: {error.message}"
                raise type(error)(message, error.hint) from None

    def as_json(self) -> dict[str, Any]:
        """Return the schedule as sync_schedules takes it, without options that are None."""
        options = [(name, getattr(self, name)) for name in _AS_JSON]
        return {name: _AS_JSON[name](given, name) for name, given in options if given is not None}


# All of a schedule: its own options, and those that its jobs have. The command line takes those
# with a help.
OPTIONS: Final[tuple[Option, ...]] = (
    Option("name", "text"),
    Option("cron", "text", "Five fields, or @daily and the like."),
    interval_option("every", "The time between two runs."),
    Option("timezone", "text", "The zone of --cron.  [default: UTC]"),
    word_option(
        "catch_up",
        CatchUp,
        "Which missed ticks still fire.  [default: last]",
    ),
    word_option(
        "overlap", Overlap, "What to do while the last job is still live.  [default: allow]"
    ),
    moment_option("starts_at", "Not before this time (ISO 8601)."),
    interval_option("catch_up_window", "How far back --catch-up all goes.  [default: 1 day]"),
    Option("description", "text", "What it is for."),
    *OF_SCHEDULES,
)
_AS_JSON: Final = as_json_by_name(OPTIONS)


def new_schedule(name: str, task: str | AnyTask | NewJob, **options: Any) -> NewSchedule:
    """Return a schedule of a task, whose own options fill in for those that are not given.

    The keys that the task makes of its arguments are made of the schedule's. InvalidArgument for an
    option that the jobs of a schedule cannot have, InvalidJob where a key cannot be made; and what
    NewSchedule refuses.
    """
    job = NewJob(task) if isinstance(task, str) else task
    if not isinstance(job, NewJob):
        if not hasattr(job, "with_args"):
            raise InvalidJob(f"{shown(task)} is no task", "Pass a task, its name, or a NewJob.")
        job = job.with_args(options.get("args"))
    for option in OF_SINGLE_JOBS:
        given = getattr(job, option.name)
        if given is not None and (option.name, given) != ("on_conflict", "return"):
            raise InvalidArgument(
                f"schedule {name!r}: its jobs cannot have {option.name}",
                'Leave it out; overlap="skip" keeps its jobs from running side by side.',
            )
    own = {option.name: getattr(job, option.name) for option in OF_SCHEDULES}
    # A job's empty args are the schema's default, too.
    own["args"] = job.args or None
    given_here = {key: option for key, option in options.items() if option is not None}
    own["declared"] = [each for each in job.declared or () if each not in given_here] or None
    return NewSchedule(name, **{**own, **given_here})


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
