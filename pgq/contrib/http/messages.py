"""What a page is asked, and what it answers, whichever server is in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request without a body. path: below where the pages are mounted, with a leading slash.

    headers: by their names in small letters. peer: the address that the connection comes from, as
    the server knows it; None where it is a Unix socket or not known.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    peer: str | None = None


@dataclass(frozen=True)
class Response:
    """An answer; `headers` besides the length."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def text(status: int, text: str, **headers: str) -> Response:
        """Return an answer of one line of text; header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(status, "text/plain; charset=utf-8", f"{text}\n".encode(), named)

    def lines(self) -> list[tuple[str, str]]:
        """Return all headers. Nothing of ours is for a cache, nor to be taken for another type."""
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", f"{len(self.body)}"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *self.headers.items(),
        ]


Handle = Callable[[Request], Response]
"""What a page is: it may block, and is called from any thread."""

Environ = dict[str, Any]
Scope = dict[str, Any]
