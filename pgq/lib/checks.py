"""Arguments of a wrong type are refused here, before anything is sent.

Otherwise a driver would send bytes as `\\x71`, and the server would round 1.5 to 2, or only say
that there is no such function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from operator import index
from typing import Any, Final

from pgq.errors import InvalidArgument

_FOREVER: Final = 100 * 366 * 86_400
_MOST: Final = 2**63
_LONGEST: Final = 60


def check_integer(given: Any, what: str) -> int:
    """Return an integer of 64 bits; InvalidArgument for anything else, also for True."""
    try:
        number = index(given)
    except TypeError:
        number = None
    if number is None or isinstance(given, bool):
        raise InvalidArgument(f"{what} is {shown(given)}, no integer", "Pass an int.")
    if not -_MOST <= number < _MOST:
        raise InvalidArgument(f"{what} is out of range: {shown(given)}", "Pass 64 bits at most.")
    return number


def check_limit(given: Any, what: str) -> int:
    """Return the highest number of rows that is wanted; InvalidArgument if it is negative."""
    limit = check_integer(given, what)
    if limit < 0:
        raise InvalidArgument(f"{what} is {limit}", "Pass 0 or more.")
    return limit


def check_word(given: Any, what: str, words: Sequence[str]) -> str:
    """Return one of a few words; InvalidArgument for any other word, because no row has it."""
    if given not in words:
        raise InvalidArgument(f"{what} is {shown(given)}", f"Pass one of {', '.join(words)}.")
    return str(given)


def check_text(given: Any, what: str) -> str:
    """Return a str that the server can store; InvalidArgument for anything else."""
    if not isinstance(given, str):
        hint = "Pass a str; decode bytes first."
        raise InvalidArgument(f"{what} is {shown(given)}, no str", hint)
    if "\0" in given:
        raise InvalidArgument(f"{what} holds the character NUL", "Remove or encode it.")
    if not given.isascii():
        try:
            given.encode()
        except UnicodeEncodeError as error:
            hint = "Replace such characters, for instance with text.encode(errors='replace')."
            raise InvalidArgument(f"{what} holds half of a surrogate pair", hint) from error
    return given


def check_truth(given: Any, what: str) -> bool:
    """Return True or False; InvalidArgument for anything else."""
    if not isinstance(given, bool):
        raise InvalidArgument(f"{what} is {shown(given)}", "Pass True or False.")
    return given


def check_seconds(given: Any, what: str) -> float:
    """Return a number of seconds, 0 or more; InvalidArgument for anything else."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < _FOREVER:
        raise InvalidArgument(f"{what} is {shown(given)}", "Pass seconds, 0 or more.")
    return float(given)


def check_length(given: Any, what: str) -> timedelta | float | str:
    """Return a duration; InvalidArgument for anything else."""
    if isinstance(given, str):
        return check_text(given, what)
    if not isinstance(given, timedelta | int | float) or isinstance(given, bool):
        hint = 'Pass a timedelta, seconds, or text such as "5 minutes".'
        raise InvalidArgument(f"{what} is {shown(given)}, no duration", hint)
    return given


def as_listed(given: Any, what: str) -> list[Any]:
    """Return the items of an iterable; InvalidArgument for a text or a dict: a likely mistake."""
    if isinstance(given, str | bytes | bytearray | Mapping) or not isinstance(given, Iterable):
        raise InvalidArgument(f"{what} is {shown(given)}, no list", "Pass a list.")
    return list(given)


def as_texts(given: Any, what: str) -> list[str]:
    """Return a list of texts; InvalidArgument for anything else."""
    return [check_text(each, what) for each in as_listed(given, what)]


def as_ids(given: Any, what: str = "ids") -> list[int]:
    """Return a list of ids, also for a single id; InvalidArgument for anything else."""
    if isinstance(given, int):
        given = [given]
    return [check_integer(each, what) for each in as_listed(given, what)]


def shown(given: Any) -> str:
    """Return a value as an error shows it: cut, and without trouble if its repr fails."""
    try:
        text = repr(given)
    except Exception:  # noqa: BLE001 (any code may run in __repr__)
        text = f"a {type(given).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
