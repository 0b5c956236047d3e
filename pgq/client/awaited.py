"""What is waited for: the calls that ask for it, and what is known of it. No I/O."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Any, Final, Generic, TypeVar, overload

import psycopg
from psycopg import sql

from pgq.calls import batches as flow_calls
from pgq.calls.call import Call
from pgq.calls.jobs import check_task
from pgq.errors import InvalidArgument, WaitTimeout
from pgq.lib.backoff import Backoff
from pgq.lib.checks import as_ids, check_integer, shown
from pgq.rows import BatchProgress, JobResult
from pgq.schema.names import Names
from pgq.tasks import AnyTask, AsyncTaskOf, TaskOf

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Seconds = timedelta | float | None

_FINAL: Final = frozenset({"succeeded", "failed", "cancelled", "expired", None})
# How soon (seconds) to ask again, at first and at most.
_SHORTEST: Final = 0.05
_LONGEST: Final = 1.0
# For how long (seconds) the database remembers who wants to be told, at most.
_DAY: Final = 86400.0


@overload
def wait(
    ids: Iterable[int] | int, timeout: Seconds = None, *, task: AsyncTaskOf[T]
) -> Awaited[list[JobResult[T | None]]]: ...


@overload
def wait(
    ids: Iterable[int] | int, timeout: Seconds = None, *, task: TaskOf[T]
) -> Awaited[list[JobResult[T | None]]]: ...


@overload
def wait(
    ids: Iterable[int] | int, timeout: Seconds = None, *, task: None = None
) -> Awaited[list[JobResult[Any]]]: ...


def wait(
    ids: Iterable[int] | int, timeout: Seconds = None, *, task: AnyTask | None = None
) -> Awaited[list[JobResult[Any]]]:
    """Wait until all of these jobs have ended; return how, in the order of the ids.

    An unknown or pruned job counts as ended, with the state None: enqueue and commit first. One
    that had succeeded before this call does too, where successes are not kept. Without a timeout
    (seconds) it waits for ever. When the timeout is over, WaitTimeout names the jobs that
    have not ended. A client made from a DSN opens a connection to receive notifications; any other
    client polls. The task, if given, only tells a type checker what the results are, as in
    `result`.
    """
    check_task(task)
    return _Jobs(ids, timeout)


def wait_batch(batch_id: int, timeout: Seconds = None) -> Awaited[BatchProgress]:
    """Wait until a batch has finished, which takes a close_batch; return its numbers.

    Raises WaitTimeout like `wait`, and InvalidArgument for an unknown batch.
    """
    return _Batch(batch_id, timeout)


def listen(schema: str) -> sql.Composed:
    """Return the statement that has a connection told of ends."""
    return sql.SQL("listen {}").format(sql.Identifier(Names(schema).ended_channel))


class Awaited(Generic[T_co]):
    """What is waited for: the calls that ask for it, what is known of it, and for how long."""

    def __init__(self, timeout: Seconds) -> None:
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        given: Any = seconds
        if not (given is None or isinstance(given, int | float)) or isinstance(given, bool):
            raise InvalidArgument(
                f"timeout is {shown(given)}, no duration", "Pass seconds, or None to wait for ever."
            )
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

    def memory(self) -> float:
        """Return for how long the database is to remember that somebody waits."""
        return min(max(self.left(), 0.0), _DAY)

    def pause(self) -> float:
        """Return how long to wait until the next look; raises WaitTimeout when time is over."""
        left = self.left()
        if left <= 0:
            raise self.too_late()
        return min(self._pauses.next(), left)

    def too_late(self) -> WaitTimeout:
        """Return the error that says what has not ended."""
        raise NotImplementedError

    def registration(self) -> Call[Any]:
        """Return the call that has the database tell of the end."""
        raise NotImplementedError

    def look(self) -> Call[Any]:
        """Return the call that asks for all that is missing."""
        raise NotImplementedError

    def look_at(self, notices: Iterable[psycopg.Notify]) -> Call[Any] | None:
        """Return the call that asks for what notifications name; the channel is everybody's."""
        raise NotImplementedError

    def note(self, answer: Any) -> None:
        """Note the answer to a look."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Say whether there is nothing left to wait for."""
        raise NotImplementedError

    def answer(self) -> T_co:
        """Return what is answered when it is over."""
        raise NotImplementedError


class _Jobs(Awaited[list[JobResult]]):
    """Jobs that are waited for, and what is known of them."""

    def __init__(self, ids: Iterable[int] | int, timeout: Seconds) -> None:
        super().__init__(timeout)
        self._ids = as_ids(ids)
        self._ended: dict[int, JobResult] = {}
        self._missing = dict.fromkeys(self._ids)

    def registration(self) -> Call[int]:
        return flow_calls.await_jobs(list(self._missing), self.memory())

    def look(self) -> Call[list[JobResult]]:
        return flow_calls.results(list(self._missing))

    def look_at(self, notices: Iterable[psycopg.Notify]) -> Call[list[JobResult]] | None:
        named = (int(each.payload) for each in notices if each.payload.isdecimal())
        ended = [job_id for job_id in named if job_id in self._missing]
        return flow_calls.results(ended) if ended else None

    def note(self, answer: Iterable[JobResult]) -> None:
        for result in answer:
            if result.state in _FINAL:
                self._ended[result.job_id] = result
                self._missing.pop(result.job_id, None)

    def is_over(self) -> bool:
        return not self._missing

    def answer(self) -> list[JobResult]:
        """Return the results in the order asked for."""
        return [self._ended[job_id] for job_id in self._ids]

    def too_late(self) -> WaitTimeout:
        """Return the error that names those that have not ended."""
        missing = list(self._missing)
        return WaitTimeout(
            f"{len(missing)} of {len({*self._ids})} jobs have not ended in {self.timeout} s",
            "Is a worker running that knows their tasks? `pgq job ID` shows what a job waits for.",
            f"not ended: {', '.join(map(str, islice(missing, 10)))}",
            missing,
        )


class _Batch(Awaited[BatchProgress]):
    """A batch that is waited for."""

    def __init__(self, batch_id: int, timeout: Seconds) -> None:
        super().__init__(timeout)
        self._id = check_integer(batch_id, "batch_id")
        self._last: BatchProgress | None = None

    def registration(self) -> Call[bool]:
        return flow_calls.await_batch(self._id, self.memory())

    def look(self) -> Call[BatchProgress | None]:
        return flow_calls.batch_progress(self._id)

    def look_at(self, notices: Iterable[psycopg.Notify]) -> Call[BatchProgress | None] | None:
        is_named = any(each.payload == f"batch {self._id}" for each in notices)
        return self.look() if is_named else None

    def note(self, answer: BatchProgress | None) -> None:
        """Note the progress; raises InvalidArgument where there is no such batch."""
        if answer is None:
            raise InvalidArgument(
                f"batch {self._id} does not exist", "Pass an id that create_batch returned."
            )
        self._last = answer

    def is_over(self) -> bool:
        return self._last is not None and self._last.finished_at is not None

    def answer(self) -> BatchProgress:
        """Return the numbers of the finished batch."""
        assert self._last is not None
        return self._last

    def too_late(self) -> WaitTimeout:
        """Return the error that says what is left of the batch."""
        last = self._last
        live = last.waiting + last.running if last else 0
        return WaitTimeout(
            f"batch {self._id} has not finished in {self.timeout} s",
            "A batch finishes when it is closed and its last job has ended: close_batch.",
            f"{live} of its jobs live",
        )
