"""dj-queue's `api`: QueueInfo, the concurrency decorator, enqueue_on_commit, recurring tasks."""

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
from pgq.contrib.dj_queue._recurrence import timing_of
from pgq.contrib.dj_queue.exceptions import EnqueueError
from pgq.contrib.dj_queue.results import TaskResult
from pgq.contrib.dj_queue.tasks import Task, enqueue_calls
from pgq.errors import InvalidArgument
from pgq.rows import ScheduleStatus
from pgq.task_keys import Key
from pgq.tasks import as_args
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
    return enqueue_calls(client, [(task, args, kwargs)])[0]


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
) -> ScheduleStatus:
    """Create or change a recurring task: cron of five fields, or words such as "every day at 9am".

    The zone is the one that stands at the end of the schedule, else that of the backend. No setting
    must allow it. The priority is dj-queue's: higher runs first. A task that this process knows
    keeps its limit, its key and what it does in a conflict. Raises InvalidCron, InvalidArgument or
    EnqueueError.
    """
    client = client_of(backend_alias)
    known = task_of(backend_alias, task_path)
    client.schedule(
        key,
        task_path if known is None else known,
        args=as_args(tuple(args), dict(kwargs or {})) or None,
        queue=queue_name,
        priority=-priority,
        max_attempts=1 if known is None else None,
        description=description or None,
        **timing_of(schedule, zone_of(backend_alias)),
    )
    return client.schedule_status(key)[0]


def unschedule_recurring_task(key: str, *, backend_alias: str = DEFAULT) -> int:
    """Delete a recurring task; return 1, or 0 if there is none or if code declares it."""
    try:
        return int(client_of(backend_alias).unschedule(key))
    except InvalidArgument:
        return 0


__all__ = [
    "QueueInfo",
    "concurrency",
    "enqueue_on_commit",
    "schedule_recurring_task",
    "unschedule_recurring_task",
]
