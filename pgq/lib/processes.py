"""Which processes this one can see, and whether one of them is gone."""

from __future__ import annotations

import os
from pathlib import Path


def pid_space() -> str | None:
    """Return a name for the place in which pids name the same processes; None if it is not known.

    The name has the start of the kernel and the namespace of pids. So two places with one name are
    the same, or all processes of the older one have ended.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return None


def is_gone(pid: int) -> bool:
    """Return whether a process of this space has surely ended; its pid may be in use again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        # It was killed, and its parent has not asked yet how it ended.
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state in ("Z", "X")
