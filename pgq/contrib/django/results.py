"""A job as Django's TaskResult."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from pgq.contrib.django.compat import Task, TaskError, TaskResult, TaskResultStatus
from pgq.contrib.django.exceptions import importable
from pgq.task_args import call_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgq.job_rows import JobAttempt
    from pgq.rows import Job, State

BACKEND_HEADER: Final = "django.backend"
"""The header that names the backend alias of a job, unless it is "default"."""

_UNKNOWN_WORKER: Final = "unknown"
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
_FIELDS: Final = (
    *("id", "status", "enqueued_at", "started_at", "finished_at", "last_attempted_at", "args"),
    *("kwargs", "backend", "errors", "worker_ids"),
)

_COMPARED: Final = ("task", "_return_value", *(each for each in _FIELDS if each != "enqueued_at"))


class PgqTaskResult(TaskResult):
    """A TaskResult that can be pickled: of the task it takes the import path along.

    When a job was enqueued does not count in a comparison: its id says it all, and until it is
    looked up the time is the one of this clock.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PgqTaskResult):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    def __hash__(self) -> int:
        return hash((self.id, self.backend))

    def __reduce__(self) -> tuple[Any, ...]:
        task = self.task
        of_task = (task.module_path, task.priority, task.queue_name, task.run_after, task.backend)
        return _restored, (of_task, [getattr(self, name) for name in _FIELDS], self._return_value)


def _restored(of_task: Sequence[Any], values: Sequence[Any], value: Any) -> PgqTaskResult:
    path, priority, queue_name, run_after, backend = of_task
    task = task_as(
        path, priority=priority, queue_name=queue_name, run_after=run_after, backend=backend
    )
    return made(task, value, **dict(zip(_FIELDS, values, strict=True)))


def made(task: Task, value: Any = None, **fields: Any) -> PgqTaskResult:
    """Return a result with these fields and a return value."""
    result = PgqTaskResult(task=task, **fields)
    object.__setattr__(result, "_return_value", value)
    return result


def fresh(task: Task, alias: str, job_id: str, args: Any, kwargs: Any) -> PgqTaskResult:
    """Return the result of a job that was just enqueued, without asking the database."""
    return made(
        task, id=job_id, status=TaskResultStatus.READY, enqueued_at=timezone.now(),
        started_at=None, finished_at=None, last_attempted_at=None, args=args, kwargs=kwargs,
        backend=alias, errors=[], worker_ids=[],
    )  # fmt: skip


def result_of(job: Job, attempts: Sequence[JobAttempt], alias: str) -> PgqTaskResult:
    """Return what the database says of a job."""
    args, kwargs = call_arguments(job.args)
    was_delayed = job.attempt == 0 and job.run_at > job.created_at
    forgotten = max(0, (job.attempt if attempts else 0) - len(attempts))
    task = task_as(
        job.task,
        priority=-job.priority,
        queue_name=job.queue,
        run_after=moment(job.run_at) if was_delayed else None,
        backend=alias,
    )
    return made(
        task,
        job.result,
        id=str(job.id),
        status=_STATUS[job.state],
        enqueued_at=moment(job.created_at),
        started_at=moment(attempts[0].started_at) if attempts else None,
        finished_at=moment(job.finished_at),
        last_attempted_at=moment(attempts[-1].started_at) if attempts else None,
        args=list(args),
        kwargs=dict(kwargs),
        backend=alias,
        errors=[_as_error(each) for each in job.errors or ()],
        worker_ids=[_UNKNOWN_WORKER] * forgotten + [_worker_of(each) for each in attempts],
    )


def _as_error(entry: Mapping[str, Any]) -> TaskError:
    name, message = str(entry.get("type")), str(entry.get("message"))
    said = entry.get("traceback") or (f"{name}: {message}\n" if message else f"{name}\n")
    return TaskError(exception_class_path=importable(name), traceback=str(said))


def _worker_of(attempt: JobAttempt) -> str:
    return attempt.worker or str(attempt.worker_id or _UNKNOWN_WORKER)


def moment(at: datetime | None) -> datetime | None:
    """Return a time as Django has it, which may be without a zone."""
    return at if at is None or settings.USE_TZ else timezone.make_naive(at)


def task_as(path: str, **changes: Any) -> Task:
    """Return the task of an import path with these attributes, which are not checked.

    They were right when the job was enqueued. A task that is not there any more gets a function
    that raises ImportError.
    """
    try:
        found = import_string(path)
    except ImportError:
        found = None
    task = copy.copy(found) if isinstance(found, Task) else _missing(path)
    for name, given in changes.items():
        object.__setattr__(task, name, given)
    return task


def _missing(path: str) -> Task:
    def missing(*_args: Any, **_kwargs: Any) -> None:
        raise ImportError(f"there is no task {path!r}")

    missing.__module__, _, missing.__qualname__ = path.rpartition(".")
    missing.__name__ = missing.__qualname__
    task = object.__new__(Task)
    object.__setattr__(task, "func", missing)
    object.__setattr__(task, "takes_context", False)
    return task
