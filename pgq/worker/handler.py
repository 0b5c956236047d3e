"""Calling a job's handler, and what its return or its error means for the job."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from pgq.context import Context, JobHolder
from pgq.errors import Decision
from pgq.lib.forks import end_child, generation
from pgq.lib.owners import guard
from pgq.lib.report import first_line, text_of, type_of
from pgq.lib.shapes import ended
from pgq.logs import log_job
from pgq.middleware import Chain
from pgq.rows import ClaimedJob
from pgq.task_args import call_arguments
from pgq.tasks import AnyTask
from pgq.values import JsonText
from pgq.worker.outcome import Failed, Released, RunOutcome, of_error, of_value

T = TypeVar("T")


class Executor(Protocol):
    """Runs functions that do not raise somewhere else than in the event loop's thread."""

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function and return what it does."""
        ...


class Elsewhere(Exception):
    """How a handler ended that ran in another process, if not with a result."""

    def __init__(self, outcome: RunOutcome) -> None:
        super().__init__(getattr(outcome, "message", ""))
        self.outcome = outcome


class Held:
    """A claim that this worker holds. Its slot is busy until the handler has really ended."""

    __slots__ = (
        "_context", "_holder", "awaiting", "began", "in_thread", "job", "late_since", "reason",
        "run", "task", "timer", "was_disturbed", "was_warned"
    )  # fmt: skip

    def __init__(self, job: ClaimedJob, task: AnyTask | None, holder: JobHolder) -> None:
        self.job = job
        self.task = task
        self._holder = holder
        self._context: Context | None = None
        self.began = time.monotonic()
        self.late_since: float | None = None
        self.reason = ""
        self.in_thread = False
        self.run: asyncio.Task[RunOutcome | None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.awaiting: asyncio.Task[Any] | None = None
        self.was_disturbed = False
        self.was_warned = False

    @property
    def context(self) -> Context:
        """The context, made when it is first asked for: most handlers want none."""
        if self._context is None:
            self._context = Context(self.job, self._holder)
        return self._context

    def use(self, context: Context) -> None:
        """Take this context instead of one of its own."""
        self._context = context

    def note_progress(self, progress: JsonText) -> None:
        """Have the progress written that the handler reported in another process."""
        self._holder.note_progress(self.job, progress)

    def await_too(self, task: asyncio.Task[Any]) -> None:
        """Note what the handler's thread waits for in the event loop, and stop it in its place."""
        self.awaiting = task
        if self.reason:
            task.cancel()

    def reached_out(self, what: str) -> None:
        """Note that this job's code has tried to end what is not its own."""
        if not self.was_warned:
            self.was_warned = True
            log_job(logging.WARNING, "job.reached_out", self.job, what=what)

    def was_reached(self) -> None:
        """Note that another job's code has tried to cancel this run: its own tasks it has."""
        self.was_disturbed = True

    @property
    def is_completed(self) -> bool:
        """Whether the handler has completed the job itself."""
        return self._context is not None and self._context.completed

    @property
    def has_begun(self) -> bool:
        """Whether its handler runs."""
        return self.run is not None

    def tell_to_stop(self, reason: str) -> None:
        """Let the handler know that it should stop."""
        self.reason = self.reason or reason
        self.context.cancel()

    def call(self, task: AnyTask) -> Any:
        """Call the handler; raises _Misfit when its arguments do not fit."""
        args, kwargs = call_arguments(self.job.args)
        try:
            if task.wants_context:
                return task.handler(self.context, *args, **kwargs)
            return task.handler(*args, **kwargs)
        except TypeError:
            _check_fit(task, args, kwargs)
            raise

    def outcome_of(self, value: Any) -> RunOutcome | None:
        """Return what the handler's return makes of the job; None: there is nothing to settle."""
        if self.is_completed:
            return None
        # Who is told to stop may return with half of the work done.
        return Released() if self.reason == "interrupt" else of_value(value)

    def outcome_of_error(
        self, error: BaseException, outer: BaseException | None
    ) -> RunOutcome | None:
        """Return what an error makes of the job. Also of a JobLost: that it is lost, the fence
        says.
        """
        kind = type(error)
        if kind is _Misfit:
            return Failed(text_of(error), "ArgsMismatch", final=True)
        if self.is_completed:
            _log_late(self, error)
            return None
        if kind is Elsewhere:
            return cast("Elsewhere", error).outcome
        if self.reason == "cancel" and issubclass(kind, asyncio.CancelledError):
            return Failed("cancelled on request", "JobCancelled")
        if self.was_disturbed and not self.reason and issubclass(kind, asyncio.CancelledError):
            return Released()
        if self.reason == "interrupt" and not issubclass(kind, Decision):
            return Released()
        outcome = of_error(error, outer)
        if isinstance(outcome, Failed) and self.task and _gives_up(self.task, kind):
            return replace(outcome, final=True)
        return outcome


if sys.version_info >= (3, 12):

    def start_task(run: Coroutine[Any, Any, T], context: contextvars.Context) -> asyncio.Task[T]:
        """Start a task at once: one that waits for nothing never goes through the event loop."""
        return guard(asyncio.get_running_loop(), run, context, eager_start=True)

else:

    def start_task(run: Coroutine[Any, Any, T], context: contextvars.Context) -> asyncio.Task[T]:
        """Start a task when the event loop has its turn."""
        return guard(asyncio.get_running_loop(), run, context)


async def run_async(
    held: Held,
    task: AnyTask,
    chain: Chain | None = None,
    threads: Executor | None = None,
    elsewhere: Callable[[Held, AnyTask], Coroutine[Any, Any, Any]] | None = None,
) -> RunOutcome | None:
    """Run a handler in this event loop; None: there is nothing to settle. Raises nothing.

    With `threads` the chain alone runs here, and the handler, which is not async, in a thread.
    With `elsewhere` it is called instead of the handler.
    """
    born, outer = generation(), sys.exception()
    try:
        if chain is None:
            value = await (elsewhere(held, task) if elsewhere else held.call(task))
            outcome = held.outcome_of(value)
        else:
            if threads is None:
                start: Callable[[], Any] = (
                    partial(elsewhere, held, task) if elsewhere else partial(held.call, task)
                )
            else:
                start = partial(_start_in_thread, held, task, chain, threads)
            outcome = held.outcome_of(await chain.run(held.context, start))
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the worker)
        if generation() != born:
            end_child(error)
        if not held.reason and issubclass(type(error), asyncio.CancelledError):
            # Who cancels all tasks of the loop has cancelled the worker too: hear of that first.
            await asyncio.sleep(0)
        return held.outcome_of_error(error, outer)
    if generation() != born:
        end_child()
    return outcome


def run_blocking(
    held: Held,
    task: AnyTask,
    chain: Chain | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> RunOutcome | None:
    """Run a handler in this thread; None: there is nothing to settle. Raises nothing.

    What it returns to await is awaited in `loop`, or in one of its own.
    """
    born, outer = generation(), sys.exception()
    try:
        outcome = held.outcome_of(_run_here(held, task, chain, loop))
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the thread)
        if generation() != born:
            end_child(error)
        return held.outcome_of_error(error, outer)
    if generation() != born:
        end_child()
    return outcome


async def _start_in_thread(held: Held, task: AnyTask, chain: Chain, threads: Executor) -> Any:
    """Call the handler in a thread that sees the context variables of here."""
    loop = asyncio.get_running_loop()
    held.in_thread = True
    try:
        value, error = await threads.run(partial(_try, held, task, chain, loop))
    finally:
        held.in_thread = False
    if error is not None:
        raise error
    return value


def _try(
    held: Held, task: AnyTask, chain: Chain, loop: asyncio.AbstractEventLoop
) -> tuple[Any, BaseException | None]:
    born = generation()
    try:
        value = _run_here(held, task, chain, loop)
    except BaseException as error:  # noqa: BLE001 (raised again in the event loop)
        if generation() != born:
            end_child(error)
        return None, error
    if generation() != born:
        end_child()
    return value, None


def _run_here(
    held: Held, task: AnyTask, chain: Chain | None, loop: asyncio.AbstractEventLoop | None
) -> Any:
    def start() -> Any:
        value = held.call(task)
        return value if value is None else ended(value, loop, held.await_too)

    return chain.run_blocking(held.context, start) if chain else start()


def _check_fit(task: AnyTask, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        task.check(args, kwargs)
    except TypeError as misfit:
        raise _Misfit(f"the args do not fit {task.name!r}: {misfit}") from None


class _Misfit(Exception):
    """The args of the job do not fit the handler, today or at any later attempt."""


def _gives_up(task: AnyTask, kind: type[BaseException]) -> bool:
    try:
        return task.retry_rule.gives_up_on(kind)
    except BaseException:  # noqa: BLE001 (classes of the user's may ask code of their own)
        return False


def _log_late(held: Held, error: BaseException) -> None:
    log_job(
        logging.WARNING,
        "job.raised_after_its_end",
        held.job,
        error_type=type_of(error),
        error=first_line(error),
    )
