"""AsyncMQ's `runners`: a worker of a queue as a function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pgq.contrib.asyncmq.queues import Queue
from pgq.contrib.asyncmq.workers import Worker

if TYPE_CHECKING:
    from pgq.contrib.asyncmq._backend import Source

_OF_REPEATABLES = {"task_id", "every", "cron", "args", "kwargs", "retries", "ttl", "priority"}


async def run_worker(
    queue_name: str,
    backend: Source = None,
    concurrency: int = 3,
    rate_limit: int | None = None,
    rate_interval: float = 1.0,
    repeatables: Iterable[Mapping[str, Any]] | None = None,
    scan_interval: float | None = None,
) -> None:
    """Run the jobs of a queue until it is cancelled."""
    queue = Queue(queue_name, backend, concurrency, rate_limit, rate_interval, scan_interval)
    for each in repeatables or ():
        given = {key: value for key, value in each.items() if key in _OF_REPEATABLES}
        queue.add_repeatable(**{"task_id": each.get("task"), **given})
    await queue.run()


async def start_worker(queue_name: str, concurrency: int = 1) -> None:
    """Do the same with the settings' backend."""
    worker = Worker(queue_name)
    worker.concurrency = concurrency
    await worker.run()
