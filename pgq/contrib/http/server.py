"""Pages of ours served alone by waitress, in threads of this process: for a port of a worker's."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Any, Final, Self

from pgq.contrib.http.mount import Wsgi
from pgq.errors import InvalidArgument
from pgq.lib.forks import not_for_children
from pgq.logs import hush

# How long (seconds) a connection may say nothing, and how often that is looked at; how many may be
# open, and how many are answered at a time.
_PATIENCE: Final = 10
_LOOKS: Final = 2
_MOST: Final = 50
_THREADS: Final = 12
# How long the end may take.
_END: Final = 5.0


class Serving:
    """A port that is listened on as long as the context lasts."""

    def __init__(
        self, wsgi: Wsgi, host: str, port: int, *, most: int = _MOST, threads: int = _THREADS
    ) -> None:
        """Listen; InvalidArgument where that cannot be done. port 0: any free one.

        What a proxy says of who asks is passed on as it is: the application must not believe it.
        """
        from waitress.server import create_server

        self._socket = _listening(host, port, most)
        # A handler's child that lives longer would keep the port.
        not_for_children(self._socket)
        # That a page waits for a thread is no news.
        hush("waitress.queue")
        self._open: dict[int, Any] = {}
        self._server: Any = create_server(
            wsgi,
            map=self._open,
            sockets=[self._socket],
            threads=threads,
            connection_limit=most,
            channel_timeout=_PATIENCE,
            cleanup_interval=_LOOKS,
            clear_untrusted_proxy_headers=False,
            ident=None,
        )
        self._thread = threading.Thread(target=self._server.run, name="pgq http", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.trigger.pull_trigger(self._close)
        self._thread.join(_END)
        self._server.task_dispatcher.set_thread_count(0)

    def _close(self) -> None:
        """Close all connections, in the thread that has them; then it has nothing to wait for."""
        for connection in [*self._open.values()]:
            # A page that is still being made pulls it when it is done: its number must stay.
            if connection is not self._server.trigger:
                connection.close()
        self._open.clear()


def _listening(host: str, port: int, most: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=most)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgument(
            f"cannot listen on {host}:{port}: {reason}", "Name another port or address."
        ) from error
