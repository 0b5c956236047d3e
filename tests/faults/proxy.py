"""Ways to a server that fall silent, and databases that let nobody in."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_FIRST_PORT = 21_000


class Proxy:
    """Passes bytes between a port of this machine and a server, unless it is `silent`."""

    def __init__(self, dsn: str) -> None:
        self.silent = threading.Event()
        self._parameters = conninfo_to_dict(dsn)
        self._listening = _listen()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def dsn(self) -> str:
        host, port = self._listening.getsockname()[:2]
        return make_conninfo(**{**self._parameters, "host": host, "port": port})

    def close(self) -> None:
        self._ended.set()
        self.silent.clear()
        for thread in list(self._threads):
            thread.join(10)
        self._listening.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listening], [], [], 0.05)[0]:
                thread = threading.Thread(target=self._serve, args=[self._listening.accept()[0]])
                thread.daemon = True
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, self._connect() as server, contextlib.suppress(OSError):
            other = {client: server, server: client}
            while not self._ended.is_set():
                for ready in select.select(list(other), [], [], 0.05)[0]:
                    if self.silent.is_set():
                        self._ended.wait(0.05)
                        continue
                    data = ready.recv(65536)
                    if not data:
                        return
                    other[ready].sendall(data)

    def _connect(self) -> socket.socket:
        host, port = f"{self._parameters['host']}", int(self._parameters.get("port", 5432) or 5432)
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, port))


def _listen() -> socket.socket:
    for port in range(_FIRST_PORT, _FIRST_PORT + 2000):
        listening = socket.socket()
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            continue
        listening.listen(50)
        return listening
    raise OSError("no port is free")


@contextmanager
def proxy(dsn: str) -> Generator[Proxy, None, None]:
    """Run one until the end of the block."""
    made = Proxy(dsn)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def away(conn: psycopg.Connection, dsn: str) -> Generator[None, None, None]:
    """Let nobody into a database, and send its workers away; `conn` is on another one."""
    name = conninfo_to_dict(dsn)["dbname"]
    conn.execute(f"alter database {name} allow_connections false".encode())
    try:
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = %s and application_name like 'pgq %%'",
            [name],
        )
        yield
    finally:
        conn.execute(f"alter database {name} allow_connections true".encode())
