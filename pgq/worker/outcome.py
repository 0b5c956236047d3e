"""How a run of a job ended: from what its handler returned or raised to what is settled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pgq.errors import Cancel, ContinueAfter, Fail, InvalidArgument, InvalidJob, Retry, Snooze
from pgq.flows import jobs_text, listed
from pgq.lib.report import MESSAGE, TRACEBACK, TYPE, cut, text_of, traceback_of, type_of
from pgq.rows import ClaimedJob
from pgq.values import JsonText, Undecodable, json_text

_LONGEST_RESULT: Final = 64 << 20
_LONGEST_DELAY: Final = timedelta(days=36_500)
# The columns of a claim that are decoded here.
_UNREADABLE: Final = ("args", "headers", "timeout")


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned; `result` is None when it returned None."""

    result: JsonText | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; the schema says whether it is retried, unless `final` or `cancel`.

    Its texts are cut to what is stored.
    """

    message: str
    error_type: str
    traceback: str | None = None
    final: bool = False
    retry_in: timedelta | None = None
    cancel: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", cut(self.message, MESSAGE))
        object.__setattr__(self, "error_type", cut(self.error_type, TYPE))
        if self.traceback is not None:
            object.__setattr__(self, "traceback", self.traceback[-TRACEBACK:])


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler wants to run later."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Continued:
    """The handler wants to run again when these jobs, as JSON, have ended."""

    jobs: JsonText
    on_parent_failure: str | None


@dataclass(frozen=True, slots=True)
class Released:
    """The handler was never started, or was interrupted by no fault of its own."""


RunOutcome = Succeeded | Failed | Snoozed | Continued | Released


def of_unreadable(job: ClaimedJob) -> Failed | None:
    """Return the outcome of a job that cannot be read, so nobody can run it; None: it can be."""
    for part in _UNREADABLE:
        found = getattr(job, part)
        if isinstance(found, Undecodable):
            said = f"the {part} cannot be read: {found.reason}"
            return Failed(said, "UndecodableJob", final=True)
    return None


def of_value(value: Any) -> Succeeded | Failed:
    """Return the outcome of a handler that returned; a value that is not JSON fails the job."""
    if value is None:
        return Succeeded(None)
    try:
        text = json_text(value, "result")
    except InvalidJob as error:
        return Failed(f"{error.message}. {error.hint}", "InvalidResult")
    if len(text) > _LONGEST_RESULT:
        return Failed(f"the result has {len(text)} characters as JSON", "InvalidResult")
    return Succeeded(text)


def of_error(
    error: BaseException, outer: BaseException | None = None
) -> Failed | Snoozed | Continued:
    """Return the outcome of a handler that raised, whatever it raised. Raises nothing.

    outer: what was being handled when the handler was called.
    """
    raised: Any = error
    kind = type(error)  # isinstance would ask the error itself
    retry_in = None
    try:
        if issubclass(kind, Snooze):
            return Snoozed(_delay(raised.delay))
        if issubclass(kind, ContinueAfter):
            jobs = JsonText(jobs_text(listed(raised.jobs)))
            return Continued(jobs, raised.on_parent_failure)
        if issubclass(kind, Retry) and raised.in_ is not None:
            retry_in = _delay(raised.in_)
    except (InvalidJob, InvalidArgument) as wrong:
        return Failed(text_of(wrong), "InvalidJob", traceback_of(error, outer))
    except BaseException as wrong:  # noqa: BLE001 (a class of the user's, which may do anything)
        return Failed(text_of(wrong), "InvalidDelay", traceback_of(error, outer))
    return Failed(
        text_of(error),
        type_of(error),
        traceback_of(error, outer),
        final=issubclass(kind, Fail),
        retry_in=retry_in,
        cancel=issubclass(kind, Cancel),
    )


def _delay(given: timedelta | float) -> timedelta:
    seconds = given.total_seconds() if isinstance(given, timedelta) else float(given)
    if math.isnan(seconds) or not 0 <= seconds <= _LONGEST_DELAY.total_seconds():
        raise ValueError(f"the delay {given!r} is negative, infinite or over a hundred years")
    return timedelta(seconds=seconds)
