"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg.rows import tuple_row

from pgq import errors
from pgq._call import Call

T = TypeVar("T")

_BEGIN: Final = "begin isolation level read committed"
_NOT_DURABLE: Final = "set local synchronous_commit to off"
_COMMIT: Final = "commit"


def _prepare(call: Call[Any]) -> bool | None:
    """Return what psycopg takes: None leaves it to the connection's prepare_threshold."""
    return None if call.prepares else False


def send(connection: psycopg.Connection[Any], call: Call[T], schema: str = "pgq") -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back."""
    try:
        with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
            cursor.execute(call.statement(schema), call.parameters, prepare=_prepare(call))
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
            await cursor.execute(call.statement(schema), call.parameters, prepare=_prepare(call))
            return call.read(await cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise


async def send_together(
    connection: psycopg.AsyncConnection[Any],
    calls: Sequence[Call[Any]],
    schema: str = "pgq",
    *,
    durable: bool = True,
) -> list[Any]:
    """Run calls in one read committed transaction of their own, whatever the session's default is.

    All of it is one message, because a pooler would not keep a SET for us, and takes one round
    trip. The connection must be outside of any transaction. After an error of psycopg's the
    transaction may have been committed when the connection broke, and was not otherwise.

    durable: wait until a crash of the server cannot undo it.
    """
    try:
        async with psycopg.AsyncClientCursor(connection, row_factory=tuple_row) as cursor:
            encoding = connection.info.encoding
            begin = [_BEGIN] if durable else [_BEGIN, _NOT_DURABLE]
            for call in calls:
                if (schema, encoding) not in call.texts:
                    text = cursor.mogrify(call.statement(schema), call.parameters)
                    call.texts[schema, encoding] = text
            statements = [call.texts[schema, encoding] for call in calls]
            await cursor.execute("; ".join([*begin, *statements, _COMMIT]).encode(encoding))
            for _ in begin:
                cursor.nextset()
            answers: list[Any] = []
            for call in calls:
                answers.append(call.read(await cursor.fetchall()))
                cursor.nextset()
            return answers
    except BaseException as error:
        # Where the connection is still there, the commit was not reached.
        with contextlib.suppress(psycopg.Error):
            await connection.rollback()
        if isinstance(error, psycopg.Error) and (ours := errors.from_server(error)):
            raise ours from error
        raise


async def send_alone(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str = "pgq"
) -> T:
    """Run a call like `send_together`."""
    answer: T
    (answer,) = await send_together(connection, [call], schema)
    return answer
