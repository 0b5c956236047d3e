"""dj-queue's names over pgq, for programs that move: change `dj_queue` to `pgq.contrib.dj_queue`.

    from pgq.contrib.dj_queue import connect, task
    from pgq.contrib.dj_queue.api import QueueInfo
    from pgq.contrib.dj_queue.operations.jobs import retry_failed_job

`connect` says what a backend alias stands for. Without it, the alias "default" is PGQ_DSN.
docs/how-to/from-dj-queue.md lists what is different. Django is not needed, and not changed.
"""

from __future__ import annotations

from pgq.contrib.dj_queue._backends import connect
from pgq.contrib.dj_queue.api import (
    QueueInfo,
    concurrency,
    enqueue_on_commit,
    schedule_recurring_task,
    unschedule_recurring_task,
)
from pgq.contrib.dj_queue.exceptions import DjQueueError, EnqueueError, UndiscardableError
from pgq.contrib.dj_queue.results import TaskError, TaskResult, TaskResultStatus
from pgq.contrib.dj_queue.tasks import Backend, Task, task

__all__ = [
    "Backend",
    "DjQueueError",
    "EnqueueError",
    "QueueInfo",
    "Task",
    "TaskError",
    "TaskResult",
    "TaskResultStatus",
    "UndiscardableError",
    "concurrency",
    "connect",
    "enqueue_on_commit",
    "schedule_recurring_task",
    "task",
    "unschedule_recurring_task",
]
