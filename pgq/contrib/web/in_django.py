"""The dashboard as a URL pattern of Django's, under WSGI and ASGI alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from werkzeug.test import run_wsgi_app

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

REQUEST: Final = "django.request"
"""Where in the environ of a request Django's own request is, for `authorize`."""

# What Django's handler has in META as WSGI has it.
_TAKEN: Final = ("CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING", "REMOTE_ADDR", "REQUEST_METHOD",
                 "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL")  # fmt: skip


def urls(wsgi: Wsgi) -> list[Any]:
    """Return what `include()` takes."""
    from django.http import HttpResponse
    from django.urls import re_path

    def dashboard(request: Any, path: str) -> Any:
        """Answer one request of Django's."""
        environ = _environ(request, path)
        body, status, headers = run_wsgi_app(wsgi, environ)
        response = HttpResponse(b"".join(body), status=int(status.split()[0]))
        del response["Content-Type"]
        for name, value in headers:
            if name.lower() == "set-cookie":
                response.cookies.load(value)
            else:
                response[name] = value
        return response

    # Our forms have a token of their own, and Django's middleware would not know it.
    vars(dashboard)["csrf_exempt"] = True
    return [re_path(r"^(?P<path>(?s:.*))$", dashboard, name="pgq_dashboard")]


def _environ(request: Any, path: str) -> Environ:
    whole = unquote_to_bytes(request.get_full_path().partition("?")[0])
    mounted = whole.removesuffix(path.encode()).rstrip(b"/")
    environ: Environ = {
        name: value
        for name, value in request.META.items()
        if isinstance(value, str) and (name in _TAKEN or name.startswith("HTTP_"))
    }
    body = request.body
    environ |= {
        "SCRIPT_NAME": mounted.decode("latin-1"),
        "PATH_INFO": f"/{path}".encode().decode("latin-1"),
        "CONTENT_LENGTH": f"{len(body)}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        REQUEST: request,
        # Django knows which proxies it believes, and what to take where no name is sent.
        "HTTP_HOST": request.get_host(),
    }
    return environ
