"""The starter's side of the guard: orders to it, answers from it, its end."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time

from pgq.embedded import guard
from pgq.embedded.binaries import ServerError
from pgq.embedded.folder import Folder, server_environment


class GuardProcess:
    """A running guard. `pid` is the last that it said of its server; None while there is none."""

    def __init__(self, folder: Folder, command: list[str], lock: int) -> None:
        self.pid: int | None = None
        self._folder = folder
        self._heard = b""
        with folder.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", guard.__file__),
                    *(str(path) for path in folder.removable),
                    *("--", *command),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder.path,
                env=server_environment(),
                # The guard holds the folder's lock for as long as the server may run.
                pass_fds=[lock],
                # The starter handles Ctrl-C: its last statements still need the server.
                start_new_session=True,
            )
        assert self._process.stdin and self._process.stdout
        self._orders = self._process.stdin
        self._answers = self._process.stdout

    def start(self) -> None:
        """Order a server and wait for its pid; ServerError if the guard is gone."""
        self._order(guard.START)
        while self.pid is None:
            if not self.listen(guard.STOP_SECONDS):
                raise ServerError(f"no server was started:\n{self._folder.log_tail()}")

    def end(self, order: bytes) -> None:
        """Order the server's end, `guard.FAST` or `guard.IMMEDIATE`, and wait for it.

        It does nothing if there is no server. Raises ServerError if it has not ended after 30 s.
        """
        self.listen(0)
        if self.pid is None:
            return
        self._order(order)
        # The next thing that it says can only be that the server has ended.
        if not self.listen(guard.STOP_SECONDS):
            raise ServerError(f"the server in {self._folder.path} does not stop")

    def listen(self, seconds: float) -> bool:
        """Read what the guard says within that time; False if it says nothing or is gone."""
        if self._answers.closed:
            return False
        ready, _, _ = select.select([self._answers], [], [], max(0.0, seconds))
        heard = os.read(self._answers.fileno(), 4096) if ready else b""
        *lines, self._heard = (self._heard + heard).split(b"\n")
        for line in lines:
            word, number = line.split()
            self.pid = int(number) if word == b"started" else None
        return bool(heard)

    def close(self) -> None:
        """End the guard, and the server with it; a second call does nothing."""
        if self._orders.closed:
            return
        self.listen(0)
        self._orders.close()
        # It ends by itself, because in the end it sends SIGKILL.
        if self._process.wait() != 0:
            self._end_orphan()
        self._answers.close()
        self.pid = None

    def _order(self, order: bytes) -> None:
        try:
            os.write(self._orders.fileno(), order)
        except (BrokenPipeError, ValueError) as error:
            raise ServerError("this server was stopped, or its guard process killed") from error

    def _end_orphan(self) -> None:
        """Do what the guard would have done, because somebody killed it."""
        orphan = self.pid
        if orphan and self._folder.pid_lines()[:1] == [str(orphan)]:
            os.kill(orphan, signal.SIGINT)
            deadline = time.monotonic() + guard.STOP_SECONDS
            while self._folder.pid_lines() and time.monotonic() < deadline:
                time.sleep(0.02)
        for path in self._folder.removable:
            shutil.rmtree(path, ignore_errors=True)
