"""A worker in another program's event loop: started, started again if it fails, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

from pgq.errors import WorkerStuck
from pgq.lib.backoff import Backoff
from pgq.lib.locks import Taken, name_lock
from pgq.lib.owners import of_worker
from pgq.lib.report import first_line
from pgq.lib.shield import wait_out
from pgq.logs import log_event
from pgq.worker.worker import Worker

# How often (seconds) to look whether the process that holds the name is gone.
_LOOK_EVERY: Final = 1.0
# How soon (seconds) a worker that failed is followed by another, at first and at most.
_SHORTEST: Final = 1.0
_LONGEST: Final = 60.0


@asynccontextmanager
async def in_background(
    make: Callable[[], Worker], only_one: str | None
) -> AsyncGenerator[None, None]:
    """Keep a worker running during the block, and stop it in order at the end.

    only_one: a name that only one process of this host holds; others stand by. A worker that fails
    is followed by another. Raises InvalidArgument for a worker that could never run, or a bad name.
    """
    with ExitStack() as held:
        keeper = _Keeper(make, only_one, held)
        task = of_worker(keeper.run())
        try:
            yield
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            keeper.stopping.set()
            await wait_out(task, task.cancel)


class _Keeper:
    """Runs one worker after the other, until it is told to stop or has no reason to go on."""

    def __init__(self, make: Callable[[], Worker], only_one: str | None, held: ExitStack) -> None:
        self.stopping = asyncio.Event()
        self._make = make
        self._only_one = only_one
        self._held = held
        self._next: Worker | None = make()
        self._next.check()
        self._may_run = self._take()

    async def run(self) -> None:
        """Run workers until there must be no more."""
        while not self._may_run and not self.stopping.is_set():
            await self._pause(_LOOK_EVERY)
            self._may_run = self._take()
        pauses = Backoff(_SHORTEST, _LONGEST)
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                await self._run_one()
            except WorkerStuck:
                # Another one would leave those threads behind. Another process may take over.
                self._held.close()
                return
            except Exception as error:  # noqa: BLE001 (the host goes on if its worker fails)
                if time.monotonic() - began > _LONGEST:
                    pauses.reset()
                pause = pauses.next()
                log_event(
                    logging.ERROR, "worker.failed", error=first_line(error), next_in=round(pause, 1)
                )
                await self._pause(pause)
            else:
                # Somebody ordered it to stop: no other process may go on in its place.
                await self.stopping.wait()

    def _take(self) -> bool:
        """Return whether the name is ours, or none is needed."""
        if self._only_one is None:
            return True
        try:
            self._held.enter_context(name_lock(self._only_one))
        except Taken as taken:
            log_event(logging.DEBUG, "worker.standing_by", reason=taken)
            return False
        return True

    async def _run_one(self) -> None:
        """Run a worker until its end, which is in order when we are told to stop."""
        worker, self._next = self._next or self._make(), None
        stop_asked = asyncio.create_task(self.stopping.wait())
        try:
            async with worker:
                try:
                    await asyncio.wait(
                        {stop_asked, worker.task}, return_when=asyncio.FIRST_COMPLETED
                    )
                except asyncio.CancelledError:
                    worker._interrupt()
                    raise
        finally:
            stop_asked.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
