"""Handlers that get many jobs of their task in one call.

    @pgq.task(batch_size=100, batch_wait=0.5)
    async def index(ids: list[int]) -> None: ...

    client.enqueue(index.job(7))

A worker keeps the jobs that it claims until there are `batch_size`, or until `batch_wait` is over,
and then calls the handler with a chunk of them. Each of them still is a job of its own.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pgq.errors import InvalidArgument
from pgq.isolation import Isolation
from pgq.lib.durations import parse_duration
from pgq.values import Duration

_LARGEST: Final = 1000
_LONGEST_WAIT: Final = 3600.0
_USUAL_WAIT: Final = 1.0

Ends = Sequence[Any] | Awaitable[Sequence[Any] | None] | None
"""What a handler returns: how each of its jobs ended, in their order; None: all succeeded."""

ITEM: Final = inspect.Signature(
    [inspect.Parameter("item", inspect.Parameter.POSITIONAL_ONLY)],
)
"""What the args of one job must fit, and what its keys are made of."""


@dataclass(frozen=True, slots=True)
class Chunking:
    """How many jobs a call takes at most, and how long (seconds) the first one waits for them."""

    size: int
    wait: float


def chunking(
    task: str,
    handler: Callable[..., Any],
    batch_size: int | None,
    batch_wait: Duration | None,
    wants_context: bool,
    isolation: Isolation | None,
) -> Chunking | None:
    """Return how jobs are put together; None: one by one. InvalidArgument for what cannot be."""
    if batch_size is None:
        if batch_wait is not None:
            raise InvalidArgument(
                f"task {task!r}: batch_wait is how long jobs wait for others", "Add batch_size."
            )
        return None
    if type(batch_size) is not int or not 1 <= batch_size <= _LARGEST:
        raise InvalidArgument(
            f"task {task!r}: batch_size is {batch_size!r}", f"Pass a number from 1 to {_LARGEST}."
        )
    if isolation is not None:
        raise InvalidArgument(
            f"task {task!r}: a process runs one job, and batch_size is for many",
            "Leave out one of the two.",
        )
    given = (None,) * (2 if wants_context else 1)
    try:
        inspect.signature(handler).bind(*given)
    except TypeError:
        needed = "the contexts and the items" if wants_context else "the items"
        raise InvalidArgument(
            f"task {task!r}: with batch_size {handler!r} gets just {needed} of its jobs",
            "Give it one argument for a list of what each job carries.",
        ) from None
    except ValueError:
        pass  # Python knows no signature of it
    return Chunking(batch_size, _wait(task, batch_wait))


def item_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a job carries: its one argument, or a dict of all that have names.

    TypeError for any other args.
    """
    if len(args) == 1 and not kwargs:
        return args[0]
    if args or not kwargs:
        raise TypeError(
            "its handler gets one item of each job, so args must be a list of one, or an object"
        )
    return kwargs


def _wait(task: str, given: Duration | None) -> float:
    length: Any = _USUAL_WAIT if given is None else given
    if isinstance(length, str):
        length = parse_duration(length)
    if isinstance(length, timedelta):
        length = length.total_seconds()
    if type(length) not in (int, float) or not 0 <= length <= _LONGEST_WAIT:
        raise InvalidArgument(
            f"task {task!r}: batch_wait is {given!r}",
            'Pass seconds, a timedelta or a text such as "500ms", at most an hour.',
        )
    return float(length)
