"""Following how jobs and runs end: woken by a notification if there is one, and asking anyway."""

from __future__ import annotations

# blocking: import time
import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from pgq.calls.call import Call
from pgq.calls.events import follow_outcomes, outcomes_since
from pgq.client.connections_async import open_own_async
from pgq.reports import JobEvent
from pgq.schema.names import Names

RunAsync = Callable[[Call[Any]], Coroutine[Any, Any, Any]]

# How much less often to ask while notifications come.
_CALM: Final = 5


async def followed_async(
    run: RunAsync, dsn: str | None, schema: str, cursor: int | None, every: float
) -> AsyncGenerator[JobEvent, None]:
    """Yield outcomes; `run` sends calls, `dsn` is where a connection may be opened to listen.

    Asks less often once it has heard a notification, until something has come without one: then
    they do not reach it, or are turned off.
    """
    place: int = await run(follow_outcomes()) if cursor is None else cursor
    async with _ear_async(dsn, schema) as listening:
        is_told = False
        was_woken = True
        while True:
            found: list[JobEvent] = await run(outcomes_since(place))
            # blocking: yield from found
            for event in found:
                # blocking:
                yield event
            if found:
                place = found[-1].next_cursor
                is_told = is_told and was_woken
                continue
            pause = every * _CALM if is_told else every
            was_woken = await _woken_async(listening, pause)
            is_told = is_told or was_woken


@asynccontextmanager
async def _ear_async(
    dsn: str | None, schema: str
) -> AsyncGenerator[psycopg.AsyncConnection[Any] | None, None]:
    """Lend a connection that is told of outcomes; None through a pooler, or without a DSN."""
    if dsn is None:
        yield None
        return
    own = await open_own_async(dsn)
    async with own.connection as connection:
        if not own.is_direct:
            await connection.close()
            yield None
            return
        channel = sql.Identifier(Names(schema).outcomes_channel)
        await connection.execute(sql.SQL("listen {}").format(channel))
        yield connection


async def _woken_async(listening: psycopg.AsyncConnection[Any] | None, pause: float) -> bool:
    """Wait so many seconds, or until a notification comes; say whether one came."""
    if listening is None:
        await asyncio.sleep(pause)
        return False
    # blocking: return bool(list(listening.notifies(timeout=pause, stop_after=1)))
    return bool([each async for each in listening.notifies(timeout=pause, stop_after=1)])
