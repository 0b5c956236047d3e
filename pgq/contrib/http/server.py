"""Pages of ours served alone, by threads of this process: for a port of a worker's, say."""

from __future__ import annotations

import logging
import socket
import threading
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Final, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from pgq.contrib.http.messages import Handle
from pgq.contrib.http.mount import as_wsgi
from pgq.errors import InvalidArgument
from pgq.lib.forks import not_for_children
from pgq.logs import log_event

# How long (seconds) a connection may say nothing, and how many may be open.
_PATIENCE: Final = 10.0
_MOST: Final = 50


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # The end waits for no scrape.
    block_on_close = False
    request_queue_size = _MOST

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._room = threading.BoundedSemaphore(_MOST)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # Not that of WSGIServer, which asks the name service for the host's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), port
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log_event(logging.DEBUG, "http.connection_failed", peer=client_address[0])


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's word)
        """Say nothing: a scrape every few seconds is no news."""


class Serving:
    """A port that is listened on as long as the context lasts."""

    def __init__(self, handle: Handle, host: str, port: int) -> None:
        """Listen; InvalidArgument where that cannot be done. port 0: any free one."""
        try:
            self._server = _Server((host, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InvalidArgument(
                f"cannot listen on {host}:{port}: {reason}", "Name another port or address."
            ) from error
        # A handler's child that lives longer would keep the port.
        not_for_children(self._server.socket)
        self._server.set_app(as_wsgi(handle))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="pgq http", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
