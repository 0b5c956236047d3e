"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Final, TypeVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from pgq import errors
from pgq.calls.call import Call, name_actor
from pgq.client.loaders import foreign_encoding, is_usable, use_our_loaders

T = TypeVar("T")

_SPEAK_UTF8: Final = "set client_encoding to 'UTF8'"
_SPEAK: Final = "select set_config('client_encoding', %s, false)"


async def send_async(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str = "pgq"
) -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back.

    It reads the answer alike, whatever encoding and loaders the connection has.
    """
    encoding = foreign_encoding(connection)
    if encoding is None:
        return await _send_async(connection, call, schema)
    await connection.execute(_SPEAK_UTF8)
    try:
        return await _send_async(connection, call, schema)
    finally:
        if is_usable(connection):
            await connection.execute(_SPEAK, [encoding])


async def send_as_async(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str, actor: str
) -> T:
    """Run a call like `send_async`, and say in its transaction who acts.

    Where the call is a transaction, both together are one; else it holds to the transaction's end.
    """
    is_idle = connection.info.transaction_status == TransactionStatus.IDLE
    is_alone = connection.autocommit and is_idle
    async with connection.transaction() if is_alone else nullcontext():
        await send_async(connection, name_actor(actor), schema)
        return await send_async(connection, call, schema)


async def _send_async(connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str) -> T:
    """Run a call as the connection speaks."""
    try:
        async with psycopg.AsyncCursor(connection, row_factory=tuple_row) as cursor:
            use_our_loaders(cursor)
            # None leaves it to the connection's prepare_threshold.
            prepare = None if call.prepares else False
            await cursor.execute(call.statement(schema), call.parameters, prepare=prepare)
            return call.read(await cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise
