"""A network between workers and a server, which can be away."""

from __future__ import annotations

import selectors
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Network:
    """Forwards what comes to a socket of its own. Use as a context manager.

    While it is away nothing gets through and nobody is told; what was open then is cut when it
    comes back, or at `cut`.
    """

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._name = f".s.PGSQL.{given['port']}"
        self._server = f"{given['host']}/{self._name}"
        self._folder = tempfile.TemporaryDirectory(prefix="pgq-", dir="/tmp")
        self.dsn = make_conninfo(dsn, host=self._folder.name)
        self._listener = socket.socket(socket.AF_UNIX)
        self._door = Path(self._folder.name) / self._name
        self._listener.bind(str(self._door))
        self._listener.listen(100)
        self._peers: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._is_there = threading.Event()
        self._is_there.set()
        self._to_cut, self._is_cut = threading.Event(), threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._forward, daemon=True)

    def go_away(self) -> None:
        self._is_there.clear()

    def come_back(self) -> None:
        self._is_there.set()

    def cut(self) -> None:
        """Tell both ends of all that is open that it is gone; while it is away."""
        self._is_cut.clear()
        self._to_cut.set()
        self._is_cut.wait()

    def break_off(self) -> None:
        """Cut what is open; who connects then gets through."""
        self.go_away()
        self.cut()
        self.come_back()

    def close_door(self) -> None:
        """Cut what is open, and refuse who connects, until `open_door`."""
        self._door.rename(self._door.with_suffix(".closed"))
        self.break_off()

    def open_door(self) -> None:
        self._door.with_suffix(".closed").rename(self._door)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended = True
        self._is_there.set()
        self._thread.join()
        self._cut_all()
        self._selector.close()
        self._listener.close()
        self._folder.cleanup()

    def _forward(self) -> None:
        while not self._ended:
            if not self._is_there.is_set():
                while not self._is_there.wait(0.02):
                    if self._to_cut.is_set():
                        self._to_cut.clear()
                        self._cut_all()
                        self._is_cut.set()
                self._cut_all()
            for key, _ in self._selector.select(0.05):
                if self._is_there.is_set():
                    self._serve(key.fileobj)

    def _serve(self, ready: object) -> None:
        if ready is self._listener:
            self._connect(self._listener.accept()[0])
            return
        assert isinstance(ready, socket.socket)
        if ready not in self._peers:  # cut meanwhile
            return
        try:
            data = ready.recv(65536)
            if data:
                self._peers[ready].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._cut(ready)

    def _connect(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            server.close()
            client.close()
            return
        self._peers |= {client: server, server: client}
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _cut(self, end: socket.socket) -> None:
        for one in (end, self._peers[end]):
            self._selector.unregister(one)
            del self._peers[one]
            one.close()

    def _cut_all(self) -> None:
        while self._peers:
            self._cut(next(iter(self._peers)))
