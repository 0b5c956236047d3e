"""What the database says of one job: its attempts, what it waits for, and its links to others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pgq.rows import State

Reason = Literal[
    "time",
    "promotion",
    "parents",
    "semaphore",
    "pause",
    "max_running",
    "rate_limit",
    "worker",
    "task",
    "turn",
]


class JobLinks(NamedTuple):
    """What ties a job to other jobs and its worker: a row of the view job_links.

    `worker` is the name of who runs it, or ran it last; `key_owner`, the job that its unique key
    belongs to now; `exhausted_from`, the failed job for which on_exhausted made this one;
    `redriven_from`, the failed job of which redrive made it.
    """

    id: int
    parents: list[int] | None
    children: list[int]
    concurrency_key: str | None
    concurrency_weight: int | None
    holds_slots: bool
    partition_key: str | None
    worker: str | None
    unique_key: str | None
    key_owner: int | None
    batch_id: int | None
    schedule: str | None
    exhausted_from: int | None
    redriven_from: int | None


class JobAttempt(NamedTuple):
    """An attempt of a job: when it waited, ran and ended, with whom, and how."""

    attempt: int
    outcome: Literal["failed", "lost", "succeeded", "cancelled", "running"]
    ready_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    worker_id: int | None
    worker: str | None
    error_type: str | None
    message: str | None
    traceback: str | None
    fingerprint: str | None


class JobContent(NamedTuple):
    """A part of what a job carries, as text; `content` None: it is too large to read.

    `chars`: how long the whole is; `stored_bytes`: how much it takes where it is stored.
    """

    part: Literal["args", "headers", "progress", "result"]
    content: str | None
    chars: int | None
    stored_bytes: int


class Obstacle(NamedTuple):
    """Why a job does not run now; `until`: when this ends by itself, where that is known."""

    reason: Reason
    explanation: str
    until: datetime | None


class JobStatus(NamedTuple):
    """A job without what it carries: a row of the view job_states."""

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
    batch_id: int | None


class Redriven(NamedTuple):
    """What redrive did with a dead letter; `new_id`: the job that it enqueued, None: none."""

    job_id: int
    outcome: str
    new_id: int | None
