"""`create_lock`: a lock by name that one session of the database holds."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, Self

from psycopg import AsyncConnection

from pgq.lib.connect import connect_async


class Lock:
    """A lock that one holder has at a time, in all processes; given up after `ttl` seconds.

    It has a connection of its own while it is held or waited for, and ends with it. So the DSN must
    not lead to a pooler that shares sessions.
    """

    def __init__(self, dsn: str, key: str, ttl: float | None) -> None:
        self.key = key
        self.ttl = ttl
        self._dsn = dsn
        self._number = int.from_bytes(
            hashlib.blake2b(key.encode(), digest_size=8, person=b"pgq.asyncmq").digest(),
            signed=True,
        )
        self._held: AsyncConnection[Any] | None = None
        self._end: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def acquire(self) -> bool:
        """Wait for the lock; true."""
        return self._held is not None or await self._take("pg_advisory_lock", waits=True)

    async def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; say whether it is held."""
        return self._held is not None or await self._take("pg_try_advisory_lock", waits=False)

    async def release(self) -> None:
        """Give the lock up; nothing happens if it is not held."""
        held, self._held = self._held, None
        if self._end is not None:
            self._end.cancel()
        if held is not None:
            await held.close()

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.release()

    async def _take(self, function: str, *, waits: bool) -> bool:
        connection = await connect_async(self._dsn, autocommit=True)
        try:
            await connection.execute("set lock_timeout = 0")
            found = await connection.execute(f"select pg_catalog.{function}(%s)", (self._number,))
            row = await found.fetchone()
        except BaseException:
            await connection.close()
            raise
        if not waits and (row is None or not row[0]):
            await connection.close()
            return False
        self._held = connection
        if self.ttl is not None:
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(self.ttl, self._give_up, loop)
        return True

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ending = loop.create_task(self.release())
