"""Requests as werkzeug sees them, without a server."""

from __future__ import annotations

import base64
from typing import Any

from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request


def request(
    peer: str | None = "127.0.0.1",
    host: str | None = "localhost:8080",
    method: str = "GET",
    protocol: str = "HTTP/1.1",
    form: dict[str, Any] | None = None,
    **headers: str,
) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = EnvironBuilder(method=method, headers=named, data=form).get_environ()
    environ["SERVER_PROTOCOL"] = protocol
    environ.pop("HTTP_HOST", None)
    if host is not None:
        environ["HTTP_HOST"] = host
    environ.pop("REMOTE_ADDR", None)
    if peer is not None:
        environ["REMOTE_ADDR"] = peer
    return Request(environ)


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
