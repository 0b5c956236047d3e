"""Lengths of time as people write them: on the command line, in variables, in files."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

# If a worker is silent for so many seconds, it is given up. `make twins` writes the number here; to
# change it, change register_worker.sql.
DEFAULT_LEASE: Final = 30.0
# How many heartbeats a worker sends in a lease, and how people are told of it.
HEARTBEATS_IN_A_LEASE: Final = 6
DEFAULT_HEARTBEAT: Final = "a sixth of the lease"

_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Read `30s`, `1h30m`, `250ms` or a plain number of seconds; return None for anything else."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
            return timedelta(seconds=float(text))
        if text and not _PART.sub("", text):
            parts = _PART.findall(text)
            return timedelta(seconds=sum(float(amount) * _UNITS[unit] for amount, unit in parts))
    except OverflowError:
        pass
    return None


def format_duration(length: timedelta) -> str:
    """Write a length of time, to the millisecond, as `parse_duration` reads it."""
    left = round(length.total_seconds() * 1000)
    parts: list[str] = []
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
