"""The guard: a process that runs Postgres and ends it when the process that started it is gone.

Run as a script, by path, so that it loads nothing but the standard library:

    guard.py FOLDER... -- POSTGRES ARGUMENT...

Orders come on standard input, a byte each (`START`, `FAST`, `IMMEDIATE`). Answers go to standard
output, a line each (`started PID`, `exited CODE`). When the input ends, the guard ends the server,
removes the folders and exits. The input ends when the starter dies, in whatever way. SIGTERM,
SIGINT and SIGHUP do the same.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from types import FrameType

START = b"s"
FAST = b"f"
IMMEDIATE = b"i"

STDIN, STDOUT, STDERR = 0, 1, 2
ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
STOPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
STOP_SECONDS = sum(seconds for _, seconds in STOPS)


class Guard:
    """One server command that can be started and stopped many times, one process at a time."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._server: subprocess.Popen[bytes] | None = None

    def obey(self, order: bytes) -> None:
        """Do one order. A stop without a server is ignored, and so is a second start."""
        if order == START and self._server is None:
            self._server = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=STDERR, stderr=STDERR
            )
            _answer(f"started {self._server.pid}")
        elif self._server and order in (FAST, IMMEDIATE):
            self._server.send_signal(signal.SIGINT if order == FAST else signal.SIGQUIT)

    def reap(self) -> None:
        """Report the server's end, once."""
        if self._server and self._server.poll() is not None:
            _answer(f"exited {self._server.returncode}")
            self._server = None

    def stop(self) -> None:
        """End the server: first politely, then without its shutdown checkpoint, then by force."""
        for order, seconds in STOPS:
            if self._server is None:
                return
            self._server.send_signal(order)
            try:
                self._server.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            self._server = None


def watch(guard: Guard) -> None:
    """Pass orders to the guard until the input or a signal ends them."""
    signals = _signal_pipe()
    while True:
        ready, _, _ = select.select([STDIN, signals], [], [])
        arrived = os.read(signals, 256) if signals in ready else b""
        guard.reap()
        if ENDING & set(arrived):
            return
        if STDIN in ready:
            order = os.read(STDIN, 1)
            if not order:
                return
            guard.obey(order)


def _signal_pipe() -> int:
    """Return a descriptor from which the numbers of arriving signals can be read."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, _wake)
    return read_end


def _wake(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the signal's number in the pipe counts, and only with a handler is it there."""


def _answer(line: str) -> None:
    # If the starter is gone, nobody listens, and the input will end next.
    with contextlib.suppress(BrokenPipeError):
        os.write(STDOUT, f"{line}\n".encode())


def main(arguments: list[str]) -> None:
    """Guard one server until its starter is gone, then remove the folders."""
    split = arguments.index("--")
    guard = Guard(arguments[split + 1 :])
    try:
        watch(guard)
    finally:
        guard.stop()
        for folder in arguments[:split]:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
