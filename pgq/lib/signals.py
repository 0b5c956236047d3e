"""Signal handlers in an event loop, for a while; then the former ones are put back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final

from pgq.lib.forks import undone_in_children

_LOOPS: Final = ("asyncio", "uvloop")


@contextlib.contextmanager
def caught(handlers: Mapping[str, Callable[[], None]]) -> Generator[None, None, None]:
    """Call handlers at signals, by name; signals that this system does not know are left out.

    At the end the program's own handlers are there again. A child made by `fork` has those from
    the start, because a signal to the child must not reach its parent's event loop.
    """
    loop = asyncio.get_running_loop()
    before = _Before(loop)
    for name, handler in handlers.items():
        number = getattr(signal, name, None)
        # Refused outside of the main thread, and on Windows.
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            if number is not None:
                before.note(number)
                loop.add_signal_handler(number, handler)
    try:
        with undone_in_children(before.put_back_in_child):
            yield
    finally:
        before.put_back()


class _Before:
    """The handlers that were there before ours."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handlers: dict[int, Any] = {}
        self._of_loop: dict[int, Any] = {}
        self._wakeup: int | None = None
        with contextlib.suppress(ValueError):  # only the main thread may ask
            self._wakeup = signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(self._wakeup)

    def note(self, number: int) -> None:
        self._handlers[number] = signal.getsignal(number)
        # Loops of asyncio show their handlers; uvloop does not.
        handle = getattr(self._loop, "_signal_handlers", {}).get(number)
        if handle is not None:
            self._of_loop[number] = handle

    def put_back(self) -> None:
        for number, handler in self._handlers.items():
            with contextlib.suppress(ValueError, RuntimeError):
                self._loop.remove_signal_handler(number)
                if number in self._of_loop:
                    handle = self._of_loop[number]
                    self._loop.add_signal_handler(number, handle._callback, *handle._args)
                elif handler is not None:  # C code has set the others, which Python cannot
                    signal.signal(number, handler)
        with contextlib.suppress(ValueError):
            if self._wakeup not in (None, -1) and not self._of_loop:
                signal.set_wakeup_fd(self._wakeup or -1)

    def put_back_in_child(self) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, _for_child(number, handler))


def _for_child(number: int, handler: Any) -> Any:
    """Return what a child does at a signal; the handler of an event loop is not for it."""
    module = getattr(getattr(handler, "func", handler), "__module__", None) or ""
    if handler is not None and module.split(".")[0] not in _LOOPS:
        return handler
    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
