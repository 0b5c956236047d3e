"""A worker's hooks become AsyncMQ's events."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from pgq.client.clients_async import AsyncClient
from pgq.context import Context
from pgq.contrib.asyncmq.events import event_emitter
from pgq.middleware import CallNext
from pgq.rows import ClaimedJob
from pgq.task_args import call_arguments
from pgq.worker.outcome import Failed

# So many events wait for listeners that are slower than the jobs; the oldest are dropped first.
_MOST_WAITING: Final = 10_000

_EVENTS: Final = {
    "succeeded": "job:completed",
    "failed": "job:failed",
    "cancelled": "job:cancelled",
}
# Snoozes and releases are no events of AsyncMQ's.
_FOLLOWED: Final = _EVENTS | {
    "expired": "job:expired",
    "retried": "job:retried",
    "lost": "job:stalled",
}


class Reporter:
    """Emits events in their order, beside the worker, so that slow listeners delay no job."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque(maxlen=_MOST_WAITING)
        self._telling: asyncio.Task[None] | None = None

    async def surround(self, context: Context, call_next: CallNext) -> None:
        """Tell of a job's start, and of its end if its own transaction() has stored that."""
        job = context._job
        self._add("job:started", _data(job, "active"))
        await call_next()
        if context.completed:
            self._add("job:completed", _data(job, "completed") | {"result": context.result})

    def settled(self, job: ClaimedJob, outcome: Any, answer: Any) -> None:
        """Tell of an end that the database has stored; retries, snoozes and lost runs are none."""
        if answer.outcome == "lost":
            return
        state = getattr(answer, "state", "succeeded")
        event = _EVENTS.get(state)
        if event is None:
            return
        data = _data(job, event.removeprefix("job:"))
        if isinstance(outcome, Failed):
            data |= {"last_error": outcome.message, "error_traceback": outcome.traceback}
        self._add(event, data)

    async def close(self) -> None:
        """Wait until the listeners have been told everything."""
        if self._telling is not None:
            await self._telling

    def _add(self, event: str, data: dict[str, Any]) -> None:
        self._waiting.append((event, data))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._waiting:
            event, data = self._waiting.popleft()
            await event_emitter.emit(event, data)


async def follow(queue: str, client: AsyncClient) -> None:
    """Emit the ends of a queue's jobs in all processes, as the database tells them."""
    async for event in client.events():
        name = _FOLLOWED.get(event.outcome)
        if event.queue == queue and name is not None:
            data = {
                "id": event.job_id,
                "task": event.task,
                "queue": event.queue,
                "retries": None if event.attempt is None else event.attempt - 1,
                "status": name.removeprefix("job:"),
                "last_error": event.error,
            }
            await event_emitter.emit(name, data)


def _data(job: ClaimedJob, status: str) -> dict[str, Any]:
    args, kwargs = call_arguments(job.args)
    return {
        "id": job.job_id,
        "task": job.task,
        "queue": job.queue,
        "args": list(args),
        "kwargs": kwargs,
        "retries": job.attempt - 1,
        "max_retries": job.max_attempts - 1,
        "status": status,
    }
