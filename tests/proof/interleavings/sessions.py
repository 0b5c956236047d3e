"""Sessions whose calls may have to wait for one another, driven from one place, step by step."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import psycopg
from psycopg import errors

from tests.proof.interleavings.calls import Call
from tests.proof.interleavings.ledger import Answered

# A call that neither ends nor waits for a lock in this time is stuck.
PATIENCE_S: Final = 30.0


class Session:
    """One session: its open transaction, what this has done, and the call that it waits for."""

    def __init__(self, name: str, conn: psycopg.AsyncConnection, watcher: Any) -> None:
        self.name = name
        self.conn = conn
        self.watcher = watcher
        self.done: list[Answered] = []
        self.error: psycopg.Error | None = None
        self.has_waited = False
        self._call: Call | None = None
        self._paused = frozenset[str]()
        self.task: asyncio.Task[list[Any]] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether its call has not ended."""
        return self.task is not None

    async def send(self, call: Call, paused: frozenset[str]) -> str:
        """Send a call; return when it has ended or waits for a lock, and say which."""
        self._call, self._paused = call, paused
        self.task = asyncio.create_task(self._run(call))
        return await self.watch()

    async def watch(self) -> str:
        """Wait until the call has ended, or waits for a lock."""
        assert self.task and self._call
        deadline = time.monotonic() + PATIENCE_S
        while not (await asyncio.wait({self.task}, timeout=0.01))[0]:
            if await self._is_blocked():
                self.has_waited = True
                return "waits"
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._call} neither ends nor waits")
        return self._take()

    async def end(self, *, commits: bool) -> None:
        """End the transaction."""
        await (self.conn.commit() if commits else self.conn.rollback())

    def reset(self) -> None:
        """Forget the transaction, which has ended."""
        self.done, self.error, self.has_waited = [], None, False

    def _take(self) -> str:
        assert self.task and self._call
        task, self.task = self.task, None
        try:
            rows = task.result()
        except psycopg.Error as error:
            self.error = error
            return f"{error.sqlstate} {str(error).splitlines()[0]}"
        self.done.append(Answered(self._call, rows, self._paused))
        return str(rows)[:300]

    async def _run(self, call: Call) -> list[Any]:
        return await (await self.conn.execute(call.query.encode(), call.values)).fetchall()

    async def _is_blocked(self) -> bool:
        pid = self.conn.info.backend_pid
        query = "select exists (select from pg_locks where pid = %s and not granted)"
        found = await (await self.watcher.execute(query, (pid,))).fetchone()
        return bool(found[0])


async def first_ended(sessions: list[Session]) -> tuple[Session, str]:
    """Wait until the call of one of these ends, which all wait; return it and what was said."""
    tasks = {session.task: session for session in sessions if session.task}
    done, _ = await asyncio.wait(tasks, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        raise TimeoutError("all sessions wait, and none goes on")
    session = min((tasks[task] for task in done), key=lambda one: one.name)
    return session, await session.watch()


def is_bad(error: psycopg.Error, *, is_long: bool, is_strict: bool) -> bool:
    """Tell whether a call must not fail with this.

    is_long: transactions of several calls, which may deadlock. is_strict: snapshots that may be
    too old.
    """
    if isinstance(error, errors.DeadlockDetected):
        return not is_long
    if isinstance(error, errors.SerializationFailure):
        return not is_strict
    return not (error.sqlstate or "").startswith("JQ")
