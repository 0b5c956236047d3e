"""Calling a job's handler, and what its return or its error means for the job."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

from pgq._outcome import Failed, Outcome, of_error, of_value
from pgq.context import Context
from pgq.errors import JobLost
from pgq.job import ClaimedJob
from pgq.tasks import AnyTask, call_arguments

log = logging.getLogger("pgq")


class Held:
    """A claim that this worker holds. Its slot is busy until the handler has really ended."""

    __slots__ = ("began", "context", "job", "late_since", "reason", "run", "task", "timer")

    def __init__(self, job: ClaimedJob, task: AnyTask | None, context: Context) -> None:
        self.job = job
        self.task = task
        self.context = context
        self.began = time.monotonic()
        self.late_since: float | None = None
        self.reason = ""
        self.run: asyncio.Task[Outcome | None] | None = None
        self.timer: asyncio.TimerHandle | None = None


async def run_async(held: Held, task: AnyTask) -> Outcome | None:
    """Run a handler in this event loop; None: there is nothing to settle. Raises nothing."""
    try:
        return _outcome(held, await _start(held, task))
    except asyncio.CancelledError as error:
        if held.reason == "cancel":
            return Failed("cancelled on request", "JobCancelled")
        return _failure(held, error)
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the worker)
        return _failure(held, error)


def run_blocking(held: Held, task: AnyTask) -> Outcome | None:
    """Run a handler in this thread; None: there is nothing to settle. Raises nothing."""
    try:
        return _outcome(held, _start(held, task))
    except BaseException as error:  # noqa: BLE001 (it ends the job, never the thread)
        return _failure(held, error)


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
    return None if held.context.completed else of_value(value)


def _failure(held: Held, error: BaseException) -> Outcome | None:
    if isinstance(error, _Misfit):
        return Failed(str(error), "ArgsMismatch", final=True)
    if held.context.completed:
        log.warning("job raised after its end job_id=%d error=%r", held.job.job_id, error)
        return None
    if isinstance(error, JobLost):
        return None
    outcome = of_error(error)
    if isinstance(outcome, Failed) and held.task and held.task.retry_rule.gives_up_on(type(error)):
        return replace(outcome, final=True)
    return outcome
