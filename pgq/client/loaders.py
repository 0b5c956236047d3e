"""What a connection must be asked for before its answers can be read: encoding, and loaders."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.types.bool import BoolLoader
from psycopg.types.numeric import IntLoader
from psycopg.types.string import TextLoader

_TEXT: Final = Format.TEXT
# What answers are made of (see calls.columns), and what reads it: the connection's own loaders may
# be any, such as Django's, or none of psycopg's.
_LOADERS: Final[dict[str, type[Loader]]] = {
    "bool": BoolLoader,
    "int4": IntLoader,
    "int8": IntLoader,
    "text": TextLoader,
}


def _expected() -> list[tuple[int, type[Loader], Any]]:
    """Return for each type its number, its loader, and which one a connection should have."""
    ours = AdaptersMap(psycopg.adapters)
    expected: list[tuple[int, type[Loader], Any]] = []
    for name, loader in _LOADERS.items():
        oid = psycopg.adapters.types[name].oid
        ours.register_loader(oid, loader)
        expected.append((oid, loader, ours.get_loader(oid, _TEXT)))
    return expected


_EXPECTED: Final = _expected()


def use_our_loaders(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> None:
    """Let a cursor read answers of ours as they are meant."""
    adapters = cursor.adapters
    found = adapters.get_loader
    for oid, loader, expected in _EXPECTED:
        if found(oid, _TEXT) is not expected:
            adapters.register_loader(oid, loader)


def foreign_encoding(
    connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any],
) -> str | None:
    """Return the encoding that the connection speaks, in the server's words; None: UTF-8."""
    encoding = connection.pgconn.parameter_status(b"client_encoding") or b"UTF8"
    # A pooler repeats what it was told, in those very letters: utf8, UTF-8, unicode.
    plain = encoding.upper().translate(None, b"-_ ")
    return None if plain in (b"UTF8", b"UNICODE") else encoding.decode()


def is_usable(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Return whether the connection takes statements; a rollback undoes what was set."""
    state = connection.pgconn.transaction_status
    return state in (TransactionStatus.IDLE, TransactionStatus.INTRANS)
