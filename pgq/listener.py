"""Hearing of work: LISTEN on a connection of its own that is always drained.

A notification is a hint to look, and nothing depends on it: the worker polls as well.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import sql

from pgq._session import TRANSIENT, Backoff, first_line, open_connection

log = logging.getLogger("pgq")

_SELF_TEST: Final = 1.0


class Listener:
    """Calls `heard` with every notification, and with None after each connect: some were missed.

    A notification names a queue with ready jobs; an empty one says that a job is due soon.

    `ready` is set when it hears, or when it has found that it cannot: through a transaction pooler
    LISTEN succeeds and nothing ever comes. Only while it hears, `backend_pid` is the process of a
    server session that lives as long as the worker.
    """

    def __init__(
        self, dsn: str, channel: str, longest_pause: float, heard: Callable[[str | None], None]
    ) -> None:
        self.backend_pid: int | None = None
        self.ready = asyncio.Event()
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._pauses = Backoff(0.05, longest_pause)

    async def run(self) -> None:
        """Listen until cancelled; returns when notifications do not get through."""
        while True:
            try:
                async with await open_connection(self._dsn, "pgq listener") as connection:
                    if not await self._listen(connection):
                        log.warning(
                            "notifications do not get through, polling only: "
                            "give the worker a direct connection as listen_dsn"
                        )
                        return
                    async for notification in connection.notifies():
                        self._heard(notification.payload)
            except TRANSIENT as error:
                pause = self._pauses.next()
                log.warning(
                    "connection failed session=listener pause=%.2fs error=%s",
                    pause,
                    first_line(error),
                )
                await asyncio.sleep(pause)
            finally:
                self.ready.set()

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Subscribe; return whether notifications arrive."""
        await connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        if not await _hears_itself(connection, f"{self._channel}_{secrets.token_hex(6)}"):
            return False
        answer = await connection.execute("select pg_backend_pid()")
        row = await answer.fetchone()
        self.backend_pid = row[0] if row else None
        self._pauses.reset()
        self.ready.set()
        self._heard(None)
        return True


async def _hears_itself(connection: psycopg.AsyncConnection[Any], channel: str) -> bool:
    """Send a notification to ourselves; return whether it arrives within a second."""
    heard = asyncio.Event()

    def note(notification: psycopg.Notify) -> None:
        if notification.channel == channel:
            heard.set()

    name = sql.Identifier(channel)
    await connection.execute(sql.SQL("listen {}").format(name))
    connection.add_notify_handler(note)
    await connection.execute("select pg_notify(%s, '')", (channel,))
    if not heard.is_set():
        async for _ in connection.notifies(timeout=_SELF_TEST, stop_after=1):
            pass
    connection.remove_notify_handler(note)
    await connection.execute(sql.SQL("unlisten {}").format(name))
    return heard.is_set()
