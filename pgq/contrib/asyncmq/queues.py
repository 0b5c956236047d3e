"""The Queue: AsyncMQ's programming interface over the tables and functions of pgq.

from pgq.contrib.asyncmq import Queue

queue = Queue("emails", "postgresql://...")
await queue.add("app.send_email", args=["alice@example.com"], retries=2, delay=10)
await queue.run()
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from pgq import tasks
from pgq.calls import look as lookups
from pgq.calls import operate as operator_calls
from pgq.contrib.asyncmq._inspector import Inspector, QueueActive
from pgq.contrib.asyncmq._producer import Producer
from pgq.contrib.asyncmq._repeatables import Repeater
from pgq.contrib.asyncmq._reporter import Reporter, follow
from pgq.contrib.asyncmq.conf import listed, settings
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.lib.durations import DEFAULT_LEASE
from pgq.logs import log_error, log_event
from pgq.worker.worker import Worker

if TYPE_CHECKING:
    from pgq.contrib.asyncmq._backend import Source

__all__ = ["Queue", "QueueActive"]


class Queue(Producer, Inspector, Repeater):
    """A queue by name: adds jobs, looks at them, and runs a worker for them.

    backend: a DSN, an AsyncConnectionPool, an AsyncConnection (every call is then part of its
    transaction) or an AsyncClient; None means PGQ_DSN, or libpq's own variables. concurrency: how
    many jobs `run()` runs at once. rate_limit: how many jobs start per `rate_interval` seconds; 0
    means none, and None means no limit. `run()` stores it in the database, for all workers.
    scan_interval: after how many seconds without a notification `run()` looks for jobs. registry:
    whose tasks `run()` runs, by default those of `pgq.task` and of this package's `task`. lease: if
    the worker of `run()` is silent for so many seconds, its jobs run elsewhere.
    """

    def __init__(
        self,
        name: str,
        backend: Source = None,
        concurrency: int = 3,
        rate_limit: int | None = None,
        rate_interval: float = 1.0,
        scan_interval: float | None = None,
        *,
        schema: str = "pgq",
        registry: tasks.Registry | None = None,
        lease: float = DEFAULT_LEASE,
    ) -> None:
        super().__init__(name, backend, schema=schema)
        if rate_limit is not None and rate_limit < 0:
            raise InvalidValue(f"rate_limit is {rate_limit}", "Pass 0 or more, None for none.")
        self.concurrency = concurrency
        self.rate_limit = rate_limit
        self.rate_interval = rate_interval
        self.scan_interval = settings.scan_interval if scan_interval is None else scan_interval
        self.worker_id: str | None = None
        self._ended: asyncio.Event | None = None
        self._registry = registry
        self._lease = lease
        self._declared = {}
        self._worker: Worker | None = None

    def __repr__(self) -> str:
        return f"<Queue {self.name!r}>"

    async def pause(self) -> None:
        """Stop claims from the queue, for all workers; running jobs finish."""
        await self.client.run(operator_calls.pause_queue(self.name))

    async def resume(self) -> None:
        """Let claims go on, and notify workers at once."""
        await self.client.run(operator_calls.resume_queue(self.name))

    async def obliterate(self, *, force: bool = False) -> list[int]:
        """Delete every job and repeatable of the queue for good; return the jobs' ids.

        While jobs are running it raises QueueActive. With `force` it asks their workers to cancel
        them; these jobs end as cancelled, and stay in the history.
        """
        running = await self.get_jobs(["active"])
        if running and not force:
            raise QueueActive(
                f"the queue {self.name!r} has running jobs: {len(running)}",
                "Wait for them, or pass force=True to cancel them.",
            )
        await self._remove_repeatables()
        removed: list[int] = []
        for state in ("waiting", "waiting-children", "delayed"):
            removed += await self._remove(state, None, None)
        for state in ("completed", "failed", "expired", "cancelled"):
            removed += await self._remove(state, None, None)
        # This comes last: a job that ends at once would be deleted like those that ended before.
        if running:
            await self.client.run(operator_calls.cancel([job["id"] for job in running]))
        return removed

    async def run(self, *, until_empty: bool = False) -> None:
        """Run a worker for this queue until `stop` or a cancellation; with until_empty, until idle.

        First it sets the queue's rate limit, and makes the schedules of add_repeatable. Raises
        InvalidArgument without any task or without a DSN, and what Worker.run raises. It does not
        catch signals.
        """
        await self._run(until_empty=until_empty, handle_signals=False)

    def start(self) -> None:
        """Do what `run` does in an event loop of its own; SIGTERM and SIGINT stop it in order."""
        asyncio.run(self._run(until_empty=False, handle_signals=True))

    async def follow(self) -> None:
        """Emit the ends of this queue's jobs in all processes, until it is cancelled.

        These are job:completed, job:failed, job:cancelled, job:expired, job:retried, and
        job:stalled where a worker died. They come about a second after the commit. If a
        process also runs jobs of the queue, it emits the first three twice: there, use one way.
        """
        await follow(self.name, self.client)

    def stop(self) -> None:
        """End `run` in order: running jobs finish. A second call ends it at once."""
        if self._worker is not None:
            self._worker.stop()

    async def stopped(self) -> None:
        """Wait until `run` has ended; at once where nothing runs."""
        if self._ended is not None:
            await self._ended.wait()

    async def _run(self, *, until_empty: bool, handle_signals: bool) -> None:
        for module in settings.tasks:
            import_module(module)
        reporter = Reporter()
        worker = self._make_worker(reporter, until_empty, handle_signals)
        await self._set_rate_limit()
        await self._sync_declared()
        told = {"backend": self.backend, "queue": self.name,
                "worker_id": self.worker_id or str(uuid.uuid4())}  # fmt: skip
        for hook in listed(settings.worker_on_startup):
            await _call(hook, told)
        self._worker = worker
        self._ended = asyncio.Event()
        try:
            await worker.run()
        finally:
            self._worker = None
            with contextlib.suppress(asyncio.CancelledError):
                await reporter.close()
            await self._say_goodbye(told)
            self._ended.set()

    async def _say_goodbye(self, told: dict[str, Any]) -> None:
        for hook in listed(settings.worker_on_shutdown):
            try:
                await _call(hook, told)
            except Exception as error:  # noqa: BLE001 (one hook does not keep others from running)
                log_error("hook.failed", error, hook="worker_on_shutdown")

    def _make_worker(self, reporter: Reporter, until_empty: bool, handle_signals: bool) -> Worker:
        worker = Worker(
            self.backend.dsn,
            queues=[self.name],
            registry=self._registry,
            concurrency=self.concurrency,
            # A job that is claimed ahead has used up a token.
            prefetch=None if self.rate_limit is None else 0,
            schema=self.backend.schema,
            poll_interval=self.scan_interval,
            lease=self._lease,
            drain=until_empty,
            handle_signals=handle_signals,
            middleware=[reporter.surround],
        )
        # It declares only the schedules of the Queue; those of the registry are for `pgq worker`.
        worker._options = replace(worker._options, settled=reporter.settled, declares=False)
        return worker

    async def _set_rate_limit(self) -> None:
        found = await self.client.run(lookups.queue_limits())
        known = next((each.rate_limit for each in found if each.queue == self.name), None)
        if self.rate_limit is not None:
            await self.client.run(
                operator_calls.configure_queue(
                    self.name, rate_limit=self.rate_limit, rate_interval=self.rate_interval
                )
            )
        elif known is not None:
            log_event(logging.WARNING, "queue.rate_limit_removed", queue=self.name, was=known)
            await self.client.run(operator_calls.configure_queue(self.name, rate_limit=-1))


async def _call(hook: Callable[..., Any], told: dict[str, Any]) -> None:
    answer = hook(**told)
    if isawaitable(answer):
        await answer
