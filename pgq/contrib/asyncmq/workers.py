"""AsyncMQ's `workers`: the Worker of one queue."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pgq.contrib.asyncmq.conf import settings
from pgq.contrib.asyncmq.queues import Queue

if TYPE_CHECKING:
    from pgq.contrib.asyncmq._backend import Source


class Worker:
    """Runs the jobs of a queue, a Queue or the name of one, as the settings say."""

    def __init__(
        self, queue: Queue | str, heartbeat_interval: float | None = None, backend: Source = None
    ) -> None:
        self.queue = Queue(queue, backend) if isinstance(queue, str) else queue
        self.id = str(uuid.uuid4())
        self.concurrency: int = settings.worker_concurrency
        # A worker's own is a third of its lease at most.
        self.heartbeat_interval = heartbeat_interval

    async def run(self) -> None:
        """Work until `stop`, `drain` or a cancellation."""
        await self._as_queue().run()

    def start(self) -> None:
        """Do the same in an event loop of its own; SIGTERM and SIGINT stop it in order."""
        self._as_queue().start()

    def stop(self) -> None:
        """Take no more jobs; running ones finish. A second call ends them at once."""
        self.queue.stop()

    async def drain(self) -> None:
        """Take no more jobs, and wait until the running ones have ended."""
        self.queue.stop()
        await self.queue.stopped()

    def _as_queue(self) -> Queue:
        self.queue.concurrency = self.concurrency
        self.queue.worker_id = self.id
        return self.queue
