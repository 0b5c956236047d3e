"""The same pages as a WSGI and as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

from pgq.contrib.http.messages import Environ, Handle, Request, Scope

Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Channel = Callable[..., Awaitable[Any]]
Asgi = Callable[[Scope, Channel, Channel], Awaitable[None]]


def as_wsgi(handle: Handle) -> Wsgi:
    """Return the pages as a WSGI application, to mount under any prefix."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        request = Request(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO") or "/",
            headers,
            environ.get("REMOTE_ADDR"),
        )
        response = handle(request)
        phrase = HTTPStatus(response.status).phrase
        start_response(f"{response.status} {phrase}", response.lines())
        return [b"" if request.method == "HEAD" else response.body]

    return application


def as_asgi(handle: Handle) -> Asgi:
    """Return the pages as an ASGI application, to mount under any prefix; they run in threads."""

    async def application(
        scope: Scope,
        receive: Channel,
        send: Channel,
    ) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"no page for {scope['type']!r}")
        request = _request(scope)
        response = await asyncio.to_thread(handle, request)
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [
                    (name.lower().encode(), value.encode()) for name, value in response.lines()
                ],
            }
        )
        body = b"" if request.method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    return application


def _request(scope: Scope) -> Request:
    # A mounted application gets the whole path, or what is below the prefix, by the framework.
    path: str = scope.get("path") or "/"
    prefix: str = scope.get("root_path") or ""
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        path = path[len(prefix) :] or "/"
    client = scope.get("client")
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in scope.get("headers", ())
    }
    return Request(scope["method"], path, headers, client[0] if client else None)


async def _live(receive: Channel, send: Channel) -> None:
    """Say yes to a server that tells of its start and its end."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
