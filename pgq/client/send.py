# Written by generate.py from send_async.py: change that one.
"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import tuple_row

from pgq import errors
from pgq.calls.call import Call
from pgq.client.loaders import foreign_encoding, is_usable, use_our_loaders

T = TypeVar("T")

_SPEAK_UTF8: Final = "set client_encoding to 'UTF8'"
_SPEAK: Final = "select set_config('client_encoding', %s, false)"


def send(connection: psycopg.Connection[Any], call: Call[T], schema: str = "pgq") -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back.

    It reads the answer alike, whatever encoding and loaders the connection has.
    """
    encoding = foreign_encoding(connection)
    if encoding is None:
        return _send(connection, call, schema)
    connection.execute(_SPEAK_UTF8)
    try:
        return _send(connection, call, schema)
    finally:
        if is_usable(connection):
            connection.execute(_SPEAK, [encoding])


def _send(connection: psycopg.Connection[Any], call: Call[T], schema: str) -> T:
    """Run a call as the connection speaks."""
    try:
        with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
            use_our_loaders(cursor)
            # None leaves it to the connection's prepare_threshold.
            prepare = None if call.prepares else False
            cursor.execute(call.statement(schema), call.parameters, prepare=prepare)
            return call.read(cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise
