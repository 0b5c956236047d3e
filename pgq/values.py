"""Turn Python values into texts that a SQL function takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from json import JSONEncoder
from typing import Any, Final, cast

from pgq.errors import InvalidArgument, InvalidJob
from pgq.lib.checks import check_length, check_text, shown

Duration = timedelta | float | str
"""A timedelta, a number of seconds, or an interval in Postgres' words, such as "5 minutes"."""

Backoff = str | Duration | Mapping[str, Any] | Sequence[Any]
"""A kind ("constant", "linear", "exponential"), one delay, a list of delays, or all options."""

_FARTHEST: Final = timedelta(days=366_000)
_MICROSECOND: Final = timedelta(microseconds=1)
# Made once: json.dumps makes one at every call that has options. It sorts keys, so that it fails
# where 1 stands beside "1": JSON writes both alike, and one would be lost.
_encode: Final = JSONEncoder(
    allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True
).encode
# An escaped NUL, but not an escaped backslash that "u0000" happens to follow.
_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Undecodable(str):
    """What is in the database and cannot be read here, as text; `reason` says why.

    Numbers too long, JSON nested too deep, or times beyond the year 9999, from before they were
    refused, stand like this where a value is expected. A worker fails such a job.
    """

    reason: str

    def __new__(cls, text: str, reason: str) -> Undecodable:
        """Keep the text, and why it cannot be read."""
        made = super().__new__(cls, text)
        made.reason = reason
        return made

    def __reduce__(self) -> tuple[type[Undecodable], tuple[str, str]]:
        return type(self), (str(self), self.reason)


class JsonText(str):
    """Text that is JSON already and passes `json_text` as it is."""

    __slots__ = ()


def json_text(value: Any, what: str = "args") -> JsonText:
    """Return a value as JSON that jsonb can store; InvalidJob says what is wrong with it.

    NaN, infinities, the character NUL, lone surrogates, cycles, keys of several kinds in one dict,
    and values that Python's json module does not know are wrong.
    """
    if isinstance(value, JsonText):
        return value
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        hint = "Replace such characters, for instance with text.encode(errors='replace')."
        raise InvalidJob(f"{what}: half of a surrogate pair is not text", hint) from error
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        hint = "Pass dicts with string keys, lists, strings, finite numbers, booleans and None."
        # Only keys are compared.
        mixed = isinstance(error, TypeError) and str(error).startswith("'<' not supported")
        said = "a dict's keys are not all strings" if mixed else str(error)
        raise InvalidJob(f"{what}: not JSON: {said}", hint) from error
    if "\\u0000" in text and _NUL.search(text):
        raise InvalidJob(f"{what}: the character NUL cannot be stored", "Remove or encode it.")
    return JsonText(text)


def check_object(given: Any, what: str) -> Any:
    """Return what becomes a JSON object, or is JSON already; InvalidArgument for anything else."""
    if not isinstance(given, Mapping | JsonText):
        raise InvalidArgument(f"{what} is {shown(given)}, no mapping", "Pass a dict.")
    return cast("Any", given)


def interval_text(value: Duration, what: str = "duration") -> str:
    """Return a duration in Postgres' words, exact: a day is 24 hours, whatever the clocks do.

    What is beyond all bounds is sent as a thousand years, for the server to refuse.
    """
    value = check_length(value, what)
    if isinstance(value, str):
        return value
    if not isinstance(value, timedelta):
        if math.isnan(value):
            raise InvalidArgument(f"{what} is not a number")
        farthest = _FARTHEST.total_seconds()
        value = timedelta(seconds=max(-farthest, min(value, farthest)))
    return f"{max(-_FARTHEST, min(value, _FARTHEST)) // _MICROSECOND} microseconds"


def backoff_text(value: Backoff, what: str = "backoff") -> str:
    """Return a backoff as the server reads it: a kind, an interval, or JSON."""
    if isinstance(value, str):
        return check_text(value, what)
    if isinstance(value, timedelta | float | int):
        return interval_text(value, what)
    if isinstance(value, Mapping):
        return json_text({key: _delay(part) for key, part in value.items()}, what)
    given: Any = value
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray):
        hint = 'Pass a kind such as "exponential", a delay, or a list of delays.'
        raise InvalidArgument(f"{what} is {shown(given)}, no backoff", hint)
    return json_text([_delay(part) for part in value], what)


def _delay(part: Any) -> Any:
    if isinstance(part, timedelta):
        return interval_text(part)
    if isinstance(part, list | tuple):
        return [_delay(delay) for delay in cast("Iterable[Any]", part)]
    return part


def moment_text(value: datetime, what: str) -> str:
    """Return a point in time; InvalidJob for one without a time zone, which could mean anything."""
    given: Any = value
    if not isinstance(given, datetime):
        hint = "Pass a datetime with a time zone, such as datetime.now(timezone.utc)."
        raise InvalidJob(f"{what} is {shown(given)}, no datetime", hint)
    if value.tzinfo is None:
        hint = "Pass one with a time zone, such as datetime.now(timezone.utc)."
        raise InvalidJob(f"{what} has no time zone", hint)
    return value.isoformat()
