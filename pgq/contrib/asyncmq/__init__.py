"""AsyncMQ's programming interface over pgq, for programs that move by changing their imports.

    from pgq.contrib.asyncmq import Queue, task

docs/how-to/from-asyncmq.md lists what differs. The jobs are those of pgq: every worker, view and
command knows them.
"""

from __future__ import annotations

from pgq.contrib.asyncmq._inspector import DelayedInfo, QueueActive
from pgq.contrib.asyncmq._repeatables import RepeatableInfo
from pgq.contrib.asyncmq.backends.memory import InMemoryBackend
from pgq.contrib.asyncmq.conf import Settings, settings
from pgq.contrib.asyncmq.events import EventEmitter, event_emitter
from pgq.contrib.asyncmq.flow import FlowProducer
from pgq.contrib.asyncmq.jobs import Job, State
from pgq.contrib.asyncmq.queues import Queue
from pgq.contrib.asyncmq.tasks import TaskWrapper, task
from pgq.contrib.asyncmq.workers import Worker

__all__ = [
    "DelayedInfo",
    "EventEmitter",
    "FlowProducer",
    "InMemoryBackend",
    "Job",
    "Queue",
    "QueueActive",
    "RepeatableInfo",
    "Settings",
    "State",
    "TaskWrapper",
    "Worker",
    "event_emitter",
    "settings",
    "task",
]
