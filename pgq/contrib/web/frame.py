"""Around all pages: templates, regions, what is live, JSON, and static files."""

from __future__ import annotations

import hashlib
import json
import logging
import mimetypes
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.http import quote_etag
from werkzeug.wrappers import Request, Response

from pgq.contrib.web.buttons import Buttons, back_address
from pgq.contrib.web.charts import gauge
from pgq.contrib.web.headers import cookie
from pgq.contrib.web.page import Page, Trouble, View, Visit
from pgq.contrib.web.source import FAILURES, trouble_of
from pgq.contrib.web.text import FILTERS, plain, visible
from pgq.lib.report import first_line
from pgq.logs import log_event

HOME: Final = "pgq.home"
"""Where in the environ of a request the address of the page stands that leads to all databases."""

_PACKAGE: Final = "pgq.contrib.web"
THEMES: Final = ("system", "light", "dark")
INTERVALS: Final = ("2", "5", "15", "60", "off")
TIMES: Final = ("relative", "local", "UTC")


def choices(request: Request) -> dict[str, str]:
    """Return what a browser's cookies chose: theme, seconds between looks, how times read."""
    known = {"theme": THEMES, "every": INTERVALS, "times": TIMES}
    usual = {"theme": "system", "every": "5", "times": "relative"}
    found = {name: cookie(request, name) for name in known}
    return {name: given if given in known[name] else usual[name]
            for name, given in found.items()}  # fmt: skip


class Frame:
    """Makes responses of views."""

    def __init__(self, pages: Sequence[Page], title: str) -> None:
        self._title = title
        self._menu = sorted((page for page in pages if page.nav), key=lambda page: page.order)
        self._files = _static_files()
        digest = hashlib.sha256()
        for name in sorted(self._files):
            digest.update(name.encode() + b"\0" + self._files[name])
        self.tag = digest.hexdigest()[:16]
        self._templates = Environment(
            loader=PackageLoader(_PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        self._templates.tests["trouble"] = lambda value: isinstance(value, Trouble)
        self._templates.globals["gauge"] = gauge
        shared = self._templates.get_template("macros.html").module
        self._templates.globals.update(
            {name: each for name, each in vars(shared).items() if not name.startswith("_")}
        )

    def static(self, name: str) -> Response:
        """Return a static file; NotFound."""
        if name not in self._files:
            raise NotFound
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        return Response(self._files[name], content_type=f"{kind}{charset}")

    def answer(self, visit: Visit, view: View) -> Response:
        """Return a view as what the request wants: a page, its live part, or JSON."""
        if hidden := {*view.data} & {*self._templates.globals}:
            raise ValueError(f"the data of {view.template} hides {hidden} of all templates")
        data = {name: _called(visit, each) for name, each in view.data.items()}
        lazy = [name for name, each in view.data.items() if callable(each)]
        failed = [name for name in lazy if isinstance(data[name], Trouble)]
        status = 503 if lazy and lazy == failed else view.status
        if wants_json(visit.request):
            return as_json({"title": view.title, "at": visit.now, **data}, status)
        return self._page(visit, view, data, status)

    def failure(self, visit: Visit | None, request: Request, error: HTTPException) -> Response:
        """Return what to answer where there is no page."""
        got = error.get_response()
        if isinstance(got, Response) and 300 <= got.status_code < 400:
            return got
        status = error.code or 500
        said = error.description or error.name
        headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
        if wants_json(request):
            response = as_json({"error": said, "status": status}, status)
        elif visit is None:
            response = Response(f"{said}\n", status, content_type="text/plain; charset=utf-8")
        else:
            back = back_address(visit) if request.form.get("back") else ""
            view = View(error.name, "error.html", status=status, said=said, back=back)
            response = self._page(visit, view, dict(view.data), status)
        response.headers.extend(headers)
        return response

    def _page(self, visit: Visit, view: View, data: dict[str, Any], status: int) -> Response:
        context = {
            **data,
            "title": view.title,
            "installation": self._title,
            "home": visit.request.environ.get(HOME, ""),
            "menu": [page for page in self._menu if page.is_for(visit.access)],
            "links": visit.links,
            "access": visit.access,
            "args": visit.request.args,
            "now": visit.now,
            "health": _called(visit, lambda: worst(visit)),
            "is_standby": visit.reads_a_standby(),
            "choices": choices(visit.request),
            "csrf_token": visit.token(),
            "act": Buttons(visit),
            "choices_of": {"theme": THEMES, "every": INTERVALS, "times": TIMES},
            "here": visit.links.here(said=None) if _can_be_asked_again(visit, status) else "",
            "is_live": view.is_live,
            "under": view.under,
        }
        live = self._templates.get_template(view.template).render(context)
        tag = hashlib.sha256(f"{self.tag}{live}".encode()).hexdigest()[:32]
        if quote_etag(tag) in visit.request.headers.get("If-None-Match", ""):
            response = Response(status=304)
        else:
            name = "live.html" if visit.request.headers.get("HX-Request") else "page.html"
            outer = self._templates.get_template(name)
            page = outer.render({**context, "live": _Safe(live), "seen": quote_etag(tag)})
            response = Response(page, status, content_type="text/html; charset=utf-8")
        response.set_etag(tag)
        response.headers["Vary"] = "Accept, Cookie, HX-Request"
        return response


class _Safe(str):
    """Markup that templates have made."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def worst(visit: Visit) -> str:
    """Return the status of the health check that is worst: fail, warn or ok."""
    found = {check.status for check in visit.health()}
    return next((status for status in ("fail", "warn") if status in found), "ok")


def wants_json(request: Request) -> bool:
    """Return whether a request asks for data instead of a page."""
    if request.args.get("as") == "json":
        return True
    best = request.accept_mimetypes.best_match(("text/html", "application/json"))
    return best == "application/json"


def as_json(content: Any, status: int = 200) -> Response:
    """Return a response of JSON."""
    # In ASCII, so that nothing hides or turns the text around it in a terminal.
    text = json.dumps(plain(content), allow_nan=False)
    return Response(f"{text}\n", status, content_type="application/json")


def _called(visit: Visit, value: Any) -> Any:
    """Return what a region holds, or why it is missing."""
    if not callable(value):
        return value
    region: Callable[[], Any] = value
    try:
        return region()
    except FAILURES as error:
        log_event(
            logging.WARNING, "web.region_failed", path=visit.request.path,
            error=first_line(error) or type(error).__name__,
        )  # fmt: skip
        return Trouble(trouble_of(error))


def _can_be_asked_again(visit: Visit, status: int) -> bool:
    return visit.request.method in ("GET", "HEAD") and status in (200, 503)


def _static_files() -> dict[str, bytes]:
    folder = resources.files(_PACKAGE) / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
