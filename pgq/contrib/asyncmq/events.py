"""Events of jobs in this process, and who listens to them.

    from pgq.contrib.asyncmq import event_emitter

    event_emitter.on("job:completed", lambda job: print(job["id"]))

`Queue.run()` emits job:started, job:completed, job:failed, job:cancelled and job:progress for jobs
that run here, once the database has stored the outcome. A Queue that enqueues emits job:duplicated,
job:deduplicated and job:debounced; `cancel_job` emits job:cancelled. The database tells what other
processes do: `Queue.follow()` emits that, with job:expired, job:retried and job:stalled.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pgq.lib.shapes import is_async
from pgq.logs import log_error

Callback = Callable[[Any], Any]
"""Gets the event's data; async ones are awaited, all others called in a thread."""

_MOST_KEPT: Final = 2000


class EventEmitter:
    """Listeners by the name of the event, and the last events. Safe in several threads."""

    def __init__(self, *, history_limit: int = _MOST_KEPT) -> None:
        self._listeners: dict[str, list[Callback]] = {}
        self._history: deque[dict[str, Any]] = deque(maxlen=max(1, history_limit))
        self._turn = threading.Lock()

    def on(self, event: str, callback: Callback) -> None:
        """Call a function with the data of every such event from now on."""
        with self._turn:
            self._listeners.setdefault(event, []).append(callback)

    def off(self, event: str, callback: Callback) -> None:
        """Do not call it any more."""
        with self._turn:
            left = [each for each in self._listeners.get(event, []) if each != callback]
            self._listeners[event] = left

    async def emit(self, event: str, data: Any) -> None:
        """Call the listeners, all at once, and wait for them; their errors are only logged."""
        kept = dict(data) if isinstance(data, dict) else data
        with self._turn:
            self._history.appendleft({"timestamp": time.time(), "event": event, "data": kept})
            listeners = list(self._listeners.get(event, []))
        if listeners:
            await asyncio.gather(*(_tell(each, event, data) for each in listeners))

    def list_history(
        self,
        *,
        limit: int = 200,
        event: str | None = None,
        queue: str | None = None,
        q: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the last events of this process, the newest first; `q` is in them."""
        with self._turn:
            events = list(self._history)
        wanted = (q or "").strip().lower()
        found = [
            dict(each)
            for each in events
            if (event is None or each["event"] == event)
            and (queue is None or _queue_of(each["data"]) == queue)
            and (not wanted or wanted in json.dumps(each, default=str).lower())
        ]
        return found[: max(1, limit)]

    def clear_history(self) -> None:
        """Forget the last events; the listeners stay."""
        with self._turn:
            self._history.clear()


async def _tell(callback: Callback, event: str, data: Any) -> None:
    try:
        if is_async(callback):
            await callback(data)
        else:
            await asyncio.to_thread(callback, data)
    except Exception as error:  # noqa: BLE001 (listeners are isolated)
        log_error("listener.failed", error, heard=event)


def _queue_of(data: Any) -> str | None:
    queue = data.get("queue") if isinstance(data, dict) else None
    return queue if isinstance(queue, str) else None


event_emitter: Final = EventEmitter()
"""The emitter of this process."""
