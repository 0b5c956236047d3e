"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.rows import tuple_row

from pgq import errors
from pgq._call import Call

T = TypeVar("T")


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
