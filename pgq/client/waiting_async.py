"""Waiting for the end of jobs: told by a notification where there is one, and asking anyway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import psycopg

from pgq.calls.call import Call
from pgq.client.awaited import Awaited, listen
from pgq.client.connections_async import open_own_async
from pgq.client.send_async import send_async

T = TypeVar("T")
RunAsync = Callable[[Call[Any]], Coroutine[Any, Any, Any]]


async def waited_async(awaited: Awaited[T], run: RunAsync, dsn: str | None, schema: str) -> T:
    """Wait; `run` sends calls, `dsn` is where a connection of its own may be opened."""
    awaited.note(await run(awaited.look()))
    if awaited.is_over() or awaited.left() <= 0 or dsn is None:
        await _ask_async(awaited, run, None)
        return awaited.answer()
    own = await open_own_async(dsn)
    async with own.connection as connection:
        if own.is_direct:
            await connection.execute(listen(schema))
        listening = connection if own.is_direct else None
        await _ask_async(awaited, lambda call: send_async(connection, call, schema), listening)
    return awaited.answer()


async def _ask_async(
    awaited: Awaited[Any], run: RunAsync, listening: psycopg.AsyncConnection[Any] | None
) -> None:
    if listening is not None:
        await run(awaited.registration())
        awaited.note(await run(awaited.look()))
    while not awaited.is_over():
        pause_ends = time.monotonic() + awaited.pause()
        while (left := pause_ends - time.monotonic()) > 0 and not awaited.is_over():
            if listening is None:
                await asyncio.sleep(left)
                continue
            # blocking: heard = list(listening.notifies(timeout=left, stop_after=1))
            heard = [each async for each in listening.notifies(timeout=left, stop_after=1)]
            if look := awaited.look_at(heard):
                awaited.note(await run(look))
        awaited.note(await run(awaited.look()))
