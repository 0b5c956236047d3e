"""Hearing of work: LISTEN on a connection of its own that is always drained.

A notification is a hint to look, and nothing depends on it: the worker polls as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import sql

from pgq._session import TRANSIENT, Backoff, Report, note_failed_connection, open_connection
from pgq.logs import log_event, worker_log

# How long (seconds) to wait for a notification of our own, and for the connection that sends it.
_SELF_TEST: Final = 1.0
_PATIENCE: Final = 5.0


class Listener:
    """Calls `heard` with every notification, and with None after each connect: some were missed.

    A notification names a queue with ready jobs; an empty one says that a job is due soon.

    `ready` is set when it hears, or when it has found that it cannot: through a transaction pooler
    LISTEN succeeds and nothing ever comes. Only while it hears, `backend_pid` is the process of a
    server session that lives as long as the worker.
    """

    def __init__(
        self,
        dsn: str,
        channel: str,
        longest_pause: float,
        heard: Callable[[str | None], None],
        report: Report | None = None,
    ) -> None:
        self.backend_pid: int | None = None
        self.ready = asyncio.Event()
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._report = report
        self._pauses = Backoff(0.05, longest_pause)

    async def run(self) -> None:
        """Listen until cancelled; returns when notifications do not get through."""
        while True:
            try:
                async with await open_connection(self._dsn, "pgq listener") as connection:
                    if not await self._listen(connection):
                        log_event(
                            worker_log,
                            logging.WARNING,
                            "listener.deaf",
                            reason="notifications do not get through, polling only",
                            hint="give the worker a direct connection as listen_dsn",
                        )
                        return
                    async for notification in connection.notifies():
                        self._heard(notification.payload)
            except TRANSIENT as error:
                self.backend_pid = None
                pause = self._pauses.next()
                note_failed_connection(error, "listener", pause, self._report)
                await asyncio.sleep(pause)
            finally:
                self.ready.set()

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Subscribe; return whether notifications arrive."""
        answer = await connection.execute("select pg_backend_pid()")
        row = await answer.fetchone()
        assert row is not None
        # A pooler gives out process ids of its own. LISTEN alone would not fail there, but stay
        # behind on a server connection that others get next.
        pooled = row[0] != connection.info.backend_pid
        if pooled and not await self._hears_others(connection):
            return False
        await connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        self.backend_pid = row[0]
        self._pauses.reset()
        self.ready.set()
        self._heard(None)
        return True

    async def _hears_others(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Return whether a notification arrives within a second through a pooler.

        It must come from somebody else: a transaction pooler passes on what arrives with the answer
        to a statement of ours, such as our own notification, and nothing later.
        """
        channel = f"{self._channel}_{secrets.token_hex(6)}"
        name = sql.Identifier(channel)
        await connection.execute(sql.SQL("listen {}").format(name))
        heard = False
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(_PATIENCE),
                await open_connection(self._dsn, "pgq listener") as other,
            ):
                await other.execute("select pg_notify(%s, '')", (channel,))
            async for _ in connection.notifies(timeout=_SELF_TEST, stop_after=1):
                heard = True
        await connection.execute(sql.SQL("unlisten {}").format(name))
        return heard
