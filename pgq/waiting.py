"""Waiting for the end of jobs: told by a notification where there is one, and asking anyway."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import sql

from pgq import flow_calls
from pgq._call import Call
from pgq._resources import Names
from pgq._send import send, send_async
from pgq._session import Backoff
from pgq.errors import InvalidArgument, WaitTimeout
from pgq.job import JobResult
from pgq.status import BatchProgress

Seconds = timedelta | float | None
Run = Callable[[Call[Any]], Any]
RunAsync = Callable[[Call[Any]], Coroutine[Any, Any, Any]]

_FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "expired", None})
# How soon (seconds) to ask again, at first and at most.
_SHORTEST: Final = 0.05
_LONGEST: Final = 1.0
# For how long (seconds) the database remembers who wants to be told, at most.
_DAY: Final = 86400.0


def wait(
    run: Run, dsn: str | None, schema: str, ids: Iterable[int], timeout: Seconds
) -> list[JobResult]:
    """See Client.wait; `run` sends calls, `dsn` is where a connection of its own may be opened."""
    jobs = _Jobs(ids, timeout)
    jobs.note(run(flow_calls.results(jobs.missing)))
    if jobs.missing and jobs.left() > 0 and dsn is not None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(_listen(schema))
            return _wait(jobs, lambda call: send(connection, call, schema), connection)
    return _wait(jobs, run, None)


def _wait(jobs: _Jobs, run: Run, told: psycopg.Connection[Any] | None) -> list[JobResult]:
    if told is not None:
        run(jobs.registration())
        jobs.note(run(flow_calls.results(jobs.missing)))
    while jobs.missing:
        pause_ends = time.monotonic() + jobs.pause()
        while (left := pause_ends - time.monotonic()) > 0 and jobs.missing:
            if told is None:
                time.sleep(left)
            elif ended := jobs.among(told.notifies(timeout=left, stop_after=1)):
                jobs.note(run(flow_calls.results(ended)))
        jobs.note(run(flow_calls.results(jobs.missing)))
    return jobs.answer()


async def wait_async(
    run: RunAsync,
    dsn: str | None,
    schema: str,
    ids: Iterable[int],
    timeout: Seconds,  # noqa: ASYNC109 (as in wait)
) -> list[JobResult]:
    """See AsyncClient.wait, and `wait`."""
    jobs = _Jobs(ids, timeout)
    jobs.note(await run(flow_calls.results(jobs.missing)))
    if jobs.missing and jobs.left() > 0 and dsn is not None:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            await connection.execute(_listen(schema))
            return await _wait_async(
                jobs, lambda call: send_async(connection, call, schema), connection
            )
    return await _wait_async(jobs, run, None)


async def _wait_async(
    jobs: _Jobs, run: RunAsync, told: psycopg.AsyncConnection[Any] | None
) -> list[JobResult]:
    if told is not None:
        await run(jobs.registration())
        jobs.note(await run(flow_calls.results(jobs.missing)))
    while jobs.missing:
        pause_ends = time.monotonic() + jobs.pause()
        while (left := pause_ends - time.monotonic()) > 0 and jobs.missing:
            if told is None:
                await asyncio.sleep(left)
                continue
            heard = [each async for each in told.notifies(timeout=left, stop_after=1)]
            if ended := jobs.among(heard):
                jobs.note(await run(flow_calls.results(ended)))
        jobs.note(await run(flow_calls.results(jobs.missing)))
    return jobs.answer()


def _listen(schema: str) -> sql.Composed:
    return sql.SQL("listen {}").format(sql.Identifier(Names(schema).ended_channel))


def wait_batch(run: Run, batch_id: int, timeout: Seconds) -> BatchProgress:
    """See Client.wait_batch."""
    batch = _Batch(batch_id, timeout)
    while True:
        progress = batch.known(run(flow_calls.batch_progress(batch_id)))
        if progress.finished_at is not None:
            return progress
        time.sleep(batch.pause())


async def wait_batch_async(
    run: RunAsync,
    batch_id: int,
    timeout: Seconds,  # noqa: ASYNC109 (as in wait_batch)
) -> BatchProgress:
    """See AsyncClient.wait_batch."""
    batch = _Batch(batch_id, timeout)
    while True:
        progress = batch.known(await run(flow_calls.batch_progress(batch_id)))
        if progress.finished_at is not None:
            return progress
        await asyncio.sleep(batch.pause())


class _Clock:
    """How long to wait until the next look, and whether there is one."""

    def __init__(self, timeout: Seconds) -> None:
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        if seconds is not None and not seconds >= 0:
            raise InvalidArgument(
                f"timeout is {timeout}", "Pass seconds, or None to wait for ever."
            )
        self.timeout: Final = math.inf if seconds is None else seconds
        self._until = time.monotonic() + self.timeout
        self._pauses = Backoff(_SHORTEST, _LONGEST)

    def left(self) -> float:
        """Return how many seconds are left."""
        return self._until - time.monotonic()

    def pause(self) -> float:
        """Return how long to wait until the next look; raises WaitTimeout when time is over."""
        left = self.left()
        if left <= 0:
            raise self.too_late()
        return min(self._pauses.next(), left)

    def too_late(self) -> WaitTimeout:
        """Return the error that says what has not ended."""
        raise NotImplementedError


class _Jobs(_Clock):
    """Jobs that are waited for, and what is known of them."""

    def __init__(self, ids: Iterable[int], timeout: Seconds) -> None:
        super().__init__(timeout)
        self._ids = list(ids)
        self._ended: dict[int, JobResult] = {}
        self.missing = dict.fromkeys(self._ids)

    def registration(self) -> Call[int]:
        """Return the call that has the database tell of their ends."""
        return flow_calls.await_jobs(self.missing, min(max(self.left(), 0.0), _DAY))

    def among(self, told: Iterable[psycopg.Notify]) -> list[int]:
        """Return those of our jobs that notifications name; the channel is everybody's."""
        named = (int(each.payload) for each in told if each.payload.isdecimal())
        return [job_id for job_id in named if job_id in self.missing]

    def note(self, results: Iterable[JobResult]) -> None:
        """Note which of them have ended."""
        for result in results:
            if result.state in _FINAL:
                self._ended[result.job_id] = result
                self.missing.pop(result.job_id, None)

    def answer(self) -> list[JobResult]:
        """Return the results in the order asked for."""
        return [self._ended[job_id] for job_id in self._ids]

    def too_late(self) -> WaitTimeout:
        """Return the error that names those that have not ended."""
        return WaitTimeout(
            f"{len(self.missing)} of {len({*self._ids})} jobs have not ended in {self.timeout} s",
            "Is a worker running that knows their tasks? What they wait for: pgq job ID.",
            f"not ended: {', '.join(map(str, islice(self.missing, 10)))}",
            list(self.missing),
        )


class _Batch(_Clock):
    """A batch that is waited for."""

    def __init__(self, batch_id: int, timeout: Seconds) -> None:
        super().__init__(timeout)
        self._id = batch_id
        self._last: BatchProgress | None = None

    def known(self, progress: BatchProgress | None) -> BatchProgress:
        """Return the progress; raises InvalidArgument where there is no such batch."""
        if progress is None:
            raise InvalidArgument(
                f"batch {self._id} does not exist", "Pass what create_batch answered."
            )
        self._last = progress
        return progress

    def too_late(self) -> WaitTimeout:
        """Return the error that says what is left of the batch."""
        last = self._last
        live = last.waiting + last.running if last else 0
        return WaitTimeout(
            f"batch {self._id} has not finished in {self.timeout} s",
            "A batch finishes when it is closed and its last job has ended: close_batch.",
            f"{live} of its jobs live",
        )
