"""That a form was sent from our own page, by the user who got it, and lately.

A browser says where a request comes from, and scripts cannot change that. Besides, each form has a
token that is signed for the user and the hour, so one that somebody else got is of no use. What a
page says after a redirect is signed alike: no link can put words into it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from typing import Any, Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Request

from pgq.contrib.web.access import Access
from pgq.errors import InvalidArgument

FIELD: Final = "csrf_token"
HEADER: Final = "X-CSRF-Token"

_HOUR: Final = 3600
_PORTS: Final = {"http": 80, "https": 443}
_SALT: Final = b"pgq web: forms and messages"
_LONGEST: Final = 4000


class Keeper:
    """Signs for a user, and tells what it has signed in this hour or the one before.

    The key is made from the secret, so it is the same in all processes that get the same one. It is
    made slowly: who sees a token cannot try many secrets in its place.
    """

    def __init__(self, secret: str) -> None:
        if not secret.strip():
            raise InvalidArgument("the secret of the dashboard is empty", "Pass a long random one.")
        self._key = hashlib.scrypt(secret.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32)

    def token(self, user: str) -> str:
        """Return the token for the forms of a user."""
        return self._sign("form", user, "", _now())

    def knows(self, token: str, user: str) -> bool:
        """Return whether a token is that of a user, of this hour or the one before."""
        return self._is_signed("form", user, "", token)

    def seal(self, user: str, content: Any) -> str:
        """Return a text for a URL that only this user's pages will read."""
        data = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        text = base64.urlsafe_b64encode(data).decode().rstrip("=")
        return f"{self._sign('say', user, text, _now())}.{text}"

    def unseal(self, user: str, sealed: str) -> Any:
        """Return the content of such a text; None: it is not ours, not this user's, or old."""
        signature, _, text = sealed.partition(".")
        if len(sealed) > _LONGEST or not self._is_signed("say", user, text, signature):
            return None
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    def _sign(self, purpose: str, user: str, text: str, hour: int) -> str:
        said = json.dumps([purpose, user, text, hour]).encode()
        made = hmac.digest(self._key, said, "sha256")
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def _is_signed(self, purpose: str, user: str, text: str, given: str) -> bool:
        known = [self._sign(purpose, user, text, _now() - back) for back in (0, 1)]
        sent = given.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(sent, each.encode()) for each in known)


def keeper_of(secret: str | None, *dsns: str | None, is_needed: bool) -> Keeper:
    """Return a Keeper with what all processes of a server share.

    That is the secret, the setting PGQ_WEB_SECRET, or the password in one of the DSNs. Where there
    is none of them: InvalidArgument if it is needed, else a secret of this process.
    """
    of_dsns = [conninfo_to_dict(dsn).get("password") for dsn in dsns if dsn]
    for each in (secret, os.environ.get("PGQ_WEB_SECRET"), *of_dsns):
        if each:
            return Keeper(str(each))
    if not is_needed:
        return Keeper(secrets.token_urlsafe())
    raise InvalidArgument(
        "actions need a secret, to sign forms with", "Pass secret=, or set PGQ_WEB_SECRET."
    )


def _now() -> int:
    return int(time.time()) // _HOUR


def check_sent_here(request: Request) -> None:
    """Raise Forbidden for a request that changes something and comes from another site's page.

    Old browsers, and all of them over plain HTTP, leave out Sec-Fetch-Site; Origin they send.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin":
        return
    if site is None and _same_host(request.headers.get("Origin", ""), request.host):
        return
    raise Forbidden("This was not sent from a page of the dashboard.")


def check_form(request: Request, access: Access, keeper: Keeper) -> None:
    """Raise Forbidden unless a request that changes something was meant by who sent it.

    Who sends a token by hand, which no browser does by itself, needs no form.
    """
    if not access.is_ambient:
        return
    check_sent_here(request)
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not keeper.knows(given, access.user):
        raise Forbidden("The form is too old, or another user's. Load the page again.")


def _same_host(origin: str, host: str) -> bool:
    """Whether an Origin is that of a Host header. Behind a proxy the scheme may be another."""
    try:
        sent = urlsplit(origin)
        here = urlsplit(f"//{host}")
        default = _PORTS[sent.scheme]
        return (sent.hostname, sent.port or default) == (here.hostname, here.port or default)
    except (KeyError, ValueError):  # such as null
        return False
