"""What a client may be made from, told apart without importing SQLAlchemy or psycopg_pool.

A call runs in the current transaction of SQLAlchemy's connections and sessions, which it begins
where there is none, as a statement of theirs would: so their commit() takes the job along.
"""

from __future__ import annotations

from typing import Any

from pgq.errors import InvalidArgument
from pgq.lib.checks import shown

SESSIONS = ("Session", "scoped_session")
SOURCES = ("Connection", *SESSIONS)
ASYNC_SESSIONS = ("AsyncSession", "async_scoped_session")
ASYNC_SOURCES = ("AsyncConnection", *ASYNC_SESSIONS)

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


def is_open(source: Any) -> bool:
    """Return whether it is a connection or a pool that a child made by `fork` must not use."""
    return not isinstance(source, str) and not getattr(source, "closed", False)


def inherited() -> InvalidArgument:
    """Return the error for a source that such a child has from its parent."""
    return InvalidArgument(
        "the client's pool or connection was opened in another process, before a fork",
        "Open one after the fork, or make the client from a DSN.",
    )
