"""Receiving notifications of work: LISTEN on a separate connection that is always read.

A notification is only a hint: the worker polls as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from psycopg import sql

from pgq.lib.backoff import Backoff
from pgq.logs import log_event
from pgq.worker.connections import Dropping, open_connection
from pgq.worker.trouble import Report, Trouble
from pgq.worker.verdicts import NoAnswer

T = TypeVar("T")

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
        deadline: float = 15.0,
    ) -> None:
        self.backend_pid: int | None = None
        self.ready = asyncio.Event()
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._deadline = deadline
        self._trouble = Trouble("connection.failed", "connection.restored", "listener", report)
        self._pauses = Backoff(0.05, longest_pause)

    async def run(self) -> None:
        """Listen until cancelled; returns when notifications do not get through."""
        while True:
            try:
                opened = await open_connection(self._dsn, "pgq listener", self._deadline)
                async with opened.connection as connection:
                    if not await self._in_time(self._listen(connection)):
                        log_event(
                            logging.WARNING,
                            "listener.deaf",
                            reason="notifications do not get through, polling only",
                            hint="give the worker a direct connection as listen_dsn",
                        )
                        return
                    await self._hear(connection)
            except Exception as error:  # noqa: BLE001 (nothing depends on what it hears)
                self.backend_pid = None
                pause = self._pauses.next()
                self._trouble.failed(error, session="listener", pause=round(pause, 2))
                await asyncio.sleep(pause)
            finally:
                self.ready.set()

    async def _hear(self, connection: Dropping) -> None:
        """Pass on what comes; now and then ask whether there is still somebody to come from."""
        while True:
            async for notification in connection.notifies(timeout=self._deadline):
                self._heard(notification.payload)
            await self._in_time(connection.execute("select"))

    async def _in_time(self, answer: Awaitable[T]) -> T:
        limit = self._deadline + _PATIENCE + _SELF_TEST
        try:
            async with asyncio.timeout(limit):
                return await answer
        except TimeoutError as error:
            raise NoAnswer(f"no answer within {limit:g} s, connection dropped") from error

    async def _listen(self, connection: Dropping) -> bool:
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
        self._trouble.over(session="listener")
        self.ready.set()
        self._heard(None)
        return True

    async def _hears_others(self, connection: Dropping) -> bool:
        """Return whether a notification arrives within a second through a pooler.

        It must come from somebody else: a transaction pooler passes on what arrives with the answer
        to a statement of ours, such as our own notification, and nothing later.
        """
        channel = f"{self._channel}_{secrets.token_hex(6)}"
        name = sql.Identifier(channel)
        await connection.execute(sql.SQL("listen {}").format(name))
        heard = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                other = await open_connection(self._dsn, "pgq listener")
                async with other.connection as sender:
                    await sender.execute("select pg_notify(%s, '')", (channel,))
            async for _ in connection.notifies(timeout=_SELF_TEST, stop_after=1):
                heard = True
        await connection.execute(sql.SQL("unlisten {}").format(name))
        return heard
