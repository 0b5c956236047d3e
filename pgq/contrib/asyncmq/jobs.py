"""Jobs as AsyncMQ shows them: dictionaries with its keys and states, and the class Job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, cast

from pgq.contrib.asyncmq._json import decoded
from pgq.contrib.asyncmq._lookups import type_of
from pgq.rows import ListedJob
from pgq.task_args import call_arguments

Backoff = float | Sequence[float] | Callable[..., float] | str | None
"""A base (base ** retries seconds), a list of seconds, a function of the number of retries so far,
a backoff in pgq's words; None: at once."""

JobId = int | str
"""pgq's id, also as digits, or the job_id that a job was added with."""


class State(StrEnum):
    """The states of a job in AsyncMQ's words, and `cancelled`."""

    WAITING = "waiting"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"
    DELAYED = "delayed"
    EXPIRED = "expired"
    QUEUED = "queued"
    CANCELLED = "cancelled"
    WAITING_CHILDREN = "waiting-children"


class Job:
    """A job to enqueue, for FlowProducer and `Queue.enqueue`; or the job that a dictionary holds.

    `id` is the given job_id, or a name that other jobs of the same flow can depend on. Once a
    FlowProducer has added the job, it is the database's id.
    """

    def __init__(
        self,
        task_id: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retries: int = 0,
        max_retries: int = 3,
        backoff: Backoff = 1.5,
        ttl: float | None = None,
        job_id: JobId | None = None,
        created_at: float | None = None,
        priority: int = 5,
        repeat_every: float | None = None,
        depends_on: Sequence[JobId] | None = None,
        deduplication: Mapping[str, Any] | None = None,
        active_since: float | None = None,
    ) -> None:
        self.id: JobId = job_id or str(uuid.uuid4())
        self.custom_id = job_id if isinstance(job_id, str) else None
        self.task_id = task_id
        self.args = list(args or [])
        self.kwargs = dict(kwargs or {})
        self.retries = retries
        self.max_retries = max_retries
        self.backoff = backoff
        self.ttl = ttl
        self.created_at = created_at or time.time()
        self.priority = priority
        self.repeat_every = repeat_every
        self.depends_on: list[JobId] = list(depends_on or [])
        self.deduplication = None if deduplication is None else dict(deduplication)
        self.active_since = active_since
        self.status: str = State.WAITING
        self.result: Any = None
        self.progress: Any = None
        self.last_attempt: float | None = None
        self.last_error: str | None = None
        self.error_traceback: str | None = None
        self.delay_until: float | None = None

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Job:
        """Return the Job that a dictionary holds: one of `to_dict`, or of Queue.get_job."""
        given = {key: data[key] for key in _ARGUMENTS if key in data}
        job = Job(data["task"], job_id=data["id"], **given)
        for key in _ATTRIBUTES:
            if key in data:
                setattr(job, key, data[key])
        return job

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as a dictionary, which `Queue.enqueue` takes."""
        keys = (*_ARGUMENTS, *_ATTRIBUTES)
        return {"id": self.id, "task": self.task_id} | {key: getattr(self, key) for key in keys}

    def is_expired(self) -> bool:
        """Whether its time to live is over by the clock of this process."""
        return self.ttl is not None and time.time() - self.created_at > self.ttl

    def next_retry_delay(self) -> float:
        """Return how many seconds to wait after the failure that `retries` counts last."""
        return retry_delay(self.backoff, self.retries)


_ARGUMENTS: Final = (
    "args", "kwargs", "retries", "max_retries", "backoff", "ttl", "created_at", "priority",
    "repeat_every", "depends_on", "deduplication", "active_since",
)  # fmt: skip
_ATTRIBUTES: Final = (
    "status", "result", "progress", "last_attempt", "last_error", "error_traceback", "delay_until",
)  # fmt: skip


def retry_delay(backoff: Backoff, retries: int) -> float:
    """Return the seconds before the retry of that number (from 1), as AsyncMQ counts them."""
    if backoff is None or isinstance(backoff, str):
        return 0.0
    if callable(backoff):
        try:
            return float(backoff(retries))
        except TypeError:
            return float(cast("Callable[[], float]", backoff)())
    if isinstance(backoff, Sequence):
        return float(backoff[min(max(retries, 1), len(backoff)) - 1]) if backoff else 0.0
    try:
        return float(backoff) ** retries
    except OverflowError:
        return float(backoff)


def dictionary_of(job: ListedJob) -> dict[str, Any]:
    """Return a job with AsyncMQ's keys. Times are Unix timestamps; `depends_on` is pending jobs."""
    args, kwargs = call_arguments(job.args)
    args, kwargs = decoded(list(args)), decoded(kwargs)
    error = job.errors[-1] if job.errors else {}
    ended_well_or_not_yet = job.state in ("running", "succeeded")
    return {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "args": args,
        "kwargs": kwargs,
        "retries": max(0, job.attempt - 1 if ended_well_or_not_yet else job.attempt),
        "max_retries": job.max_attempts - 1,
        "ttl": _seconds_between(max(job.created_at, job.run_at), job.expires_at),
        "created_at": job.created_at.timestamp(),
        "last_attempt": _timestamp(job.claimed_at),
        "active_since": _timestamp(job.claimed_at) if job.state == "running" else None,
        "finished_at": _timestamp(job.finished_at),
        "status": type_of(job),
        "result": decoded(job.result),
        "progress": job.progress,
        "last_error": error.get("message"),
        "error_traceback": error.get("traceback"),
        "delay_until": job.run_at.timestamp() if job.state == "scheduled" else None,
        "priority": job.priority,
        "depends_on": job.parents or [],
        "repeat_every": None,
        "deduplication": None,
        **_keys(job.queue, job.unique_key),
    }


def _keys(queue: str, unique_key: str | None) -> dict[str, Any]:
    if unique_key is None:
        return {}
    if unique_key.startswith(prefix := id_key(queue, "")):
        return {"job_id": unique_key.removeprefix(prefix)}
    if unique_key.startswith(prefix := deduplication_key(queue, "")):
        return {"deduplication": {"id": unique_key.removeprefix(prefix)}}
    return {}


def id_key(queue: str, job_id: str) -> str:
    """Return the unique key of a job_id, which counts in its queue."""
    return f"asyncmq:{queue}:job-id:{job_id}"


def deduplication_key(queue: str, deduplication_id: str) -> str:
    """Return the unique key of a deduplication id, which counts in its queue."""
    return f"asyncmq:{queue}:dedup:{deduplication_id}"


def _timestamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _seconds_between(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - begin).total_seconds()
