"""What a browser chooses, kept in its cookies: theme, how times read, how often to look."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from pgq.contrib.web.frame import INTERVALS, THEMES, TIMES
from pgq.contrib.web.headers import set_cookie
from pgq.contrib.web.page import Page, Visit

_CHOICES: Final = {"theme": THEMES, "times": TIMES, "every": INTERVALS}


def choose(visit: Visit) -> Response:
    """Keep what was chosen, and go back to where it was."""
    form = visit.request.form
    response = redirect(_inside(form.get("back", "")) or visit.links("overview"), 303)
    for name, known in _CHOICES.items():
        if form.get(name) in known:
            set_cookie(response, visit.request, name, form[name])
    return response


def _inside(address: str) -> str:
    """Return an address if it is one of this server, without its name; else nothing."""
    parts = urlsplit(address)
    is_path = address.startswith("/") and address[1:2] not in ("/", "\\")
    return address if is_path and not parts.scheme and not parts.netloc else ""


PAGES: Final = (Page("choose", "/choose", choose, methods=("POST",)),)
