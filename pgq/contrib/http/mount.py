"""A WSGI application of ours as an ASGI one; its pages run in threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from a2wsgi import WSGIMiddleware

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Scope = MutableMapping[str, Any]
Channel = Callable[..., Awaitable[Any]]
Asgi = Callable[[Scope, Channel, Channel], Awaitable[None]]

_THREADS: Final = 8


def as_asgi(wsgi: Wsgi) -> Asgi:
    """Return an application to mount under any prefix, which as many as eight ask at a time."""
    given: Any = wsgi
    inner: Any = WSGIMiddleware(given, workers=_THREADS)

    async def application(scope: Scope, receive: Channel, send: Channel) -> None:
        if scope["type"] == "http":
            prefix: str = scope.get("root_path") or ""
            path: str = scope.get("path") or "/"
            # A mounted application gets the whole path, or what is below the prefix: by the
            # framework. a2wsgi takes /pgqx for a path below /pgq.
            if prefix and not path.startswith(f"{prefix}/") and path != prefix:
                path = f"{prefix}{path}"
            # In WSGI a header X_User is one with X-User, which a proxy vouches for.
            headers = [each for each in scope["headers"] if b"_" not in each[0]]
            scope = {**scope, "path": path, "headers": headers}
        await inner(scope, receive, send)

    return application
