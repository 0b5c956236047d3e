# Written by generate.py from queue_async.py: change that one.
"""A queue as an object: how much waits in it and for how long, pause, resume, clear.

    orders = pgq.QueueInfo("orders", client)
    print(orders.size, orders.latency)
    orders.pause()

For operators. Everything is asked of the database anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgq.errors import InvalidArgument
from pgq.rows import QueueStats
from pgq.values import Duration

if TYPE_CHECKING:
    from pgq.client.clients import Client


class QueueInfo:
    """A queue, by name, over a client; it need not exist yet."""

    def __init__(self, name: str, client: Client) -> None:
        self.name = name
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def stats(self) -> QueueStats:
        """Return how many jobs wait, run and failed."""
        return self._stats()

    def _stats(self) -> QueueStats:
        found = self._client.queue_stats(self.name)
        return found[0] if found else _empty(self.name)

    @property
    def size(self) -> int:
        """Say how many jobs wait for a worker, counted up to 100,000."""
        stats = self._stats()
        return stats.ready

    @property
    def latency(self) -> float:
        """Say how many seconds the oldest of them has waited; pauses do not count."""
        waited = self._client.queue_latency(self.name)
        return 0.0 if waited is None else waited.total_seconds()

    @property
    def paused(self) -> bool:
        """Say whether claims are stopped."""
        stats = self._stats()
        return stats.paused

    def pause(self, duration: Duration | None = None) -> None:
        """Stop claims, for a while or until `resume`; enqueueing goes on, running jobs finish."""
        self._client.pause_queue(self.name, duration)

    def resume(self) -> bool:
        """Let claims go on; return whether the queue was paused."""
        return self._client.resume_queue(self.name)

    def clear(self, batch_size: int = 500) -> int:
        """Delete the ready jobs for good, in several transactions; return how many.

        Blocked, scheduled and running ones stay. Over a connection it is all in its transaction.
        """
        _check(batch_size)
        deleted = 0
        while True:
            batch = self._client.clear_queue(self.name, max_jobs=batch_size, include_blocked=False)
            deleted += batch
            if batch < batch_size:
                return deleted

    @classmethod
    def all(cls, client: Client) -> list[QueueInfo]:
        """Return every queue in use or configured, in the order of their names."""
        return [QueueInfo(name, client) for name in _names(client.queue_stats())]


def _names(stats: list[QueueStats]) -> Iterator[str]:
    return (queue.queue for queue in stats)


def _empty(name: str) -> QueueStats:
    return QueueStats(name, 0, 0, 0, 0, 0, 0, None, False)


def _check(batch_size: int) -> None:
    if batch_size < 1:
        raise InvalidArgument(f"batch_size is {batch_size}", "Pass at least 1.")
