"""Read keys from a terminal as they are pressed, and leave it as it was."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

_NAMED: Final = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1bOC": "right",
    "\x1bOD": "left",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1b[Z": "back tab",
    "\t": "tab",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b": "escape",
}


def decoded(typed: str) -> Iterator[str]:
    """Yield the keys that stand for what a terminal sent; unknown sequences are left out."""
    while typed:
        known = max((each for each in _NAMED if typed.startswith(each)), key=len, default=None)
        if known == "\x1b" and typed[1:2] in ("[", "O"):
            # Not ours: it ends with a letter or ~.
            end = next((n for n, c in enumerate(typed[2:], 3) if "@" <= c <= "~"), len(typed))
            typed = typed[end:]
            continue
        if known is not None:
            yield _NAMED[known]
            typed = typed[len(known) :]
        else:
            if typed[0].isprintable():
                yield typed[0]
            typed = typed[1:]


class Keyboard:
    """A terminal whose keys come one by one, without being echoed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def pressed(self, seconds: float) -> list[str]:
        """Return the keys that are pressed within this time, as soon as there are any."""
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        if not ready:
            return []
        typed = os.read(self._descriptor, 1024)
        if not typed:
            raise EOFError
        return list(decoded(typed.decode(errors="ignore")))


@contextmanager
def keyboard(descriptor: int) -> Generator[Keyboard, None, None]:
    """Take a terminal's keys one by one while the block runs; Ctrl-C still interrupts."""
    before: list[Any] = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield Keyboard(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
