"""Calling a job's handler, and what its return or its error means for the job."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from pgq._outcome import Failed, Outcome, of_error, of_value, type_of
from pgq._session import first_line
from pgq.context import Context, Holder
from pgq.errors import JobLost
from pgq.job import ClaimedJob
from pgq.logs import log_job
from pgq.middleware import Chain, in_this_context
from pgq.tasks import AnyTask, call_arguments

T = TypeVar("T")


class Executor(Protocol):
    """Runs functions that do not raise somewhere else than in the event loop's thread."""

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function and return what it does."""
        ...


class Held:
    """A claim that this worker holds. Its slot is busy until the handler has really ended."""

    __slots__ = (
        "_context", "_holder", "began", "in_thread", "job", "late_since", "reason", "run", "task",
        "timer"
    )  # fmt: skip

    def __init__(self, job: ClaimedJob, task: AnyTask | None, holder: Holder) -> None:
        self.job = job
        self.task = task
        self._holder = holder
        self._context: Context | None = None
        self.began = time.monotonic()
        self.late_since: float | None = None
        self.reason = ""
        self.in_thread = False
        self.run: asyncio.Task[Outcome | None] | None = None
        self.timer: asyncio.TimerHandle | None = None

    @property
    def context(self) -> Context:
        """The context, made when it is first asked for: most handlers want none."""
        if self._context is None:
            self._context = Context(self.job, self._holder)
        return self._context

    @property
    def is_completed(self) -> bool:
        """Whether the handler has completed the job itself."""
        return self._context is not None and self._context.completed


if sys.version_info >= (3, 12):

    def start_task(run: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task at once: one that waits for nothing never goes through the event loop."""
        return asyncio.Task(run, loop=asyncio.get_running_loop(), eager_start=True)

else:

    def start_task(run: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task when the event loop has its turn."""
        return asyncio.create_task(run)


async def run_async(
    held: Held, task: AnyTask, chain: Chain | None = None, threads: Executor | None = None
) -> Outcome | None:
    """Run a handler in this event loop; None: there is nothing to settle. Raises nothing.

    With `threads` the chain alone runs here, and the handler, which is not async, in a thread.
    """
    try:
        if chain is None:
            return _outcome(held, await _start(held, task))
        if threads is None:
            start: Callable[[], Any] = partial(_start, held, task)
        else:
            start = partial(_start_in_thread, held, task, chain, threads)
        return _outcome(held, await chain.run(held.context, start))
    except asyncio.CancelledError as error:
        if held.reason == "cancel":
            return Failed("cancelled on request", "JobCancelled")
        return _failure(held, error)
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the worker)
        return _failure(held, error)


def run_blocking(held: Held, task: AnyTask, chain: Chain | None = None) -> Outcome | None:
    """Run a handler in this thread; None: there is nothing to settle. Raises nothing."""
    try:
        if chain is None:
            return _outcome(held, _start(held, task))
        return _outcome(held, chain.run_blocking(held.context, partial(_start, held, task)))
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the thread)
        return _failure(held, error)


async def _start_in_thread(held: Held, task: AnyTask, chain: Chain, threads: Executor) -> Any:
    """Call the handler in a thread that sees the context variables of here."""
    held.in_thread = True
    try:
        value, error = await threads.run(in_this_context(partial(_try, held, task, chain)))
    finally:
        held.in_thread = False
    if error is not None:
        raise error
    return value


def _try(held: Held, task: AnyTask, chain: Chain) -> tuple[Any, BaseException | None]:
    try:
        return chain.run_blocking(held.context, partial(_start, held, task)), None
    except BaseException as error:  # noqa: BLE001 (raised again in the event loop)
        return None, error


def _start(held: Held, task: AnyTask) -> Any:
    """Call the handler; raises _Misfit when its arguments do not fit."""
    args, kwargs = call_arguments(held.job.args)
    try:
        if task.wants_context:
            return task.handler(held.context, *args, **kwargs)
        return task.handler(*args, **kwargs)
    except TypeError:
        _check_fit(task, args, kwargs)
        raise


def _check_fit(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        task.check(args, kwargs)
    except TypeError as misfit:
        raise _Misfit(f"the args do not fit {task.name!r}: {misfit}") from None


class _Misfit(Exception):
    """The args of the job do not fit the handler, today or at any later attempt."""


def _outcome(held: Held, value: Any) -> Outcome | None:
    return None if held.is_completed else of_value(value)


def _failure(held: Held, error: BaseException) -> Outcome | None:
    if isinstance(error, _Misfit):
        return Failed(str(error), "ArgsMismatch", final=True)
    if held.is_completed:
        _log_late(held, error)
        return None
    if isinstance(error, JobLost):
        return None
    outcome = of_error(error)
    if isinstance(outcome, Failed) and held.task and held.task.retry_rule.gives_up_on(type(error)):
        return replace(outcome, final=True)
    return outcome


def _log_late(held: Held, error: BaseException) -> None:
    log_job(
        logging.WARNING,
        "job.raised_after_its_end",
        held.job,
        error_type=type_of(error),
        error=first_line(error),
    )
