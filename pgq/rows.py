"""What the database says of jobs, queues and workers: rows of views, and answers with counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple

from pgq.options import CatchUp, Overlap
from pgq.values import Undecodable as Undecodable

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    R_co = TypeVar("R_co", covariant=True, default=Any)
else:  # Python 3.11 knows no defaults
    from typing import TypeVar

    R_co = TypeVar("R_co", covariant=True)

State = Literal[
    "scheduled", "blocked", "ready", "running", "succeeded", "failed", "cancelled", "expired"
]


class Created(NamedTuple):
    """A job of enqueue_many; `created` is false when another one had the unique key.

    With on_conflict "discard" the id is then None, whatever its type says.
    """

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
    """What a heartbeat tells a worker of a job, or of itself: cancel, lost, what was ordered."""

    instruction: str
    job_id: int | None


class WorkerBeside(NamedTuple):
    """Another worker whose process can be seen from here."""

    id: int
    pid: int


class Promotion(NamedTuple):
    """How many due jobs became ready; when the next is due, by the database's clock."""

    promoted: int
    next_due_at: datetime | None
    due_in: Annotated[timedelta | None, "next_due_at - clock_timestamp()"]


class Step(NamedTuple):
    """A step of maintain() that was done, and how much it changed; None: it failed.

    With what it failed says health().
    """

    step: str
    affected: int | None


class Violation(NamedTuple):
    """An invariant that does not hold."""

    violation: str
    job_id: int | None
    detail: str | None


class Result(NamedTuple, Generic[R_co]):
    """How a job stands, and what came of it; `error` is that of its last failed attempt."""

    state: State
    result: R_co
    error: dict[str, Any] | None
    finished_at: datetime | None


class JobResult(NamedTuple, Generic[R_co]):
    """How one of several jobs stands, and what came of it; state None: unknown or pruned."""

    job_id: int
    state: State | None
    result: R_co
    error: dict[str, Any] | None
    finished_at: datetime | None


class ParentResult(NamedTuple):
    """How a parent stands, and what came of it; state None: it was discarded or pruned."""

    parent_id: int
    state: State | None
    result: Any


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
    batch_id: int | None
    partition_key: str | None
    concurrency_key: str | None


class ListedJob(NamedTuple):
    """A job of a list; `error_message` is the first line. The last four only with details."""

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
    batch_id: int | None
    partition_key: str | None
    concurrency_key: str | None
    waits_for: Literal["parents", "semaphore"] | None
    parents: list[int] | None
    error_type: str | None
    error_message: str | None
    progress: Any
    args: Any
    headers: dict[str, Any] | None
    errors: list[dict[str, Any]] | None
    result: Any


class JobPage(NamedTuple):
    """Jobs of a list; `looked_to` is the id from which to go on. None: that was all."""

    jobs: list[ListedJob]
    looked_to: int | None


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
    blocked: int
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
    protocol: int


class BlockedJob(NamedTuple):
    """A job that waits for its parents or for a semaphore: a row of the view blocked_jobs."""

    id: int
    queue: str
    task: str
    priority: int
    created_at: datetime
    waits_for: Literal["parents", "semaphore"]
    parents: list[int] | None
    concurrency_key: str | None


class SemaphoreStatus(NamedTuple):
    """A semaphore, its slots and who waits for them: a row of the view semaphore_status."""

    concurrency_key: str
    max_slots: int | None
    used_slots: int
    holders: int
    waiters: int
    configured: bool
    next_expiry_at: datetime | None


class QueueSettings(NamedTuple):
    """The options of a queue that was changed or paused: a row of the view queue_settings."""

    queue: str
    paused: bool
    paused_until: datetime | None
    backoff: dict[str, Any] | None


class QueueLimits(NamedTuple):
    """The limits of a queue and what is left of them: a row of the view queue_limits."""

    queue: str
    max_running: int | None
    running: int | None
    rate_limit: int | None
    rate_interval: timedelta | None
    rate_burst: int | None
    tokens: int | None
    next_token_at: datetime | None
    rate_per_key: bool
    fair: bool


class BatchStatus(NamedTuple):
    """A batch, what is left of it and how it ended: a row of the view batch_status."""

    id: int
    description: str | None
    status: Literal["open", "closed", "succeeded", "failed"]
    live: int
    not_succeeded: int
    created_at: datetime
    closed_at: datetime | None
    finished_at: datetime | None


class BatchProgress(NamedTuple):
    """How far a batch is, in jobs that are there: the answer of batch_progress."""

    total: int
    waiting: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    expired: int
    finished_at: datetime | None


BulkAction = Literal["retry", "cancel", "discard", "reprioritise", "run_now", "redrive"]


class BulkStart(NamedTuple):
    """A bulk operation that will start, or its preview, without an id: the answer of bulk_start.

    `jobs` fit, counted up to 10,000; there are more unless `is_exact`.
    """

    id: int | None
    jobs: int
    is_exact: bool
    samples: list[int]
    highest_id: int
    starts_at: datetime


class BulkOperation(NamedTuple):
    """A bulk operation, how far it is and what became of its jobs: a row of bulk_status."""

    id: int
    action: BulkAction
    status: Literal["waiting", "running", "undone", "stopped", "finished", "failed"]
    jobs: int
    is_exact: bool
    done: int
    progress: float
    outcomes: dict[str, int]
    examples: dict[str, list[int]]
    filters: dict[str, Any]
    states: list[State]
    highest_id: int
    priority: int | None
    run_at: datetime | None
    spread: timedelta | None
    login: str
    actor: str | None
    created_at: datetime
    starts_at: datetime
    begun_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    error: str | None


class KeyOwner(NamedTuple):
    """Who owns a unique key, and until when at least: the answer of unique_key_owner."""

    job_id: int
    state: State | None
    until_at: datetime | None


class HealthCheck(NamedTuple):
    """How one thing is: a row of health(); `value` is a count, seconds or per cent.

    `hint` says what to do, `meaning` what it means when the check is not well.
    """

    name: str
    status: Literal["ok", "warn", "fail"]
    value: float | None
    reason: str
    hint: str | None
    meaning: str


class ConnectionBudget(NamedTuple):
    """How many sessions may be open and are; `may_come`: what the living workers may add."""

    available: int
    used: int
    may_come: int


class Firing(NamedTuple):
    """How many ticks were fired; when the next schedule is due, by the database's clock."""

    fired: int
    next_run_at: datetime | None
    due_in: Annotated[timedelta | None, "next_run_at - clock_timestamp()"]


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
