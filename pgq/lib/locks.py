"""Two locks: a file with the process id, and a name that only one process of a host can hold.

The kernel releases both when the process dies, in whatever way. No child inherits them, not even
one that `fork` has made.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pgq.errors import InvalidArgument
from pgq.lib.forks import closed_in_children

fcntl = importlib.import_module("fcntl") if os.name == "posix" else None

# Anybody may put a link into the folder for temporary files. So links are not followed.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Taken(Exception):
    """Another process holds it."""


def check_name(name: str) -> None:
    """Raise InvalidArgument for a name that name_lock does not take."""
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{name!r} is no name for a lock",
            "Use up to 100 letters, digits, dots, dashes and underscores.",
        )


@contextmanager
def name_lock(name: str) -> Generator[Path, None, None]:
    """Hold a name on this host; raise Taken if another process holds it.

    It is a lock on a file in the folder for temporary files (TMPDIR). So processes with different
    folders do not see each other. Raises InvalidArgument for a name that no file can have.
    """
    check_name(name)
    path = Path(tempfile.gettempdir()) / f"pgq-{name}.lock"
    file = _open(path)
    try:
        if not _try_lock(file):
            raise Taken(f"another process on this host holds the lock {name} ({path})")
        with closed_in_children(file):
            yield path
    finally:
        os.close(file)


@contextmanager
def pidfile(path: Path) -> Generator[None, None, None]:
    """Write the process id to a file, and remove it at the end.

    Raises Taken if the file names a live process, OSError if it cannot be written.
    """
    file = os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o644)
    try:
        pid = _read_pid(file)
        if not _try_lock(file) or (pid != os.getpid() and _is_alive(pid)):
            raise Taken(f"{path} names the process {pid}, which is running")
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        try:
            with closed_in_children(file):
                yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
    finally:
        os.close(file)


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:
        # Another user's file: everybody who may read it can lock it.
        return os.open(path, _FLAGS | os.O_RDONLY)


def _try_lock(file: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_pid(file: int) -> int | None:
    text = os.pread(file, 32, 0).strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _is_alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
