"""A worker of one database of several: where the database ends it, it is begun anew, later."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Final

import psycopg

from pgq.errors import DatabaseAway, SchemaMissing, SchemaTooOld, UnsupportedClient
from pgq.lib.backoff import Backoff
from pgq.lib.report import first_line
from pgq.logs import log_event
from pgq.worker.worker import Worker

# What a database is to blame for, and no other database.
_OF_ITS_DATABASE: Final = (
    psycopg.Error,
    DatabaseAway,
    SchemaMissing,
    SchemaTooOld,
    UnsupportedClient,
)
_SHORTEST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class LastingWorker:
    """Runs one Worker after the other, as long as one of another database may still work.

    `hopeful` are those of the same process whose database is there, or may be. The last one of them
    that fails raises what ended it.
    """

    def __init__(
        self, make: Callable[[], Worker], database: str, hopeful: set[LastingWorker]
    ) -> None:
        self._make = make
        self._database = database
        self._hopeful = hopeful
        self._worker = make()
        self._registered: Callable[[int], None] | None = None
        self._stop_asked = asyncio.Event()
        self._pauses = Backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        hopeful.add(self)
        self._worker.tell(self._note_registered)

    @property
    def name(self) -> str:
        """What it is called in its database, and which that is."""
        return f"{self._worker.name}@{self._database}"

    @property
    def queues(self) -> Sequence[str]:
        """Its queue selectors, best first."""
        return self._worker.queues

    @property
    def running(self) -> int:
        """How many jobs it holds right now."""
        return self._worker.running

    def tell(self, registered: Callable[[int], None]) -> None:
        """Have `registered` called with each id that it registers under; before it runs."""
        self._registered = registered

    async def run(self) -> None:
        """Work until stopped or drained; raises as Worker.run, but where others may go on."""
        try:
            while True:
                try:
                    await self._worker.run()
                except _OF_ITS_DATABASE as error:
                    self._hopeful.discard(self)
                    if self._stop_asked.is_set():
                        return  # it was told to stop: that its database is away is no failure
                    if not self._hopeful:
                        raise
                    await self._wait_after(error)
                else:
                    return
                if self._stop_asked.is_set():
                    return
                self._worker = self._make()
                self._worker.tell(self._note_registered)
        finally:
            self._hopeful.discard(self)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop, as Worker.stop."""
        self._stop_asked.set()
        self._worker.stop(at_once=at_once)

    def _interrupt(self) -> None:
        self._stop_asked.set()
        self._worker._interrupt()

    def _note_registered(self, worker_id: int) -> None:
        self._hopeful.add(self)
        self._pauses.reset()
        if self._registered is not None:
            self._registered(worker_id)

    async def _wait_after(self, error: Exception) -> None:
        pause = self._pauses.next()
        why = first_line(error)
        log_event(
            logging.ERROR, "database.left_out", database=self._database, error=why, pause=pause
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stop_asked.wait()
