"""A connection of a worker that is opened again whenever it breaks, or gets no answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from pgq.calls.call import Call
from pgq.errors import DatabaseAway
from pgq.lib.backoff import Backoff
from pgq.worker.connections import OPENING, Opened, milliseconds, open_connection
from pgq.worker.together import send_together
from pgq.worker.trouble import Report, Trouble
from pgq.worker.verdicts import NoAnswer, Verdict, is_lost, verdict_of

T = TypeVar("T")

# The server gives a statement up before the client stops waiting for the answer.
_SERVERS_SHARE: Final = 0.8


class Session:
    """One connection, for one task at a time. Its name is for the log and pg_stat_activity.

    deadline: how long (seconds) the answer to a call may take. Past it the connection is dropped,
    without telling the peer: what it was asked may still be done, so it is fenced like any call
    whose answer was lost, and the server gives its statements up a little sooner. longest_outage:
    for how long calls may fail before DatabaseAway is raised; None: for ever.
    """

    def __init__(
        self,
        dsn: str,
        schema: str,
        name: str,
        longest_pause: float,
        report: Report | None = None,
        *,
        deadline: float = 15.0,
        longest_outage: float | None = None,
    ) -> None:
        self.was_sent = False
        self.deadline = deadline
        self._dsn = dsn
        self._schema = schema
        self._name = name
        self._report = report
        self._longest_outage = longest_outage
        self._pauses = Backoff(0.05, longest_pause)
        self._opened: Opened | None = None
        self._limit = 0.0  # of a statement, as a session of ours knows it
        self._asked_at: float | None = None
        self._failing_since: float | None = None
        self._outage = Trouble("connection.failed", "connection.restored", name, report)
        self._troubles: dict[str, Trouble] = {}

    @property
    def silent_for(self) -> float:
        """How long (seconds) the database has answered nothing, though it was asked."""
        return 0.0 if self._asked_at is None else time.monotonic() - self._asked_at

    @property
    def is_failing(self) -> bool:
        """Whether the last call failed."""
        return self._failing_since is not None

    async def try_call(self, call: Call[T], *, within: float | None = None, what: str = "") -> T:
        """Send a call once, in a transaction of its own; after an error the outcome is unknown.

        within: seconds, instead of the deadline. what: the call's name, where its failures are
        noted by it.
        """
        (answer,) = await self._send([call], within=within)
        if what:
            self.works(what)
        result: T = answer
        return result

    async def call(self, call: Call[T], what: str, *, starting: bool = False) -> T:
        """Send a call that may be repeated until it is answered, however long that takes.

        Raises what makes going on wrong; starting: also what somebody must be told at the start.
        """
        return await self.call_anew(lambda: call, what, starting=starting)

    async def call_anew(
        self, make: Callable[[], Call[T]], what: str, *, starting: bool = False
    ) -> T:
        """Do the same with a call that is made when it can be sent: it may say what time it is."""
        while True:
            try:
                await self._connected()
                return await self.try_call(make(), what=what)
            except Exception as error:
                if verdict_of(error, starting=starting) is Verdict.EXIT:
                    raise
                await self.recover(error, what)

    async def try_together(
        self, calls: Sequence[Call[Any]], *, durable: bool = True, lock_wait: float | None = None
    ) -> list[Any]:
        """Send calls once, in one transaction; after an error the outcome is unknown, unless the
        server said it.

        durable: wait until a crash of the server cannot undo it. lock_wait: how long (seconds) to
        wait for a row that others hold.
        """
        return await self._send(calls, durable=durable, lock_wait=lock_wait)

    async def recover(self, error: BaseException, what: str) -> None:
        """Note that a call failed, close the connection, and wait a moment.

        Raises DatabaseAway where calls have failed for too long.
        """
        pause = self._pauses.next()
        await self.let_go(error, what, pause=round(pause, 2))
        await asyncio.sleep(pause)

    async def let_go(self, error: BaseException, what: str, **fields: Any) -> None:
        """Note that a call failed, and close the connection; raises like `recover`."""
        await self.close()
        self._note(error, what, **fields)

    def works(self, what: str) -> None:
        """Note that a call of that name works, where one of its kind failed before."""
        if trouble := self._troubles.get(what):
            trouble.over(session=self._name, call=what)

    async def close(self) -> None:
        """Close the connection, waiting for nobody; the next call opens another."""
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.connection.close()

    async def _send(
        self,
        calls: Sequence[Call[Any]],
        *,
        durable: bool = True,
        within: float | None = None,
        lock_wait: float | None = None,
    ) -> list[Any]:
        self.was_sent = False
        opened = await self._connected()
        self.was_sent = True
        limit = self.deadline if within is None else within
        # A direct session keeps the limit of the last call.
        wanted = limit * _SERVERS_SHARE
        known = opened.is_direct and wanted == self._limit
        answers = await self._in_time(
            limit if within is None else limit + 2.0,
            send_together(
                opened.connection,
                calls,
                self._schema,
                durable=durable,
                statement_ms=None if known else milliseconds(wanted),
                lock_ms=None if lock_wait is None else milliseconds(lock_wait),
                is_ours=opened.is_direct,
            ),
        )
        self._limit = wanted
        self._asked_at = self._failing_since = None
        if self._outage.since is not None:
            self._outage.over(session=self._name)
        self._pauses.reset()
        return answers

    def _note(self, error: BaseException, what: str, **fields: Any) -> None:
        """Log, and report, that a call failed; raises like `recover`."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if is_lost(error):
            self._outage.failed(error, session=self._name, **fields)
        else:
            # It answered, though not as it should.
            self._asked_at = None
            level = logging.WARNING if verdict_of(error) is Verdict.RETRY else logging.ERROR
            trouble = self._troubles.setdefault(
                what, Trouble("call.failed", "call.works_again", what, self._report)
            )
            trouble.failed(error, level, session=self._name, call=what, **fields)
        limit = self._longest_outage
        if limit is not None and now - self._failing_since > limit:
            raise DatabaseAway(
                f"the database has not answered as it should for {now - self._failing_since:.0f} s",
                "Start the worker again when it is back.",
            ) from error

    async def _connected(self) -> Opened:
        """Return the connection; open it if it is closed. After this, the database is asked."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        if self._opened is None or self._opened.connection.closed:
            name = f"pgq {self._name}"
            self._limit = self.deadline * _SERVERS_SHARE
            self._opened = await self._in_time(None, open_connection(self._dsn, name, self._limit))
        return self._opened

    async def _in_time(self, seconds: float | None, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            limit = OPENING if seconds is None else seconds
            raise NoAnswer(f"no answer within {limit:g} s, connection dropped") from error
