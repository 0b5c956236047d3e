"""What dj-queue's functions are given: ids of any shape, whole numbers, arguments that are JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from pgq.contrib.dj_queue.exceptions import DjQueueError, EnqueueError
from pgq.lib.checks import shown

_LARGEST: Final = 2**63 - 1


def known_id(given: Any) -> int | None:
    """Return the database's id; None for what is none, such as a UUID of a former queue."""
    if isinstance(given, str) and given.isascii() and given.isdecimal():
        given = int(given) if len(given) < 20 else 0
    is_id = isinstance(given, int) and not isinstance(given, bool) and 0 < given <= _LARGEST
    return cast("int", given) if is_id else None


def id_or_unknown(given: Any) -> int:
    """Return the database's id; DjQueueError, as for an unknown one, for what is none."""
    found = known_id(given)
    if found is None:
        raise unknown(given)
    return found


def unknown(given: Any) -> DjQueueError:
    """Return the error for a job that is not there."""
    return DjQueueError(f"there is no job {given}", "It may have been discarded or pruned.")


def check_whole(given: Any, name: str, least: int, most: int) -> int:
    """Return a whole number; EnqueueError for others, True and 1.0 among them."""
    if type(given) is not int or not least <= given <= most:
        raise EnqueueError(f"{name} is {shown(given)}", f"Pass an int from {least} to {most}.")
    return given


def check_priority(given: Any) -> int:
    """Return a priority of dj-queue's: higher runs first."""
    return check_whole(given, "priority", -100, 100)


def check_batch(given: Any) -> int:
    """Return how many rows a call may change."""
    return check_whole(given, "batch_size", 0, 2**31 - 1)


def check_arguments(*given: Any) -> None:
    """Raise EnqueueError where JSON would make other keys of these: text of 1, say.

    What is no JSON at all is refused when it is written. Tuples arrive as lists, as in dj-queue.
    """
    left = [*given]
    seen: set[int] = set()
    while left:
        value = left.pop()
        if not isinstance(value, Mapping | list | tuple) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise EnqueueError(
                        f"{shown(key)} is no text, and a key: payload must be JSON round-trippable",
                        "Pass dicts with string keys.",
                    )
            left += value.values()
        else:
            left += cast("Sequence[Any]", value)
