"""A worker beside another program, which may fork, but in which we must not start threads.

    python -m pgq.processes.guard guard PARENT NAME PROGRAM ARGUMENT...

runs `pgq worker ARGUMENT...` for as long as the process PARENT lives, and starts it anew when it
dies; with the PROGRAM "django" it runs `python -m django pgq worker ARGUMENT...`. With a NAME (or
"") only one guard of the host does, the others stand by. SIGTERM stops the worker in order and then
the guard, a second one at once. The guard always exits with 0: gunicorn takes other codes of its
children for a reason to give up.

    python -m pgq.processes.guard worker PARENT PROGRAM ARGUMENT...

is that worker: it also gets SIGTERM when the guard is gone.
"""

from __future__ import annotations

import logging
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from types import FrameType
from typing import Final

from pgq.lib.backoff import Backoff
from pgq.lib.locks import Taken, name_lock
from pgq.logs import log_event

_LOOK_EVERY: Final = 1.0
# How soon (seconds) a worker that died is followed by another, at first and at most.
_SHORTEST: Final = 1.0
_LONGEST: Final = 60.0
# The command line was wrong: it will be so again.
_WRONG_CALL: Final = 2
# What starts a worker, by the program.
_WORDS: Final = {"pgq": ("worker",), "django": ("pgq", "worker")}


class Guard:
    """Keeps one worker process running while its parent lives."""

    def __init__(self, parent: int, name: str, arguments: list[str]) -> None:
        self._parent = parent
        self._name = name
        self._arguments = arguments
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Stop the worker: in order at the first call, at once at the second."""
        self._stopping.set()
        if self._child is not None:
            self._child.terminate()

    def run(self) -> None:
        """Run until the parent is gone or `stop`."""
        with ExitStack() as held:
            while self._goes_on() and not self._take(held):
                self._stopping.wait(_LOOK_EVERY)
            pauses = Backoff(_SHORTEST, _LONGEST)
            while self._goes_on():
                began = time.monotonic()
                code = self._run_one()
                if not self._goes_on() or code in (0, _WRONG_CALL):
                    return
                if time.monotonic() - began > _LONGEST:
                    pauses.reset()
                pause = pauses.next()
                log_event(logging.ERROR, "worker.died", exit_code=code, next_in=round(pause, 1))
                self._stopping.wait(pause)

    def _goes_on(self) -> bool:
        return not self._stopping.is_set() and os.getppid() == self._parent

    def _take(self, held: ExitStack) -> bool:
        if self._name:
            try:
                held.enter_context(name_lock(self._name))
            except Taken:
                return False
        return True

    def _run_one(self) -> int:
        """Run a worker process; return its exit code, negative for a signal."""
        command = [sys.executable, "-m", "pgq.processes.guard", "worker", f"{os.getpid()}"]
        self._child = subprocess.Popen([*command, *self._arguments], stdin=subprocess.DEVNULL)
        if self._stopping.is_set():
            self._child.terminate()
        while True:
            try:
                return self._child.wait(_LOOK_EVERY)
            except subprocess.TimeoutExpired:
                if not self._stopping.is_set() and os.getppid() != self._parent:
                    self.stop()


def _follow(parent: int) -> None:
    """Send this process SIGTERM when its parent is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Be a guard, or its worker."""
    role, parent = sys.argv[1], int(sys.argv[2])
    if role == "guard":
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
        guard = Guard(parent, sys.argv[3], sys.argv[4:])
        signal.signal(signal.SIGTERM, guard.stop)
        guard.run()
    else:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()
        program = sys.argv[3]
        sys.argv[1:] = [*_WORDS[program], *sys.argv[4:]]
        runpy.run_module(program, run_name="__main__")


if __name__ == "__main__":
    main()
