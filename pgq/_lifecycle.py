"""When the hooks of a worker run: start, stop and exit, each once, and in this order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pgq.hooks import ErrorReports, Event, Hooks, Process
from pgq.logs import log_event, worker_log

# How long (seconds) the hooks of one event may hold up a worker's end.
_PATIENCE: Final = 10.0
_LAST_WORDS: Final = 1.0


class Lifecycle:
    """Runs the hooks of one worker; `process` says who it is at the moment."""

    def __init__(self, hooks: Hooks, process: Callable[[], Process]) -> None:
        self._hooks = hooks
        self._process = process
        self._errors = ErrorReports(hooks)
        self._has_started = False
        self._stopping = False
        self._stop_hooks: asyncio.Task[None] | None = None

    def report(self, error: BaseException, where: str) -> None:
        """Have the error hooks told; returns at once. For the event loop's thread."""
        self._errors.add(error, where)

    async def start(self) -> None:
        """Run the hooks for the start, and then those for a stop that was wanted meanwhile."""
        try:
            await self._hooks.run("start", self._process())
        finally:
            self._has_started = True
            if self._stopping:
                self.stop()

    def stop(self) -> None:
        """Have the hooks for the stop run while the jobs end; those for the start come first."""
        self._stopping = True
        if self._has_started and self._stop_hooks is None:
            self._stop_hooks = asyncio.create_task(self._run("stop"))

    async def end(self) -> None:
        """Wait for the hooks, run those for the exit; without a start there is no exit."""
        if self._stop_hooks is not None:
            await asyncio.wait([self._stop_hooks])
            await self._run("exit")
        await self._errors.flush(_LAST_WORDS)

    async def _run(self, event: Event) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._hooks.run(event, self._process())
        except TimeoutError:
            log_event(worker_log, logging.ERROR, "hooks.too_slow", hook=f"on_{event}")
