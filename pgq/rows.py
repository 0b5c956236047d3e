"""What the database says of jobs, queues and workers: rows of views, and answers with counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pgq.jobs import State


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


class JobLinks(NamedTuple):
    """What ties a job to other jobs: a row of the view job_links."""

    id: int
    parents: list[int] | None
    children: list[int]
    concurrency_key: str | None
    concurrency_weight: int | None
    holds_slots: bool
    partition_key: str | None


class SemaphoreStatus(NamedTuple):
    """A semaphore, its slots and who waits for them: a row of the view semaphore_status."""

    concurrency_key: str
    max_slots: int | None
    used_slots: int
    holders: int
    waiters: int
    configured: bool
    next_expiry_at: datetime | None


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


class JobCount(NamedTuple):
    """How many jobs of a queue are in a state; of blocked ones, for what they wait."""

    state: State
    waits_for: Literal["parents", "semaphore"] | None
    jobs: int


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
