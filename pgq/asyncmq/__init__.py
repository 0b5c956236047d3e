"""AsyncMQ's programming interface over pgq, for programs that move by changing their imports.

    from pgq.asyncmq import Queue, task

docs/how-to/from-asyncmq.md lists what differs. The jobs are those of pgq: every worker, view and
command knows them.
"""

from __future__ import annotations

from pgq.asyncmq._inspector import DelayedInfo, QueueActive
from pgq.asyncmq._repeatables import RepeatableInfo
from pgq.asyncmq.events import EventEmitter, event_emitter
from pgq.asyncmq.flow import FlowProducer
from pgq.asyncmq.jobs import Job, State
from pgq.asyncmq.queues import Queue
from pgq.asyncmq.tasks import TaskWrapper, task

__all__ = [
    "DelayedInfo",
    "EventEmitter",
    "FlowProducer",
    "Job",
    "Queue",
    "QueueActive",
    "RepeatableInfo",
    "State",
    "TaskWrapper",
    "event_emitter",
    "task",
]
