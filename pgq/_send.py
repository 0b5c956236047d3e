"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

import contextlib
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import tuple_row

from pgq import errors
from pgq._call import Call

T = TypeVar("T")

_BEGIN: Final = b"begin isolation level read committed; "
_COMMIT: Final = b"; commit"


def send(connection: psycopg.Connection[Any], call: Call[T], schema: str = "pgq") -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back."""
    try:
        with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
            cursor.execute(call.statement(schema), call.parameters, prepare=False)
            return call.read(cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise


async def send_async(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str = "pgq"
) -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back."""
    try:
        async with psycopg.AsyncCursor(connection, row_factory=tuple_row) as cursor:
            await cursor.execute(call.statement(schema), call.parameters, prepare=False)
            return call.read(await cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise


async def send_alone(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str = "pgq"
) -> T:
    """Run a call in a read committed transaction of its own, whatever the session's default is.

    All of it is one message, because a pooler would not keep a SET for us; so it takes one round
    trip like the call alone. The connection must be outside of any transaction.
    """
    try:
        async with psycopg.AsyncClientCursor(connection, row_factory=tuple_row) as cursor:
            await cursor.execute(_BEGIN + call.statement(schema) + _COMMIT, call.parameters)
            cursor.nextset()
            return call.read(await cursor.fetchall())
    except BaseException as error:
        # The commit was not reached.
        with contextlib.suppress(psycopg.Error):
            await connection.rollback()
        if isinstance(error, psycopg.Error) and (ours := errors.from_server(error)):
            raise ours from error
        raise
