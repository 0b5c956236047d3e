"""What a Queue talks to: a client for the running event loop, and a DSN for its worker."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Union
from weakref import WeakKeyDictionary

import psycopg

from pgq.client.clients_async import AsyncClient
from pgq.contrib.asyncmq._locks import Lock
from pgq.contrib.asyncmq.conf import settings
from pgq.contrib.asyncmq.exceptions import InvalidValue

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    Given = str | AsyncConnectionPool[Any] | psycopg.AsyncConnection[Any] | AsyncClient | None
    """A DSN, a pool, a connection, a client; None: PGQ_DSN, or else libpq's own variables."""
    Source = Union[Given, "Backend"]  # noqa: UP007 (it is defined below)
    """The same, or a backend. None: as the settings say."""

_Shared = dict[tuple[str, str], AsyncClient]
# Queues with the same DSN share a connection, as AsyncMQ's share a backend. Each event loop has
# one, because a program may call asyncio.run() several times.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


class Backend:
    """Where jobs are kept. The environment is read at the first use, not at import."""

    def __init__(self, source: Given = None, *, schema: str = "pgq") -> None:
        if not isinstance(source, str | AsyncClient | psycopg.AsyncConnection | None) and not (
            hasattr(source, "connection") and hasattr(source, "conninfo")
        ):
            raise InvalidValue(
                f"the backend is {type(source).__name__}",
                "Pass a DSN, an AsyncConnectionPool, an AsyncConnection or an AsyncClient;"
                " leave it out for PGQ_DSN.",
            )
        self._source = source
        self.schema = source.schema if isinstance(source, AsyncClient) else schema

    @property
    def client(self) -> AsyncClient:
        """The client to call in the running event loop."""
        if isinstance(self._source, AsyncClient):
            return self._source
        if not isinstance(self._source, str | None):
            return AsyncClient(self._source, schema=self.schema)
        shared = _clients.setdefault(asyncio.get_running_loop(), {})
        key = (self._dsn_text(), self.schema)
        if key not in shared:
            shared[key] = AsyncClient(key[0], schema=self.schema)
        return shared[key]

    @property
    def dsn(self) -> str:
        """The DSN for a worker; InvalidArgument if the backend does not have one."""
        if isinstance(self._source, str | None):
            return self._dsn_text()
        source = self._source._source if isinstance(self._source, AsyncClient) else self._source
        conninfo = source if isinstance(source, str) else getattr(source, "conninfo", None)
        if isinstance(conninfo, str) and conninfo:
            return conninfo
        raise InvalidValue(
            "a worker needs a DSN, for sessions of its own",
            "Make the Queue of a DSN, or of a pool or a client that was made of one.",
        )

    def _dsn_text(self) -> str:
        return self._source if isinstance(self._source, str) else os.environ.get("PGQ_DSN", "")

    async def create_lock(self, key: str, ttl: float | None = 30) -> Lock:
        """Return a lock by name; see Lock. Nothing is locked yet."""
        return Lock(self.dsn, f"{self.schema}:{key}", ttl)

    async def close(self) -> None:
        """Close the connection that a DSN opened in this event loop; the next call opens another.

        A connection that was open when it was given stays open.
        """
        if isinstance(self._source, str | None):
            shared = _clients.get(asyncio.get_running_loop(), {})
            client = shared.pop((self._dsn_text(), self.schema), None)
            if client is not None:
                await client.close()


def backend_of(source: Source, schema: str = "pgq") -> Backend:
    """Return the backend that a Queue was given, or the one of the settings."""
    if source is None:
        source = settings.backend or settings.asyncmq_postgres_backend_url
    return source if isinstance(source, Backend) else Backend(source, schema=schema)
