"""Sending several calls as one message, in a transaction of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from pgq import errors
from pgq.calls.call import Call

_BEGIN: Final = "begin isolation level read committed"
_NOT_DURABLE: Final = "set local synchronous_commit to off"
_COMMIT: Final = "commit"


async def send_together(
    connection: psycopg.AsyncConnection[Any],
    calls: Sequence[Call[Any]],
    schema: str = "pgq",
    *,
    durable: bool = True,
    statement_ms: int | None = None,
    lock_ms: int | None = None,
    is_ours: bool = False,
) -> list[Any]:
    """Run calls in one read committed transaction of their own, whatever the session's default is.

    All of it is one message, because a pooler would not keep a SET for us, and takes one round
    trip. The connection must be outside of any transaction. After an error of psycopg's the
    transaction may have been committed when the connection broke, and was not otherwise.

    durable: wait until a crash of the server cannot undo it. statement_ms, lock_ms: how long a
    statement may take, and wait for a lock; None: as the session has it. is_ours: the session is
    read committed by default, so the message needs no begin and commit: it is a transaction anyway.
    There statement_ms stays for later messages.
    """
    try:
        async with psycopg.AsyncClientCursor(connection, row_factory=tuple_row) as cursor:
            encoding = connection.info.encoding
            begin, local = ([], "") if is_ours else ([_BEGIN], "local ")
            if not durable:
                begin.append(_NOT_DURABLE)
            if statement_ms is not None:
                begin.append(f"set {local}statement_timeout to {statement_ms}")
            if lock_ms is not None:
                begin.append(f"set local lock_timeout to {lock_ms}")
            for call in calls:
                if (schema, encoding) not in call.texts:
                    text = cursor.mogrify(call.statement(schema), call.parameters)
                    call.texts[schema, encoding] = text
            statements = [call.texts[schema, encoding] for call in calls]
            end = [] if is_ours else [_COMMIT]
            await cursor.execute("; ".join([*begin, *statements, *end]).encode(encoding))
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
