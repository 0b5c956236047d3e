"""SQLAlchemy's connections and sessions as a client's source: the psycopg connection beneath.

A call runs in their current transaction, which it begins where there is none, as a statement of
theirs would: so their commit() takes the job along. SQLAlchemy is not imported here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg

from pgq.errors import InvalidArgument
from pgq.lib.checks import shown

_HINT = (
    "Pass a DSN, a connection or a pool of psycopg 3, or a Connection or Session of SQLAlchemy "
    "whose engine is postgresql+psycopg://."
)


def is_alchemy(source: object, kinds: tuple[str, ...]) -> bool:
    """Return whether it is of SQLAlchemy, and of a class, or of a child of one, called so."""
    return any(
        each.__module__.partition(".")[0] == "sqlalchemy" and each.__name__ in kinds
        for each in type(source).__mro__
    )


def is_pool(source: object, *, is_async: bool) -> bool:
    """Return whether it is a pool of psycopg's, or like one; psycopg_pool may not be installed."""
    looks = hasattr(source, "connection") and hasattr(source, "conninfo")
    kinds = (each.__name__ for each in type(source).__mro__)
    return looks and is_async == any(kind.startswith("Async") for kind in kinds)


def refused(source: object, *, is_async: bool) -> InvalidArgument:
    """Return the error for what no client can be made from."""
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    asynchronous = "Async" if is_async else ""
    said = f"{asynchronous}Client cannot be made from {kind}: {shown(source)}"
    return InvalidArgument(said, _HINT)


@contextmanager
def borrowed(source: Any) -> Generator[psycopg.Connection[Any], None, None]:
    """Lend what is beneath a Connection or a Session, in its transaction."""
    connection = source.connection() if is_alchemy(source, SESSIONS) else source
    if not connection.in_transaction():
        connection.begin()
    beneath = connection.connection.driver_connection
    if not isinstance(beneath, psycopg.Connection):
        raise refused(beneath, is_async=False)
    yield beneath


@asynccontextmanager
async def borrowed_async(source: Any) -> AsyncGenerator[psycopg.AsyncConnection[Any], None]:
    """Lend what is beneath an AsyncConnection or an AsyncSession, in its transaction."""
    connection = await source.connection() if is_alchemy(source, ASYNC_SESSIONS) else source
    if not connection.in_transaction():
        await connection.begin()
    beneath = (await connection.get_raw_connection()).driver_connection
    if not isinstance(beneath, psycopg.AsyncConnection):
        raise refused(beneath, is_async=True)
    yield beneath


SESSIONS = ("Session", "scoped_session")
SOURCES = ("Connection", *SESSIONS)
ASYNC_SESSIONS = ("AsyncSession", "async_scoped_session")
ASYNC_SOURCES = ("AsyncConnection", *ASYNC_SESSIONS)
