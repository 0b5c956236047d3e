"""What a Queue talks to: a client for the running event loop, and a DSN for its worker."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import psycopg

from pgq.client.clients_async import AsyncClient
from pgq.errors import InvalidArgument

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    Source = str | AsyncConnectionPool[Any] | psycopg.AsyncConnection[Any] | AsyncClient | None
    """A DSN, a pool, a connection, a client; None: PGQ_DSN, or else libpq's own variables."""

_Shared = dict[tuple[str, str], AsyncClient]
# Queues with the same DSN share a connection, as AsyncMQ's share a backend. Each event loop has
# one, because a program may call asyncio.run() several times.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Shared] = WeakKeyDictionary()


class Backend:
    """Where jobs are kept. The environment is read at the first use, not at import."""

    def __init__(self, source: Source = None, *, schema: str = "pgq") -> None:
        if not isinstance(source, str | AsyncClient | psycopg.AsyncConnection | None) and not (
            hasattr(source, "connection") and hasattr(source, "conninfo")
        ):
            raise InvalidArgument(
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
        raise InvalidArgument(
            "a worker needs a DSN, for sessions of its own",
            "Make the Queue of a DSN, or of a pool or a client that was made of one.",
        )

    def _dsn_text(self) -> str:
        return self._source if isinstance(self._source, str) else os.environ.get("PGQ_DSN", "")

    async def close(self) -> None:
        """Close the connection that a DSN opened in this event loop; the next call opens another.

        A connection that was open when it was given stays open.
        """
        if isinstance(self._source, str | None):
            shared = _clients.get(asyncio.get_running_loop(), {})
            client = shared.pop((self._dsn_text(), self.schema), None)
            if client is not None:
                await client.close()
