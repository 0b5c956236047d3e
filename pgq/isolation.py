"""Handlers that run in a process of their own, which can be killed.

    @pgq.task(isolation="process", memory="512MB", cpu_time=60, timeout=120)
    def convert(path: str) -> None: ...

A thread cannot be stopped: a handler that hangs in C code, or that uses up all memory, harms the
other jobs of its worker. A process can be killed, and its end is only this job's failure.
"""

from __future__ import annotations

import math
import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from pgq.errors import InvalidArgument
from pgq.lib.durations import parse_duration
from pgq.retries import RetryRule
from pgq.values import Duration

Isolation = Literal["process"]

_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_LEAST_MEMORY: Final = 2**20
_LONGEST_TIME: Final = 86400.0 * 365


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use: bytes of memory beyond what its process had before, seconds of processor
    time. None: no limit.
    """

    memory: int | None = None
    cpu_time: float | None = None


def limits(
    task: str,
    handler: Callable[..., Any],
    isolation: Isolation | None,
    memory: str | int | None,
    cpu_time: Duration | None,
    retry_rule: RetryRule,
) -> Limits | None:
    """Return the limits of a task's runs; None: they run in the worker's own process.

    InvalidArgument for what can never work: another process must find the handler by its module
    and its name, and it can only be limited there.
    """
    if isolation is None:
        if memory is not None or cpu_time is not None:
            raise InvalidArgument(
                f"task {task!r}: memory and cpu_time limit a process",
                'Add isolation="process".',
            )
        return None
    if isolation != "process":
        raise InvalidArgument(f"task {task!r}: isolation is {isolation!r}", 'Pass "process".')
    name = getattr(handler, "__qualname__", "")
    if "<" in name or not name or not getattr(handler, "__module__", None):
        raise InvalidArgument(
            f"task {task!r}: another process cannot find {handler!r}",
            "Define the handler with def, at the top of a module or as a static method.",
        )
    try:
        pickle.dumps(retry_rule)
    except Exception as error:
        raise InvalidArgument(
            f"task {task!r}: another process cannot find its retry_on or no_retry_on: {error}",
            "Define these classes at the top of a module.",
        ) from error
    return Limits(_bytes(task, memory), _seconds(task, cpu_time))


def _bytes(task: str, given: str | int | None) -> int | None:
    if given is None:
        return None
    if not sys.platform.startswith("linux"):
        raise InvalidArgument(
            f"task {task!r}: memory can be limited on Linux only", "Limit it by a container."
        )
    found: float = 0
    if isinstance(given, str):
        if read := re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?) ?([KMG]i?B)", given, re.IGNORECASE):
            found = float(read[1]) * _UNITS[read[2].upper()]
    elif type(given) is int:
        found = given
    if not _LEAST_MEMORY <= found < 2**62:
        raise InvalidArgument(
            f"task {task!r}: memory is {given!r}",
            'Pass a number of bytes, or a text such as "512MB", at least 1 MiB.',
        )
    return int(found)


def _seconds(task: str, given: Duration | None) -> float | None:
    if given is None:
        return None
    length: timedelta | None = None
    if isinstance(given, str):
        length = parse_duration(given)
    elif isinstance(given, timedelta):
        length = given
    elif type(given) in (int, float) and abs(given) < _LONGEST_TIME:
        length = timedelta(seconds=given)
    seconds = math.nan if length is None else length.total_seconds()
    if not 1 <= seconds <= _LONGEST_TIME:
        raise InvalidArgument(
            f"task {task!r}: cpu_time is {given!r}",
            'Pass seconds, a timedelta or a text such as "90s", at least one second.',
        )
    return seconds
