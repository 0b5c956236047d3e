"""How a run of a job ended: from what its handler returned or raised to what is settled."""

from __future__ import annotations

import math
import traceback
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pgq._values import JsonText, Undecodable, json_text
from pgq.errors import Cancel, Fail, InvalidJob, Retry, Snooze
from pgq.job import ClaimedJob

_PACKAGE: Final = Path(__file__).parent
_LONGEST_TRACEBACK: Final = 20_000
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
    """The attempt failed; the schema says whether it is retried, unless `final` or `cancel`."""

    message: str
    error_type: str
    traceback: str | None = None
    final: bool = False
    retry_in: timedelta | None = None
    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler wants to run later."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class Released:
    """The handler was never started."""


Outcome = Succeeded | Failed | Snoozed | Released


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


def of_error(error: BaseException) -> Failed | Snoozed:
    """Return the outcome of a handler that raised, whatever it raised."""
    try:
        if isinstance(error, Snooze):
            return Snoozed(_delay(error.delay))
        retry_in = None
        if isinstance(error, Retry) and error.in_ is not None:
            retry_in = _delay(error.in_)
    except ValueError as wrong:
        return Failed(str(wrong), "InvalidDelay", _traceback_of(error))
    return Failed(
        _message_of(error),
        type_of(error),
        _traceback_of(error),
        final=isinstance(error, Fail),
        retry_in=retry_in,
        cancel=isinstance(error, Cancel),
    )


def type_of(error: BaseException) -> str:
    """Return the qualified name of an error's class, without `builtins`."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _delay(given: timedelta | float) -> timedelta:
    seconds = given.total_seconds() if isinstance(given, timedelta) else float(given)
    if math.isnan(seconds) or not 0 <= seconds <= _LONGEST_DELAY.total_seconds():
        raise ValueError(f"the delay {given!r} is negative, infinite or over a hundred years")
    return timedelta(seconds=seconds)


def _message_of(error: BaseException) -> str:
    try:
        return _storable(str(error))
    except Exception as broken:  # noqa: BLE001 (any code may run in __str__)
        return f"{type_of(error)} cannot be printed: {type_of(broken)}"


def _traceback_of(error: BaseException) -> str | None:
    try:
        lines = traceback.format_exception(type(error), error, _own_frames(error))
        text = _storable("".join(lines))
    except Exception:  # noqa: BLE001 (any code may run in __str__ and __repr__)
        return None
    # The end says where it happened.
    return text[-_LONGEST_TRACEBACK:]


def _own_frames(error: BaseException) -> TracebackType | None:
    """Return the error's frames without those of this package that called the handler."""
    frames = error.__traceback__
    while frames is not None and Path(frames.tb_frame.f_code.co_filename).parent == _PACKAGE:
        frames = frames.tb_next
    return frames


def _storable(text: str) -> str:
    """Return the text without what a text column refuses: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()
