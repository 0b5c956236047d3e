"""Running a Call on a connection of psycopg's."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format, TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.bool import BoolLoader
from psycopg.types.numeric import IntLoader
from psycopg.types.string import TextLoader

from pgq import errors
from pgq.calls.call import Call

T = TypeVar("T")

_BEGIN: Final = "begin isolation level read committed"
_NOT_DURABLE: Final = "set local synchronous_commit to off"
_COMMIT: Final = "commit"


_SPEAK_UTF8: Final = "set client_encoding to 'UTF8'"
_SPEAK: Final = "select set_config('client_encoding', %s, false)"

_TEXT: Final = Format.TEXT
# What answers are made of (see _columns), and what reads it: the connection's own loaders may be
# any, such as Django's, or none of psycopg's.
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


def _use_our_loaders(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> None:
    adapters = cursor.adapters
    found = adapters.get_loader
    for oid, loader, expected in _EXPECTED:
        if found(oid, _TEXT) is not expected:
            adapters.register_loader(oid, loader)


def _foreign_encoding(
    connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any],
) -> str | None:
    """Return the encoding that the connection speaks, in the server's words; None: UTF-8."""
    encoding = connection.pgconn.parameter_status(b"client_encoding") or b"UTF8"
    # A pooler repeats what it was told, in those very letters: utf8, UTF-8, unicode.
    plain = encoding.upper().translate(None, b"-_ ")
    return None if plain in (b"UTF8", b"UNICODE") else encoding.decode()


def _is_usable(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> bool:
    """Return whether the connection takes statements; a rollback undoes what was set."""
    state = connection.pgconn.transaction_status
    return state in (TransactionStatus.IDLE, TransactionStatus.INTRANS)


def _prepare(call: Call[Any]) -> bool | None:
    """Return what psycopg takes: None leaves it to the connection's prepare_threshold."""
    return None if call.prepares else False


def send(connection: psycopg.Connection[Any], call: Call[T], schema: str = "pgq") -> T:
    """Run a call in a connection's current transaction; neither commits nor rolls back.

    It reads the answer alike, whatever encoding and loaders the connection has.
    """
    encoding = _foreign_encoding(connection)
    if encoding is None:
        return _send(connection, call, schema)
    connection.execute(_SPEAK_UTF8)
    try:
        return _send(connection, call, schema)
    finally:
        if _is_usable(connection):
            connection.execute(_SPEAK, [encoding])


def _send(connection: psycopg.Connection[Any], call: Call[T], schema: str) -> T:
    """Run a call as the connection speaks."""
    try:
        with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
            _use_our_loaders(cursor)
            cursor.execute(call.statement(schema), call.parameters, prepare=_prepare(call))
            return call.read(cursor.fetchall())
    except psycopg.Error as error:
        if ours := errors.from_server(error):
            raise ours from error
        raise


async def send_async(
    connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str = "pgq"
) -> T:
    """Run a call like `send`."""
    encoding = _foreign_encoding(connection)
    if encoding is None:
        return await _send_async(connection, call, schema)
    await connection.execute(_SPEAK_UTF8)
    try:
        return await _send_async(connection, call, schema)
    finally:
        if _is_usable(connection):
            await connection.execute(_SPEAK, [encoding])


async def _send_async(connection: psycopg.AsyncConnection[Any], call: Call[T], schema: str) -> T:
    """Run a call as the connection speaks."""
    try:
        async with psycopg.AsyncCursor(connection, row_factory=tuple_row) as cursor:
            _use_our_loaders(cursor)
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
    statement_ms: int | None = None,
    lock_ms: int | None = None,
) -> list[Any]:
    """Run calls in one read committed transaction of their own, whatever the session's default is.

    All of it is one message, because a pooler would not keep a SET for us, and takes one round
    trip. The connection must be outside of any transaction. After an error of psycopg's the
    transaction may have been committed when the connection broke, and was not otherwise.

    durable: wait until a crash of the server cannot undo it. statement_ms, lock_ms: how long a
    statement may take, and wait for a lock; None: as the session has it.
    """
    try:
        async with psycopg.AsyncClientCursor(connection, row_factory=tuple_row) as cursor:
            encoding = connection.info.encoding
            begin = [_BEGIN] if durable else [_BEGIN, _NOT_DURABLE]
            if statement_ms is not None:
                begin.append(f"set local statement_timeout to {statement_ms}")
            if lock_ms is not None:
                begin.append(f"set local lock_timeout to {lock_ms}")
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
