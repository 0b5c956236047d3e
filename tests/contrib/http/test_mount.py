"""The same pages by WSGI and ASGI, mounted by somebody else's framework."""

from __future__ import annotations

import asyncio
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from pgq.contrib.http.messages import Request, Response
from pgq.contrib.http.mount import as_asgi, as_wsgi


def echo(request: Request) -> Response:
    said = f"{request.method} {request.path} {request.headers.get('x-word')} {request.peer}"
    return Response.text(200, said, X_Extra="yes")


def by_wsgi(
    method: str = "GET", path: str = "/a", **environ: str
) -> tuple[str, dict[str, str], bytes]:
    given: dict[str, Any] = {
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        **environ,
    }
    setup_testing_defaults(given)
    told: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        told[:] = [status, dict(headers)]
        return lambda _: None

    answer = validator(as_wsgi(echo))(given, start)
    body = b"".join(answer)
    answer.close()  # type: ignore[attr-defined]
    return told[0], told[1], body


def test_wsgi() -> None:
    status, headers, body = by_wsgi(REMOTE_ADDR="192.0.2.7", HTTP_X_WORD="w", SCRIPT_NAME="/pgq")
    assert (status, body) == ("200 OK", b"GET /a w 192.0.2.7\n")
    assert headers["Content-Length"] == f"{len(body)}"
    assert headers["X-Extra"] == "yes"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_wsgi_head_and_root() -> None:
    status, headers, body = by_wsgi("HEAD", "")
    assert (status, body) == ("200 OK", b"")
    assert headers["Content-Length"] == f"{len(b'HEAD / None None') + 1}"


def by_asgi(app: Any, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask as a server does."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.7", 1),
    }
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    asyncio.run(app(scope, receive, send))
    start, body = told
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, body["body"]


@pytest.mark.parametrize("prefix", ["", "/pgq"])
def test_asgi_under_a_prefix(prefix: str) -> None:
    app: Any = as_asgi(echo)
    if prefix:
        app = Starlette(routes=[Mount(prefix, app)])
    status, headers, body = by_asgi(app, "GET", f"{prefix}/a", **{"X-Word": "w"})
    assert (status, body) == (200, b"GET /a w 192.0.2.7\n")
    assert headers["cache-control"] == "no-store"
    assert headers["content-length"] == f"{len(body)}"
    status, headers, body = by_asgi(app, "HEAD", f"{prefix}/a")
    assert (status, body) == (200, b"")


def test_asgi_lives_as_long_as_the_server() -> None:
    told: list[str] = []

    async def live() -> None:
        events = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, str]:
            return {"type": next(events)}

        async def send(message: dict[str, str]) -> None:
            told.append(message["type"])

        await as_asgi(echo)({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_asgi_takes_no_sockets() -> None:
    async def nothing(*_: Any) -> None: ...

    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(as_asgi(echo)({"type": "websocket"}, nothing, nothing))
