"""What a child made by `fork` must not share with its parent: connections, locks, signals.

A child has copies of the parent's sockets, of its locks as they were at that moment, and of its
signal handlers. Two processes that use one session break it for both. So in a child, the
descriptors that were named here lead nowhere. The parent's do not change, and nothing is sent to
the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Final, NoReturn, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from pgq.logs import log_error


class _HasFile(Protocol):
    def fileno(self) -> int: ...


T = TypeVar("T")
F = TypeVar("F", bound=_HasFile)

_files: Final[WeakSet[Any]] = WeakSet()
_owners: Final[WeakKeyDictionary[Any, Callable[[Any], None]]] = WeakKeyDictionary()
_undo: Final[dict[object, Callable[[], None]]] = {}
_held: Final = threading.local()
_forks = 0


def generation() -> int:
    """Return a number that differs between a parent and its child."""
    return _forks


def not_for_children(owner: F) -> F:
    """Return a connection or socket whose copy in a child will lead nowhere."""
    _files.add(owner)
    return owner


def tell_of_fork(owner: T, tell: Callable[[T], None]) -> None:
    """Call `tell` with it in each child, where no other thread is left."""
    _owners[owner] = tell


def renewed(turn: threading.RLock) -> threading.RLock:
    """Return a lock for a child: its parent's, unless a thread of the parent holds it."""
    if not turn.acquire(blocking=False):
        return threading.RLock()
    turn.release()
    return turn


def renewed_async(_turn: asyncio.Lock) -> asyncio.Lock:
    """Return a new lock for a child: a task of the parent may hold the old one."""
    return asyncio.Lock()


@contextlib.contextmanager
def undone_in_children(undo: Callable[[], None]) -> Generator[None, None, None]:
    """Within the block, call `undo` first in each child; the innermost block's comes first."""
    key = object()
    _undo[key] = undo
    try:
        yield
    finally:
        _undo.pop(key, None)


@contextlib.contextmanager
def closed_in_children(file: int) -> Generator[None, None, None]:
    """Within the block, let a descriptor lead nowhere in children."""
    with undone_in_children(lambda: lead_nowhere(file)):
        yield


@contextlib.contextmanager
def no_children_in(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """Within the block, end a child that was forked inside of a loop and comes back to it.

    The child may run a loop of its own.
    """

    def undo() -> None:
        with contextlib.suppress(ValueError):
            signal.set_wakeup_fd(-1)
        # At the next turn of the loop, if there is one in this thread.
        loop.call_soon(end_child)
        if asyncio._get_running_loop() is loop:
            asyncio._set_running_loop(None)

    with undone_in_children(undo):
        yield


def end_child(error: BaseException | None = None) -> NoReturn:
    """End a child that came back to where its parent runs jobs, with the exit code of the error."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        code = 1
    with contextlib.suppress(Exception):
        if error is not None and not isinstance(error, SystemExit):
            log_error("child.failed", error)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code & 0xFF)


def lead_nowhere(file: int) -> None:
    """Let a descriptor lead nowhere, without a word to the other side."""
    try:
        nowhere = os.open(os.devnull, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    except OSError:  # no descriptor is left, or no /dev
        os.close(file)
        return
    try:
        os.dup2(nowhere, file, inheritable=False)
    finally:
        os.close(nowhere)


def _hold_signals() -> None:
    """Hold signals back until a child is cut off: an earlier one would wake its parent."""
    if _undo and hasattr(signal, "pthread_sigmask"):
        _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _let_signals_come() -> None:
    mask = vars(_held).pop("mask", None)
    if mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _in_child() -> None:
    """Cut a child off. Each step stands alone, so that a failure does not stop the next one."""
    global _forks
    _forks += 1
    for owner in list(_files):
        with contextlib.suppress(Exception):  # closed long ago
            lead_nowhere(owner.fileno())
    _files.clear()
    for undo in reversed(list(_undo.values())):  # the outermost has the last word
        with contextlib.suppress(Exception):
            undo()
    _undo.clear()
    for owner, tell in list(_owners.items()):
        with contextlib.suppress(Exception):
            tell(owner)
    _let_signals_come()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_hold_signals, after_in_parent=_let_signals_come, after_in_child=_in_child
    )
