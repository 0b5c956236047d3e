"""How the queue system is, and how deep: SQL functions, written like those in `calls`."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.reports import (
    DepthStep,
    ErrorGroup,
    ErrorHour,
    Mark,
    Metric,
    MetricSeries,
    QueueActivity,
    QueueDepth,
    RunTimes,
    StatStep,
    TaskActivity,
    TaskStats,
)
from pgq.rows import ConnectionBudget, HealthCheck
from pgq.values import Duration


@sql_function
def health(
    deep: bool | None = None,
    max_lag: Duration | None = None,
    max_age: Duration | None = None,
    sampled: bool | None = None,
) -> Call[list[HealthCheck]]:
    """Say how the queue system is, a row per check, always all of them.

    Cheap, unless `deep`. The lag of ready jobs fails above `max_lag` (default 1 hour) and warns
    from a tenth of it. A worker lives that was heard of within its lease, and within `max_age`.
    `sampled` takes answers of the last ten seconds that a worker has stored, if one has.
    """


@sql_function
def connection_budget() -> Call[ConnectionBudget]:
    """Say how many sessions the server allows, how many there are, how many workers may add."""


@sql_function
def depths() -> Call[list[QueueDepth]]:
    """Say of every queue how many jobs wait and run in it, as sampled every ten seconds.

    Where no worker has taken a sample for 30 seconds, it is measured now. A number is exact unless
    `estimated` names its state.
    """


@sql_function
def queue_names(max_queues: int | None = None) -> Call[list[str]]:
    """Return the names of queues that have jobs, had some, or are configured, 500 unless you say.

    Cheap at any backlog. max_queues can be from 1 to 10,000.
    """


@sql_function
def error_groups(
    since: datetime | None = None,
    queue: str | None = None,
    of_task: str | None = None,
    max_groups: int | None = None,
    of_fingerprint: str | None = None,
    skip_groups: int | None = None,
    new_since: datetime | None = None,
) -> Call[list[ErrorGroup]]:
    """Look up errors that happened since then (default: a day ago), the most frequent first.

    Errors are one where type, pattern of the message and place are the same. `failed_jobs` are
    counted up to 100; find_jobs finds them by the fingerprint. With `new_since` it answers only
    errors that were first seen then or later.
    """


@sql_function
def error_history(
    fingerprints: Iterable[str],
    queue: str | None = None,
    of_task: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Call[list[ErrorHour]]:
    """Say how many attempts some errors ended in each hour that had any (default: the last 24)."""


@sql_function
def depth_history(
    queue: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    step: Duration | None = None,
) -> Call[list[DepthStep]]:
    """Say how deep a queue was, or all queues together: the most of each number in each step.

    Default: the last hour, in 120 steps at most. Samples of a minute are kept for 48 hours, and
    the highest of each hour for 60 days.
    """


@sql_function
def metrics(tasks: bool | None = None) -> Call[list[Metric]]:
    """Answer the numbers of the queues and of the house for a monitoring system.

    The samples of a family follow each other. It costs the same at any backlog. With `tasks=False`
    what has ended is counted by queue alone.
    """


@sql_function
def metric_series(tasks: bool | None = None) -> Call[list[MetricSeries]]:
    """Answer the numbers of metrics, with one row for a whole histogram, for less."""


@sql_function
def stats(
    queue: str | None = None,
    task: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    step: Duration | None = None,
) -> Call[list[StatStep]]:
    """Say what happened in each step of a window, of a queue and a task or of all.

    Default: the last hour, in 120 steps at most. Exact to the moment; percentiles are at most 19
    per cent off. Minutes are kept for two days, hours for 60 days, days for 400 days.
    """


@sql_function
def task_stats(
    since: datetime | None = None,
    until: datetime | None = None,
    max_tasks: int | None = None,
    of_queue: str | None = None,
) -> Call[list[TaskStats]]:
    """Say what happened in a window, by queue and task, those first that ran longest together."""


@sql_function
def queue_activity(
    since: datetime | None = None,
    until: datetime | None = None,
    step: Duration | None = None,
    max_queues: int | None = None,
) -> Call[list[QueueActivity]]:
    """Return what happened in a window by queue, those first in which the most jobs ended.

    `ended` and `failed` count the jobs of each step, oldest first; the times are those of the whole
    window. Default: the last hour, in 120 steps at most, as `stats`.
    """


@sql_function
def task_activity(
    tasks: Iterable[str],
    since: datetime | None = None,
    until: datetime | None = None,
    step: Duration | None = None,
) -> Call[list[TaskActivity]]:
    """Return how many jobs of up to 500 tasks ended in each step of a window, by queue, as stats.

    Default: the last hour, in 120 steps at most. A task of which nothing was counted has no row.
    """


@sql_function
def run_times(
    queue: str | None = None,
    task: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    step: Duration | None = None,
) -> Call[list[RunTimes]]:
    """Say how many jobs ran how long in each step of a window, as stats: for a heat map."""


@sql_function
def add_mark(label: str, at: datetime | None = None) -> Call[None]:
    """Mark a moment (default: now), such as a deploy, to be shown in charts."""


@sql_function
def marks(since: datetime | None = None, until: datetime | None = None) -> Call[list[Mark]]:
    """Return the marks in a window (default: the last day), oldest first, a thousand at most."""


@sql_function
def reset_statistics() -> Call[int]:
    """Forget all outcomes that were counted, totals too; answer how many rows that were."""
