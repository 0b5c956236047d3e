"""A worker of one database of several, where that database is away."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import psycopg

from pgq.processes.lasting import LastingWorker
from pgq.worker.worker import Worker


class Away:
    """A worker whose database goes away in the moment in which it is told to stop."""

    name, queues, running = "away", ("*",), 0

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    def tell(self, registered: Any) -> None:
        """Never call it: there is no database to register in."""

    async def run(self) -> None:
        await self._stopped.wait()
        raise psycopg.OperationalError("away")

    def stop(self, *, at_once: bool = False) -> None:
        self._stopped.set()


def test_a_database_that_is_away_is_no_failure_of_a_stop() -> None:
    async def run() -> bool:
        lasting = LastingWorker(lambda: cast("Worker", Away()), "s1", set())
        working = asyncio.create_task(lasting.run())
        await asyncio.sleep(0)
        lasting.stop()
        await asyncio.wait_for(working, 10)
        return working.exception() is None

    assert asyncio.run(run())
