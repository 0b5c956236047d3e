"""What the machine and the server are, and how much processor time they have used."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import psycopg

from pgq.version import __version__

_SETTINGS: Final = (
    "server_version",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "autovacuum",
    "jit",
    "data_checksums",
)
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def describe(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return the facts that figures depend on."""
    settings = connection.execute(
        "select name, current_setting(name) from unnest(%s::text[]) as name", (list(_SETTINGS),)
    ).fetchall()
    return {
        "pgq": __version__,
        "python": platform.python_version(),
        "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_gib": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": os.getloadavg()[0],
        "server": dict(settings),
    }


def postmaster(connection: psycopg.Connection[Any]) -> int | None:
    """Return the server's process id; None if it runs elsewhere, or hides its processes."""
    row = connection.execute("select pg_backend_pid()").fetchone()
    pid = row[0] if row else 0
    try:
        if not Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
            return None
        return int(_stat(pid)[1])
    except (OSError, IndexError):
        return None


def server_seconds(pid: int | None) -> float:
    """Return the processor time of the server with all its processes so far; 0 if unknown."""
    if pid is None:
        return 0.0
    living = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _fields(int(entry.name))
            if fields and int(fields[1]) == pid:
                living += _spent(fields)
    fields = _fields(pid)
    reaped = (int(fields[13]) + int(fields[14])) / _TICKS if fields else 0.0
    return living + reaped + (_spent(fields) if fields else 0.0)


def process_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of living processes so far."""
    return sum(_spent(fields) for pid in pids if (fields := _fields(pid)))


def _spent(fields: list[str]) -> float:
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _fields(pid: int) -> list[str]:
    try:
        return _stat(pid)
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    # After the name, which may hold anything: state, parent, ..., user and system time, those of
    # ended children.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _memory() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None
    return round(size / (1 << 30), 1)
