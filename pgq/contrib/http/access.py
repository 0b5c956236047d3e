"""Who may ask: who knows the token; and, where a server of ours has none, this machine alone."""

from __future__ import annotations

import hmac

from werkzeug.wrappers import Request, Response

from pgq.contrib.web.hosts import forwarded, is_loopback, named_host
from pgq.errors import InvalidArgument

_HINT = 'Take a long random one: python -c "import secrets; print(secrets.token_urlsafe())"'


class Access:
    """Lets those in who send the token as `Authorization: Bearer …`.

    Without a token nobody comes in; with `from_here`, who asks from this machine does. That is for
    a server that listens on a loopback address: behind a proxy everybody seems to be there, so in
    an application of somebody else's only a token counts.
    """

    def __init__(self, token: str | None, *, from_here: bool = False) -> None:
        if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
            raise InvalidArgument("the token is empty, or is not printable ASCII", _HINT)
        self._token = token
        self._from_here = from_here

    def refusal(self, request: Request) -> Response | None:
        """Return what to answer to one who may not ask; None: they may."""
        if self._token is None:
            if self._from_here and _is_from_here(request):
                return None
            return text(403, "closed: no token is set")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        known = hmac.compare_digest(
            given.strip().encode("utf-8", "surrogateescape"), self._token.encode()
        )
        if known and scheme.lower() == "bearer":
            return None
        return text(401, "a bearer token is needed", WWW_Authenticate="Bearer")


def text(status: int, said: str, **headers: str) -> Response:
    """Return an answer of one line of text; header names with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(f"{said}\n", status, named, content_type="text/plain; charset=utf-8")


def _is_from_here(request: Request) -> bool:
    """Whether it was sent to this machine's own name too: a page of somebody else's can have a
    browser here ask by a name of theirs.
    """
    if forwarded(request):
        return False
    host = named_host(request) if "HTTP_HOST" in request.environ else "localhost"
    return is_loopback(request.remote_addr or "") and is_loopback(host or "")
