"""What goes into the queue and what comes out of it: plain immutable values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pgq._values import Backoff, Duration, backoff_text, interval_text, json_text, moment_text

Args = Mapping[str, Any] | Sequence[Any]
"""Keyword arguments, positional ones, or {"args": [...], "kwargs": {...}} for both."""

OnConflict = Literal["return", "raise", "replace", "bump"]

State = Literal["scheduled", "ready", "running", "succeeded", "failed", "cancelled", "expired"]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be enqueued; an option that is None has the schema's default."""

    task: str
    args: Args = field(default_factory=dict[str, Any])
    queue: str | None = None
    priority: int | None = None
    run_at: datetime | None = None
    delay: Duration | None = None
    max_attempts: int | None = None
    backoff: Backoff | None = None
    timeout: Duration | None = None
    expires_in: Duration | None = None
    unique_key: str | None = None
    on_conflict: OnConflict | None = None
    headers: Mapping[str, Any] | None = None

    def changed(self, **options: Any) -> NewJob:
        """Return the same job with those of the options that are not None."""
        return replace(self, **{key: given for key, given in options.items() if given is not None})

    def as_json(self) -> dict[str, Any]:
        """Return the job as enqueue_many takes it, without options that are None."""
        options = [(name, getattr(self, name)) for name in _OPTIONS]
        return {name: _AS_JSON[name](given) for name, given in options if given is not None}


def _same(option: Any) -> Any:
    return option


def _run_at_text(run_at: datetime) -> str:
    return moment_text(run_at, "run_at")


_OPTIONS = tuple(option.name for option in fields(NewJob))
_AS_JSON: Mapping[str, Callable[[Any], Any]] = dict.fromkeys(_OPTIONS, _same) | {
    "run_at": _run_at_text,
    "backoff": backoff_text,
    "delay": interval_text,
    "timeout": interval_text,
    "expires_in": interval_text,
}


def jobs_text(jobs: Sequence[NewJob]) -> str:
    """Return jobs as the JSON array that enqueue_many takes; InvalidJob names the first bad one."""
    texts = (json_text(job.as_json(), f"job {place}") for place, job in enumerate(jobs, 1))
    return f"[{','.join(texts)}]"


class Created(NamedTuple):
    """A job of enqueue_many; `created` is false when a live job owned the unique key."""

    id: int
    created: bool


class ClaimedJob(NamedTuple):
    """A job that is ours to run: settle it with its `claim_id`. `attempt` counts this run."""

    job_id: int
    claim_id: int
    queue: str
    task: str
    args: Any
    headers: dict[str, Any] | None
    attempt: int
    max_attempts: int
    timeout: timedelta | None


class Outcome(NamedTuple):
    """What a call did with one job, in the words of the function that was called."""

    job_id: int
    outcome: str


class Settled(NamedTuple):
    """The outcome of a settle that may leave the job waiting, and where the job stands now."""

    job_id: int
    outcome: str
    state: State | None
    run_at: datetime | None


class Order(NamedTuple):
    """What a heartbeat tells a worker: cancel, lost, pause or stop; None: the worker itself."""

    instruction: str
    job_id: int | None


class Promotion(NamedTuple):
    """How many due jobs became ready; when the next is due, by the database's clock."""

    promoted: int
    next_due_at: datetime | None
    due_in: timedelta | None


class Step(NamedTuple):
    """A step of maintain() that was done, and how much it changed."""

    step: str
    affected: int


class Violation(NamedTuple):
    """An invariant that does not hold."""

    violation: str
    job_id: int | None
    detail: str | None


class Result(NamedTuple):
    """How a job stands, and what came of it; `error` is that of its last failed attempt."""

    state: State
    result: Any
    error: dict[str, Any] | None
    finished_at: datetime | None


class Job(NamedTuple):
    """A job of any state, live or finished: a row of the view all_jobs."""

    id: int
    state: State
    queue: str
    task: str
    priority: int
    attempt: int
    max_attempts: int
    run_at: datetime
    created_at: datetime
    ready_at: datetime | None
    claimed_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    timeout: timedelta | None
    worker_id: int | None
    unique_key: str | None
    args: Any
    headers: dict[str, Any] | None
    progress: Any
    errors: list[dict[str, Any]] | None
    result: Any


class FailedJob(NamedTuple):
    """A job that is out of attempts: a row of the view failed_jobs."""

    id: int
    queue: str
    task: str
    attempt: int
    finished_at: datetime
    error_type: str | None
    error_message: str | None


class QueueStats(NamedTuple):
    """What waits, runs and failed in a queue: a row of the view queue_stats."""

    queue: str
    ready: int
    scheduled: int
    running: int
    failed_today: int
    expired_today: int
    lag: timedelta | None
    paused: bool


class WorkerStatus(NamedTuple):
    """A worker and what it does: a row of the view worker_status."""

    id: int
    name: str
    status: str
    running: int
    concurrency: int
    queues: str
    silence: timedelta
    uptime: timedelta
    host: str | None
    pid: int | None
    version: str | None
