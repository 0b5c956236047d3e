"""A WSGI application of ours as an ASGI one, mounted by somebody else's framework."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.wrappers import Request, Response

from pgq.contrib.http.mount import as_asgi


@Request.application
def echo(request: Request) -> Response:
    told = (request.method, request.root_path, request.path, request.headers.get("X-Word"))
    return Response(f"{told} {request.remote_addr}", headers={"X-Extra": "yes"})


def ask(
    app: Any, method: str, path: str, root_path: str = "", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask as a server does."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "root_path": root_path,
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
    start, *parts = told
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], named, b"".join(part["body"] for part in parts)


@pytest.mark.parametrize("prefix", ["", "/pgq"])
def test_under_a_prefix(prefix: str) -> None:
    app: Any = as_asgi(echo)
    if prefix:
        app = Starlette(routes=[Mount(prefix, app)])
    status, headers, body = ask(app, "GET", f"{prefix}/a", **{"x-word": "w"})
    assert (status, body) == (200, f"('GET', '{prefix}', '/a', 'w') 192.0.2.7".encode())
    assert (headers["x-extra"], headers["content-length"]) == ("yes", f"{len(body)}")
    status, headers, body = ask(app, "HEAD", f"{prefix}/a")
    assert (status, body) == (200, b"")


@pytest.mark.parametrize(
    ("path", "below"), [("/pgq/a", "/a"), ("/a", "/a"), ("/pgqx", "/pgqx"), ("/pgq/", "/")]
)
def test_the_whole_path_or_what_is_below_the_prefix(path: str, below: str) -> None:
    *_, body = ask(as_asgi(echo), "GET", path, "/pgq")
    assert body.startswith(f"('GET', '/pgq', '{below}', None)".encode())


def test_a_header_that_would_pass_for_another_is_left_out() -> None:
    *_, body = ask(as_asgi(echo), "GET", "/a", x_word="forged")
    assert b"None" in body


def test_it_lives_as_long_as_the_server() -> None:
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
