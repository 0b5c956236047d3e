"""dj-queue's `api`: queues, limits, enqueue_on_commit, recurring tasks, operations on jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import psycopg

from pgq.client import queue as queue_info
from pgq.client.clients import Client
from pgq.contrib.dj_queue._backends import (
    DEFAULT,
    client_of,
    is_on_connection,
    task_of,
    zone_of,
)
from pgq.contrib.dj_queue._checks import check_arguments, check_priority
from pgq.contrib.dj_queue._recurrence import timing_of
from pgq.contrib.dj_queue._recurring_task import RecurringTask
from pgq.contrib.dj_queue.exceptions import EnqueueError, refusal
from pgq.contrib.dj_queue.operations.jobs import (
    claim_ready_jobs,
    discard_blocked_jobs,
    discard_failed_job,
    discard_failed_jobs,
    discard_ready_jobs,
    discard_scheduled_jobs,
    execute_claimed_job,
    retry_failed_job,
    retry_failed_jobs,
    schedule_failed_job_retry,
)
from pgq.contrib.dj_queue.results import TaskResult
from pgq.contrib.dj_queue.tasks import Task, enqueue_calls
from pgq.errors import InvalidArgument, InvalidJob
from pgq.lib.checks import shown
from pgq.rows import ClaimedJob
from pgq.task_args import as_args
from pgq.task_keys import Key
from pgq.values import Duration

F = TypeVar("F", bound=Callable[..., Any])


class QueueInfo(queue_info.QueueInfo):
    """pgq.QueueInfo under a backend alias instead of a client."""

    def __init__(self, queue_name: str, *, backend_alias: str = DEFAULT) -> None:
        super().__init__(queue_name, client_of(backend_alias))
        self.queue_name = queue_name
        self.backend_alias = backend_alias

    @classmethod
    def all(  # type: ignore[override]  # an alias instead of a client
        cls, *, backend_alias: str = DEFAULT
    ) -> list[QueueInfo]:
        """Return every queue in use or configured; dj-queue returns those with ready jobs."""
        names = (queue.queue for queue in client_of(backend_alias).queue_stats())
        return [QueueInfo(name, backend_alias=backend_alias) for name in names]


def concurrency(
    *,
    key: Key,
    limit: int = 1,
    duration: Duration | None = None,
    on_conflict: Literal["block", "discard"] = "block",
) -> Callable[[F], F]:
    """Limit how many jobs with one key run at a time; stands above or below dj_queue's `task`.

    `key` is a format string with the function's arguments, or a function of them. Without a
    `duration`, a job keeps its slot until it ends, or until its worker is given up. Tasks made by
    `pgq.task` have the options `concurrency_key` and so on.
    """

    def limited(function: F) -> F:
        # dj-queue reads these names, too.
        given: Any = function
        # A task of ours, or of Django's.
        attributes: Any = getattr(given, "func", given)
        attributes.concurrency_key = key
        attributes.concurrency_limit = limit
        attributes.concurrency_duration = duration
        attributes.on_conflict = on_conflict
        return function

    return limited


def enqueue_on_commit(
    task: Any,
    *args: Any,
    using: psycopg.Connection[Any] | None = None,
    **kwargs: Any,
) -> TaskResult:
    """Enqueue in the transaction of a connection: there is a job if and only if it commits.

    `using` is that connection (Django's is `django.db.connection.connection`). Without it, the
    backend must be made from a connection. Raises EnqueueError. Unlike dj-queue, it enqueues at
    once. A task of Django's is enqueued over its backend's own connection.
    """
    if not isinstance(task, Task):
        result: TaskResult = task.enqueue(*args, **kwargs)
        return result
    if using is not None:
        client = Client(using, schema=client_of(task.backend).schema)
    else:
        client = client_of(task.backend)
        if not is_on_connection(task.backend):
            raise EnqueueError(
                "enqueue_on_commit knows no transaction to enqueue in",
                "Pass using=connection, or connect() the backend to a connection.",
            )
    return enqueue_calls(client, [(task, args, kwargs)], task.backend)[0]


def schedule_recurring_task(
    *,
    key: str,
    task_path: str,
    schedule: str,
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    queue_name: str = "default",
    priority: int = 0,
    description: str = "",
    backend_alias: str = DEFAULT,
) -> RecurringTask:
    """Create or change a recurring task: cron of five fields, or words such as "every day at 9am".

    The zone is the one that stands at the end of the schedule, else that of the backend. No setting
    must allow it. The priority is dj-queue's: higher runs first. A task that this process knows
    keeps its limit, its key and what it does in a conflict. Raises EnqueueError.
    """
    client = client_of(backend_alias)
    positional, named = tuple(args), dict(kwargs or {})
    check_arguments(positional, named)
    check_priority(priority)
    for name, given in {"key": key, "task_path": task_path, "schedule": schedule}.items():
        if not isinstance(given, str) or not given:
            raise EnqueueError(f"{name} must be a non-empty string", f"It is {shown(given)}.")
    known = task_of(backend_alias, task_path)
    try:
        client.schedule(
            key,
            task_path if known is None else known,
            args=as_args(positional, named) or None,
            queue=queue_name,
            priority=-priority,
            max_attempts=1 if known is None else None,
            description=description or None,
            **timing_of(schedule, zone_of(backend_alias)),
        )
    except (InvalidArgument, InvalidJob) as error:
        raise refusal(error) from error
    return RecurringTask.of(client.schedule_status(key)[0], backend_alias)


def unschedule_recurring_task(key: str, *, backend_alias: str = DEFAULT) -> int:
    """Delete a recurring task; return 1, or 0 if there is none or if code declares it."""
    try:
        return int(client_of(backend_alias).unschedule(key))
    except InvalidArgument:
        return 0


__all__ = [
    "ClaimedJob",
    "QueueInfo",
    "RecurringTask",
    "claim_ready_jobs",
    "concurrency",
    "discard_blocked_jobs",
    "discard_failed_job",
    "discard_failed_jobs",
    "discard_ready_jobs",
    "discard_scheduled_jobs",
    "enqueue_on_commit",
    "execute_claimed_job",
    "retry_failed_job",
    "retry_failed_jobs",
    "schedule_failed_job_retry",
    "schedule_recurring_task",
    "unschedule_recurring_task",
]
