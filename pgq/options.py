"""The options of a job: what each is called, its SQL type, and how its value is sent.

OPTIONS is the list. The binding of `enqueue`, the JSON of `enqueue_many` and of schedules, what a
file of schedules may hold and the flags of the command line are made from it. What has to be
written out, so that editors and type checkers know it, is here too, or is compared with the list by
tests/test_conventions_options.py. In SQL the list is the type `job_options`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypedDict, get_args

from pgq.lib.checks import as_texts, check_integer, check_text
from pgq.values import Backoff, Duration, backoff_text, check_object, interval_text, moment_text

Args = Mapping[str, Any] | Sequence[Any]
"""Keyword arguments, positional ones, or {"args": [...], "kwargs": {...}} for both."""

OnConflict = Literal["return", "raise", "replace", "bump", "discard", "merge"]
Keeping = Literal["return", "raise", "replace", "bump", "merge"]
"""Those after which there always is a job: its own, or the owner of the key."""
OnSemaphore = Literal["block", "discard"]
InOrder = Literal["continue", "block"]
"""What a job in strict order does to those after it when it fails: they go on, or wait."""
OnParentFailure = Literal["cancel", "run", "wait"]
UniqueWhile = Literal["live", "queued"]
UniqueBy = Literal["args"]
CatchUp = Literal["skip", "last", "all"]
"""Which of the runs that nobody was there to start are made up for."""

Overlap = Literal["allow", "skip"]
"""What to do at a tick while the job of an earlier one is still alive."""


@dataclass(frozen=True, kw_only=True)
class JobFields:
    """The options that single jobs and the jobs of a schedule have; None is the schema's default.

    A field that only one of the two has stands in NewJob or NewSchedule.
    """

    queue: str | None = None
    priority: int | None = None
    max_attempts: int | None = None
    backoff: Backoff | None = None
    timeout: Duration | None = None
    expires_in: Duration | None = None
    headers: Mapping[str, Any] | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    concurrency_duration: Duration | None = None
    concurrency_weight: int | None = None
    concurrency_on_conflict: OnSemaphore | None = None
    concurrency_order: InOrder | None = None
    partition_key: str | None = None
    unique_key: str | None = None
    unique_while: UniqueWhile | None = None
    unique_for: Duration | None = None
    # Which of these are only the task's: what operators set in the database goes before them.
    declared: Sequence[str] | None = field(default=None, compare=False)


class JobDefaults(TypedDict, total=False):
    """The same where a call takes them by name, but for the keys and the headers.

    A task makes its jobs' keys of their arguments, and has no headers.
    """

    queue: str | None
    priority: int | None
    max_attempts: int | None
    backoff: Backoff | None
    timeout: Duration | None
    expires_in: Duration | None
    unique_while: UniqueWhile | None
    unique_for: Duration | None
    concurrency_limit: int | None
    concurrency_duration: Duration | None
    concurrency_weight: int | None
    concurrency_on_conflict: OnSemaphore | None
    concurrency_order: InOrder | None


class JobOptions(JobDefaults, total=False):
    """The options that enqueue takes besides on_conflict, which decides what it answers."""

    run_at: datetime | None
    delay: Duration | None
    unique_key: str | None
    headers: Mapping[str, Any] | None
    concurrency_key: str | None
    partition_key: str | None
    depends_on: Sequence[int] | None
    on_parent_failure: OnParentFailure | None
    batch_id: int | None
    declared: Sequence[str] | None
    unique_by: UniqueBy | None
    max_wait: Duration | None


class Option(NamedTuple):
    """An option of a job or a schedule.

    `sent` makes what is sent of a value, by the option's name, or refuses it; None: its type says.
    `needs` is the option without which it makes no sense. `help` and `words`, the only values that
    it may have, are for people.
    """

    name: str
    sql_type: str
    help: str = ""
    words: tuple[str, ...] = ()
    needs: str | None = None
    sent: Callable[[Any, str], Any] | None = None


def interval_option(name: str, help: str, needs: str | None = None) -> Option:  # noqa: A002
    """Return an option that is a length of time."""
    return Option(name, "interval", help, needs=needs)


def moment_option(name: str, help: str) -> Option:  # noqa: A002
    """Return an option that is a point in time."""
    return Option(name, "timestamptz", help)


def word_option(name: str, words: Any, help: str, needs: str | None = None) -> Option:  # noqa: A002
    """Return an option that is one of the words of a Literal."""
    return Option(name, "text", help, get_args(words), needs)


# In the order of enqueue's arguments, but for ref, which is no argument of it. The command line
# takes those with a help.
OPTIONS: Final[tuple[Option, ...]] = (
    Option("task", "text"),
    Option("args", "jsonb"),
    Option("queue", "text", "The queue.  [default: default]"),
    Option("priority", "bigint", "Lower runs first.  [default: 0]"),
    moment_option("run_at", "Not before this time (ISO 8601)."),
    interval_option("delay", "Not before this has passed."),
    Option("max_attempts", "bigint", "How many attempts a job may have."),
    Option(
        "backoff",
        "text",
        "The wait before a retry: 30s, constant, linear, exponential, a JSON list of waits or a "
        "JSON object with kind, base, cap and jitter.",
        sent=backoff_text,
    ),
    interval_option("timeout", "How long an attempt may run."),
    interval_option("expires_in", "How long after its time a job may start; then it expires."),
    Option(
        "unique_key",
        "text",
        "No two live jobs share it; a schedule's tick then enqueues nothing.",
    ),
    word_option(
        "on_conflict",
        OnConflict,
        "What to do if a live job has the unique key.  [default: return]",
        "unique_key",
    ),
    Option("headers", "jsonb", "Metadata, a JSON object.", sent=check_object),
    Option("concurrency_key", "text", "The semaphore that a job needs."),
    Option(
        "concurrency_limit",
        "bigint",
        "How many slots the semaphore has.  [default: 1]",
        needs="concurrency_key",
    ),
    interval_option(
        "concurrency_duration",
        "A job gives its slots back after this, even if it has not ended.",
        "concurrency_key",
    ),
    Option(
        "concurrency_weight",
        "bigint",
        "How many slots a job takes.  [default: 1]",
        needs="concurrency_key",
    ),
    word_option(
        "concurrency_on_conflict",
        OnSemaphore,
        "If no slot is free: wait, or end as cancelled.  [default: block]",
        "concurrency_key",
    ),
    Option("depends_on", "bigint[]", "Wait until this job has ended; repeat."),
    word_option(
        "on_parent_failure",
        OnParentFailure,
        "What to do if one of those does not succeed.  [default: cancel]",
        "depends_on",
    ),
    Option("partition_key", "text", "The tenant, for queues that are fair."),
    word_option(
        "unique_while",
        UniqueWhile,
        "Until when a job has the unique key: its end, or its start.  [default: live]",
        "unique_key",
    ),
    interval_option(
        "unique_for", "Keep the unique key for so long, even past the job's end.", "unique_key"
    ),
    Option("batch_id", "bigint", "The batch that it belongs to."),
    Option("declared", "text[]"),
    word_option(
        "unique_by", UniqueBy, "Make the unique key of the task and the args, in its place."
    ),
    interval_option(
        "max_wait", "Replace and merge put a job off to at most this after its first enqueue."
    ),
    word_option(
        "concurrency_order",
        InOrder,
        "One job of the key at a time, in the order of their enqueues; after one failed, go on or "
        "block the key.",
        "concurrency_key",
    ),
    Option("ref", "text"),
)

# What a task makes of its jobs' arguments.
KEYS: Final = ("unique_key", "concurrency_key", "partition_key")

# What a task may say for its jobs.
OF_TASKS: Final = (*JobDefaults.__annotations__, "on_conflict", "unique_by", *KEYS)

_of_both = {"task", "args", *(each.name for each in fields(JobFields))}
OF_SCHEDULES: Final = tuple(each for each in OPTIONS if each.name in _of_both)
"""Those that the jobs of a schedule have too."""
OF_SINGLE_JOBS: Final = tuple(each for each in OPTIONS if each.name not in _of_both)
"""Those that they cannot have: their times come from the schedule."""


def what_needs(name: str) -> tuple[str, ...]:
    """Return the options that make no sense without this one."""
    return tuple(each.name for each in OPTIONS if each.needs == name)


def _unchanged(given: Any, _what: str) -> Any:
    return given


# Values that are JSON as they are if they are just of this type, and what any other becomes.
_PLAIN: Final[Mapping[str, type]] = {"text": str, "bigint": int, "jsonb": dict}
_AS_JSON: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "text": check_text,
    "bigint": check_integer,
    "bigint[]": _unchanged,
    "text[]": as_texts,
    "interval": interval_text,
    "timestamptz": moment_text,
    "jsonb": _unchanged,
}


def plain_types(options: tuple[Option, ...]) -> dict[str, type]:
    """Return by name the type of values that are JSON as they are, where there is one."""
    plain = {each.name: _PLAIN.get(each.sql_type) for each in options if each.sent is None}
    return {name: type_ for name, type_ in plain.items() if type_ is not None}


def as_json_by_name(options: tuple[Option, ...]) -> dict[str, Callable[[Any, str], Any]]:
    """Return by name what makes JSON of a value, and refuses one of a wrong type."""
    return {each.name: each.sent or _AS_JSON[each.sql_type] for each in options}


def shown_with(options: tuple[Option, ...], job: object) -> str:
    """Return a job or schedule for people, with these options in their order."""
    parts = (f"{each.name}={getattr(job, each.name)!r}" for each in options)
    return f"{type(job).__name__}({', '.join(parts)})"
