"""A way to the server that cuts, delays, falls silent, and swallows the answers of commits."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Final

from tests.faults.proxy import Proxy

# The first byte of a message of the server: what it says at the end of a statement.
_DONE: Final = b"C"
_COMMITTED: Final = b"COMMIT\x00"


class BadProxy(Proxy):
    """A proxy that does harm as long as one of its attributes says so.

    delay_s: how long each answer is held back. cuts: what was open before it grew is cut. swallows:
    so many answers to COMMIT get lost, each with its connection: the server has committed, and the
    client cannot know.
    """

    def __init__(self, dsn: str) -> None:
        self.delay_s = 0.0
        self.cuts = 0
        self.swallows = 0
        self.swallowed = 0
        super().__init__(dsn)

    def _serve(self, client: socket.socket) -> None:
        seen = self.cuts
        with client, contextlib.suppress(OSError), self._connect() as server:
            other = {client: server, server: client}
            while not self._ended.is_set() and seen == self.cuts:
                for ready in select.select(list(other), [], [], 0.05)[0]:
                    if self.silent.is_set():
                        self._ended.wait(0.05)
                        continue
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is server:
                        if self.delay_s:
                            time.sleep(self.delay_s)
                        if self.swallows > 0 and _DONE in data and _COMMITTED in data:
                            self.swallows -= 1
                            self.swallowed += 1
                            return
                    other[ready].sendall(data)
