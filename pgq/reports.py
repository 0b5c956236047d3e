"""What the database says of the whole: counts, depths, flows, metrics, who changed what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pgq.rows import State


class QueueDepth(NamedTuple):
    """How many jobs wait and run in a queue; `estimated`: of which states that is an estimate."""

    queue: str
    ready: int
    scheduled: int
    blocked: int
    running: int
    failed: int
    lag: timedelta | None
    oldest_failed_at: datetime | None
    estimated: list[State]
    sampled_at: datetime


class DepthStep(NamedTuple):
    """The most that a queue had in a step from `at` on; `enqueued`: jobs since the last one."""

    at: datetime
    ready: int
    scheduled: int
    blocked: int
    running: int
    lag: timedelta | None
    estimated: bool
    enqueued: int | None


class FlowNode(NamedTuple):
    """A job of a flow, or `jobs` equal siblings; `more`: how many next to it are not shown."""

    id: int
    jobs: int
    task: str
    queue: str
    state: State
    parents: list[int]
    hops: int
    more: int


class Metric(NamedTuple):
    """A number for a monitoring system; `family`: what it is a part of, all of one type."""

    family: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    name: str
    labels: dict[str, str]
    value: float


class MetricSeries(NamedTuple):
    """A series of metrics; `value` of a histogram is its sum, `counts[n]`: up to `bounds[n]`.

    The last of its counts has no bound, and says how many there are; others have neither.
    """

    family: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: dict[str, str]
    value: float
    bounds: list[float] | None
    counts: list[int] | None


class StatStep(NamedTuple):
    """What happened in a step from `at` on: outcomes, and how long jobs waited and ran."""

    at: datetime
    succeeded: int
    failed: int
    cancelled: int
    expired: int
    retried: int
    snoozed: int
    released: int
    lost: int
    wait_mean: timedelta | None
    wait_p50: timedelta | None
    wait_p95: timedelta | None
    wait_p99: timedelta | None
    run_mean: timedelta | None
    run_p50: timedelta | None
    run_p95: timedelta | None
    run_p99: timedelta | None


class TaskStats(NamedTuple):
    """What happened to the jobs of a queue and task in a window; `run_time`: all together."""

    queue: str
    task: str
    succeeded: int
    failed: int
    cancelled: int
    expired: int
    retried: int
    snoozed: int
    released: int
    lost: int
    run_time: timedelta
    wait_mean: timedelta | None
    wait_p50: timedelta | None
    wait_p95: timedelta | None
    wait_p99: timedelta | None
    run_mean: timedelta | None
    run_p50: timedelta | None
    run_p95: timedelta | None
    run_p99: timedelta | None


class QueueActivity(NamedTuple):
    """What happened in a queue in a window; `ended` and `failed` in each step, oldest first."""

    queue: str
    step_length: timedelta
    ended: list[int]
    failed: list[int]
    retried: int
    wait_p50: timedelta | None
    wait_p95: timedelta | None
    run_p50: timedelta | None
    run_p95: timedelta | None


class TaskActivity(NamedTuple):
    """How many jobs of a task of a queue ended and failed in each step, oldest first."""

    queue: str
    task: str
    step_length: timedelta
    ended: list[int]
    failed: list[int]


class Mark(NamedTuple):
    """A moment to see in charts, such as a deploy."""

    at: datetime
    label: str


class ErrorGroup(NamedTuple):
    """Errors that are the same, in one task: a row of error_groups."""

    fingerprint: str
    task: str
    error_type: str
    pattern: str
    sample: str
    attempts: int
    failed_jobs: int
    first_seen: datetime
    last_seen: datetime
    last_job_id: int

    @property
    def failed_more(self) -> bool:
        """Whether more jobs may be failed: `failed_jobs` is counted up to 100."""
        return self.failed_jobs >= 100


class AuditEntry(NamedTuple):
    """What an operator's call changed, and who called: a row of audit_log.

    `actor` is the application's word for the person; `ids`, the jobs, the first hundred of them.
    """

    id: int
    at: datetime
    login: str
    actor: str | None
    address: str | None
    action: str
    target: str | None
    options: dict[str, Any] | None
    ids: list[int] | None
    affected: int | None
    outcomes: dict[str, int] | None
    operation_id: int | None


class Estimate(NamedTuple):
    """How many jobs fit; not `exact`: at least so many, among those down to `looked_to`."""

    jobs: int
    exact: bool
    looked_at: int
    looked_to: int | None


class ErrorHour(NamedTuple):
    """How many attempts an error ended in the hour from `at` on."""

    fingerprint: str
    task: str
    at: datetime
    attempts: int


class JobCount(NamedTuple):
    """How many jobs of a queue are in a state, or at least so many unless `exact`."""

    state: State
    waits_for: Literal["parents", "semaphore"] | None
    jobs: int
    exact: bool


class JobEvent(NamedTuple):
    """How a job or one of its runs ended. What the job does not say any more is None.

    outcome: succeeded, failed, cancelled, expired: the job has ended; retried, snoozed, released:
    it goes on; lost: its worker is gone, followed by what came of that. error: the first line.
    Events of one settle have the same next_cursor.
    """

    next_cursor: int
    at: datetime
    outcome: str
    job_id: int
    queue: str
    task: str
    attempt: int | None
    waited: timedelta | None
    ran: timedelta | None
    worker: str | None
    error_type: str | None
    error: str | None


class RunTimes(NamedTuple):
    """How many jobs ran how long in a step from `at` on: up to 2 ** (bucket / 2) seconds."""

    at: datetime
    bucket: int
    jobs: int


class PastWorker(NamedTuple):
    """A worker that has left."""

    id: int
    name: str
    host: str | None
    pid: int | None
    started_at: datetime
    left_at: datetime


class ListedBatch(NamedTuple):
    """A batch, what is left of it, how its jobs ended, and the tasks that follow it."""

    id: int
    description: str | None
    status: Literal["open", "closed", "succeeded", "failed"]
    live: int
    succeeded: int
    failed: int
    cancelled: int
    expired: int
    on_success: str | None
    on_finish: str | None
    on_failure: str | None
    created_at: datetime
    closed_at: datetime | None
    finished_at: datetime | None


class ScheduleState(NamedTuple):
    """A schedule without the job that it enqueues: a row of the view schedule_states."""

    name: str
    timing: str
    timezone: str | None
    task: str
    queue: str
    paused: bool
    broken: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_outcome: str | None
    last_job_id: int | None
    late: timedelta | None
    catch_up: str
    overlap: str
    source: str | None


class PauseStatus(NamedTuple):
    """What is paused, and since when: a row of the view pause_status."""

    kind: Literal["queue", "task", "semaphore", "partition"]
    queue: str | None
    task: str | None
    key: str | None
    paused_at: datetime
    paused_until: datetime | None


class ShardMap(NamedTuple):
    """What a shard knows of its fleet; `owners` of the slots from 0 on, None: it moves."""

    number: int
    owners: list[int | None]
    spread: list[str]


class SlotLeft(NamedTuple):
    """What of a slot is in a shard: live jobs, unique keys taken for a time, schedules."""

    slot: int
    jobs: int
    windows: int
    schedules: int


class Published(NamedTuple):
    """A job that a publish made for a subscription; `id` and `created` are as in Created."""

    id: int
    created: bool
    subscription: str


class Subscription(NamedTuple):
    """A task that gets a job for each publish to a topic: a row of the view subscriptions."""

    topic: str
    name: str
    task: str
    queue: str
    filter: dict[str, Any] | None
    options: dict[str, Any]
    created_at: datetime


class IdleTurn(NamedTuple):
    """What an idle worker's turn did and found; the columns of a job are None where there is none.

    `orders` is None where the call was no heartbeat. must_maintain: maintain() is wanted now, on
    another session.
    """

    orders: list[str] | None
    fired: int
    next_run_at: datetime | None
    fire_in: Annotated[timedelta | None, "next_run_at - clock_timestamp()"]
    promoted: int
    next_due_at: datetime | None
    due_in: Annotated[timedelta | None, "next_due_at - clock_timestamp()"]
    failed_steps: list[str] | None
    must_maintain: bool | None
    job_id: int | None
    claim_id: int | None
    queue: str | None
    task: str | None
    args: Any
    headers: dict[str, Any] | None
    attempt: int | None
    max_attempts: int | None
    timeout: timedelta | None
