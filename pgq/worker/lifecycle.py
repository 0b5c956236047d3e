"""When the hooks of a worker run: start, stop and exit, each once, and in this order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pgq.hooks import ErrorReports, Event, Hooks, Process
from pgq.lib.owners import of_program, of_worker
from pgq.logs import log_event

# How long (seconds) the hooks of one event may hold up a worker's end.
_PATIENCE: Final = 10.0
_FLUSHING: Final = 1.0


async def run_hooks(
    hooks: Hooks, event: Event, process: Process, stop_asked: asyncio.Event | None = None
) -> None:
    """Run the hooks of an event, for a few seconds at most; raises nothing of theirs.

    stop_asked: those seconds begin when this is set.
    """
    run = of_program(hooks.run(event, process))
    asked = asyncio.create_task(stop_asked.wait()) if stop_asked is not None else None
    try:
        if asked is not None:
            await asyncio.wait([run, asked], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([run], timeout=_PATIENCE)
        if not run.done():
            log_event(logging.ERROR, "hooks.too_slow", hook=f"on_{event}")
    finally:
        # One that ignores it goes on alone.
        run.cancel()
        if asked is not None:
            asked.cancel()


class Lifecycle:
    """Runs the hooks of one worker; `process` says who it is at the moment."""

    def __init__(self, hooks: Hooks, process: Callable[[], Process]) -> None:
        self._hooks = hooks
        self._process = process
        self._errors = ErrorReports(hooks)
        self._has_started = False
        self._stop_asked = asyncio.Event()
        self._stop_hooks: asyncio.Task[None] | None = None

    def report(self, error: BaseException, where: str) -> None:
        """Have the error hooks told; returns at once. For the event loop's thread."""
        self._errors.add(error, where)

    async def start(self) -> None:
        """Run the hooks for the start, and then those for a stop that was wanted meanwhile."""
        try:
            await run_hooks(self._hooks, "start", self._process(), self._stop_asked)
        finally:
            self._has_started = True
            if self._stop_asked.is_set():
                self.stop()

    def stop(self) -> None:
        """Have the hooks for the stop run while the jobs end; those for the start come first."""
        self._stop_asked.set()
        if self._has_started and self._stop_hooks is None:
            self._stop_hooks = of_worker(self._run("stop"))

    async def end(self) -> None:
        """Wait for the hooks, run those for the exit; without a start there is no exit."""
        if self._stop_hooks is not None:
            await asyncio.wait([self._stop_hooks])
            await self._run("exit")
        await self._errors.flush(_FLUSHING)

    async def _run(self, event: Event) -> None:
        await run_hooks(self._hooks, event, self._process())
