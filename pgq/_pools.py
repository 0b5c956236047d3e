"""Connections that handlers borrow for transactions of their own; opened when first needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from pgq._connect import conninfo
from pgq._forks import not_for_children

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

_AUTOCOMMIT = {"autocommit": True, "prepare_threshold": None}


def _cut_off(connection: psycopg.Connection[Any]) -> None:
    not_for_children(connection)


async def _cut_off_async(connection: psycopg.AsyncConnection[Any]) -> None:
    not_for_children(connection)


class Pools:
    """A pool for handlers in threads and one for async handlers, each of up to `size`."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._opening = threading.Lock()
        self._blocking: ConnectionPool[psycopg.Connection[Any]] | None = None
        self._async: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None

    def lend(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend a connection to a thread; raises psycopg_pool.PoolTimeout after 30 s without."""
        from psycopg_pool import ConnectionPool

        with self._opening:
            if self._blocking is None:
                self._blocking = ConnectionPool(
                    conninfo(self._dsn),
                    kwargs=_AUTOCOMMIT,
                    configure=_cut_off,
                    min_size=0,
                    max_size=self._size,
                    open=True,
                    check=ConnectionPool.check_connection,
                )
        return self._blocking.connection()

    @asynccontextmanager
    async def lend_async(self) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
        """Lend a connection to an async handler; raises like `lend`."""
        from psycopg_pool import AsyncConnectionPool

        if self._async is None:
            self._async = AsyncConnectionPool(
                conninfo(self._dsn),
                kwargs=_AUTOCOMMIT,
                configure=_cut_off_async,
                min_size=0,
                max_size=self._size,
                open=False,
                check=AsyncConnectionPool.check_connection,
            )
            await self._async.open()
        async with self._async.connection() as connection:
            yield connection

    async def close(self) -> None:
        """Close both; what a hanging handler still holds is closed when it gives it back."""
        if self._async is not None:
            await self._async.close(timeout=1)
        if self._blocking is not None:
            # Elsewhere, because it waits for threads of its own; without that it warns of each.
            await asyncio.to_thread(self._blocking.close, 1)
