"""A job as Django's TaskResult: its status, its return value, its errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pgq.client.clients import Client
from pgq.contrib.dj_queue._backends import DEFAULT, task_of
from pgq.contrib.dj_queue._checks import id_or_unknown, unknown
from pgq.jobs import NewJob
from pgq.rows import Job, State
from pgq.task_args import call_arguments


class TaskResultStatus(StrEnum):
    """How a job stands, in Django's words."""

    READY = "READY"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"


_STATUS: Final[Mapping[State, TaskResultStatus]] = {
    "scheduled": TaskResultStatus.READY,
    "blocked": TaskResultStatus.READY,
    "ready": TaskResultStatus.READY,
    "running": TaskResultStatus.RUNNING,
    "succeeded": TaskResultStatus.SUCCESSFUL,
    "failed": TaskResultStatus.FAILED,
    "cancelled": TaskResultStatus.FAILED,
    "expired": TaskResultStatus.FAILED,
}


# As the schema has it, unless it is configured.
DEFAULT_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class TaskError:
    """The error of an attempt; it has the name of the class, which is not imported."""

    exception_class_path: str
    message: str
    traceback: str | None


@dataclass(slots=True)
class TaskResult:
    """A job at the time when it was looked up; `state` is pgq's word for its status."""

    client: Client
    backend: str
    id: str
    status: TaskResultStatus
    state: State
    task_path: str
    args: list[Any]
    kwargs: dict[str, Any]
    enqueued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    errors: list[TaskError]
    worker_ids: list[str]
    value: Any

    @classmethod
    def fresh(
        cls, client: Client, job_id: int, job: NewJob, backend_alias: str = DEFAULT
    ) -> TaskResult:
        """Return the result of a job that was just enqueued, without asking the database."""
        args, kwargs = call_arguments(job.args)
        now = datetime.now(UTC)
        waits = job.run_at is not None and job.run_at > now
        state: State = "scheduled" if waits else "blocked" if job.concurrency_key else "ready"
        return cls(
            client, backend_alias, str(job_id), TaskResultStatus.READY, state, job.task,
            list(args), dict(kwargs), now, None, None, 0, [], [], None,
        )  # fmt: skip

    @property
    def is_finished(self) -> bool:
        """Whether it has succeeded or failed for good."""
        return self.status in (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)

    @property
    def return_value(self) -> Any:
        """What the function returned; ValueError if it has not returned."""
        if self.status is TaskResultStatus.SUCCESSFUL:
            return self.value
        raise ValueError("Task failed" if self.is_finished else "Task has not finished yet")

    def refresh(self) -> None:
        """Look the job up again."""
        found = result_of(self.client, self.id, self.backend)
        for each in fields(self):
            setattr(self, each.name, getattr(found, each.name))

    async def arefresh(self) -> None:
        """Do the same in a thread."""
        await asyncio.to_thread(self.refresh)


def result_of(client: Client, result_id: Any, backend_alias: str = DEFAULT) -> TaskResult:
    """Look up a job; DjQueueError for an unknown or pruned one, and for what is no id of one."""
    job = client.job(id_or_unknown(result_id))
    if job is None:
        raise unknown(result_id)
    return _as_result(client, job, backend_alias)


def _status_of(job: Job, backend_alias: str) -> TaskResultStatus:
    """Return a job's status; a failed one that is to run again later is FAILED until then."""
    if job.state == "scheduled" and job.attempt > 0 and job.errors:
        known = task_of(backend_alias, job.task)
        own = 1 if known is None else known.defaults.max_attempts or DEFAULT_ATTEMPTS
        # `retry` gives a job that is out of attempts one more; other jobs wait by themselves.
        if job.attempt >= own and job.max_attempts == job.attempt + 1:
            return TaskResultStatus.FAILED
    return _STATUS[job.state]


def _as_result(client: Client, job: Job, backend_alias: str) -> TaskResult:
    args, kwargs = call_arguments(job.args)
    return TaskResult(
        client=client,
        backend=backend_alias,
        id=str(job.id),
        status=_status_of(job, backend_alias),
        state=job.state,
        task_path=job.task,
        args=list(args),
        kwargs=dict(kwargs),
        enqueued_at=job.created_at,
        started_at=job.claimed_at,
        finished_at=job.finished_at,
        attempts=job.attempt,
        errors=[
            TaskError(str(each.get("type")), str(each.get("message")), each.get("traceback"))
            for each in job.errors or ()
        ],
        worker_ids=[] if job.worker_id is None else [str(job.worker_id)],
        value=job.result,
    )
