"""What a backend alias stands for: a client, made from a DSN, a pool or a connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import psycopg

from pgq.client.clients import Client
from pgq.contrib.dj_queue.exceptions import DjQueueError
from pgq.tasks import AnyTask, registry

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool

DEFAULT: Final = "default"

Resolve = Callable[[str], AnyTask | None]

_clients: dict[str, Client] = {}
_on_connections: set[str] = set()
_zones: dict[str, str] = {}
_resolvers: dict[str, Resolve] = {}


def connect(
    source: str | ConnectionPool[Any] | psycopg.Connection[Any] | Client,
    *,
    backend_alias: str = DEFAULT,
    schema: str = "pgq",
    timezone: str = "UTC",
    resolve: Resolve = registry.get,
) -> Client:
    """Say what a backend alias stands for; return its client.

    Two backends in one database are two schemas. Without this call, the alias "default" is what
    PGQ_DSN and PGQ_SCHEMA say; without these, libpq's variables count.

    `timezone` is that of recurring tasks whose schedule names none. `resolve` finds the task of a
    path, whose options and keys the jobs of a recurring task then have.
    """
    client = source if isinstance(source, Client) else Client(source, schema=schema)
    _clients[backend_alias] = client
    _zones[backend_alias] = timezone
    _resolvers[backend_alias] = resolve
    _on_connections.discard(backend_alias)
    if isinstance(source, psycopg.Connection):
        _on_connections.add(backend_alias)
    return client


def client_of(backend_alias: str) -> Client:
    """Return the client of an alias; DjQueueError for an unknown one."""
    if backend_alias not in _clients:
        if backend_alias != DEFAULT:
            raise DjQueueError(
                f"no backend is called {backend_alias!r}",
                f'Call pgq.contrib.dj_queue.connect(dsn, backend_alias="{backend_alias}") first.',
            )
        schema = os.environ.get("PGQ_SCHEMA") or "pgq"
        connect(os.environ.get("PGQ_DSN", ""), schema=schema)
    return _clients[backend_alias]


def zone_of(backend_alias: str) -> str:
    """Return the time zone of an alias's recurring tasks."""
    return _zones.get(backend_alias, "UTC")


def task_of(backend_alias: str, path: str) -> AnyTask | None:
    """Return the task of a path, if this process knows it."""
    return _resolvers.get(backend_alias, registry.get)(path)


def is_on_connection(backend_alias: str) -> bool:
    """Say whether an alias was made from a connection, whose transaction is the caller's."""
    return backend_alias in _on_connections
