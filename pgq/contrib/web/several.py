"""Dashboards of several databases: a page that leads to all, and the pages of each below its name.

What a user may see and do in a database is that database's dashboard's own. The first page shows
the databases that let the user in, and nobody else anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from pgq.contrib.http.mount import Environ
from pgq.contrib.web.app import Dashboard
from pgq.contrib.web.frame import HOME, worst
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.pages.choose import PAGES as CHOOSE
from pgq.contrib.web.pages.overview import Totals, totals_of
from pgq.contrib.web.site import Site
from pgq.contrib.web.source import FAILURES, trouble_of
from pgq.errors import InvalidArgument
from pgq.rows import HealthCheck

_AT_A_TIME: Final = 16
_ORDER: Final = ("fail", "warn", "ok")
_OURS: Final = ("", "static", "healthz", "readyz", *(page.path.strip("/") for page in CHOOSE))
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")


class Glance(NamedTuple):
    """A database at a glance: its name and page, how it is, and its numbers; or why there are none.

    status: of its worst health check; fail where it does not answer.
    """

    database: str
    link: str
    status: str
    totals: Totals | None
    trouble: str | None


@dataclass(frozen=True)
class _Visit(Visit):
    """A visit to the first page, with those to the databases that let this user in."""

    inner: Mapping[str, Visit] = field(default_factory=dict)

    def health(self) -> list[HealthCheck]:
        """Return nothing: the page says how each database is."""
        return []

    def reads_a_standby(self) -> bool:
        """Return no: the pages of a database say it."""
        return False


class Dashboards(Site):
    """Dashboards by the names of their databases; mount it as one."""

    def __init__(self, dashboards: Mapping[str, Dashboard], *, title: str = "pgq") -> None:
        """Nothing is connected yet. title: what the first page calls them all."""
        if not dashboards:
            raise InvalidArgument("no dashboard is named", "Pass {'name': Dashboard(dsn)}.")
        first = Page("overview", "/", _databases, nav="Databases")
        super().__init__((first, *CHOOSE), title)
        self._dashboards = dict(dashboards)
        self._by_path = _paths(dashboards)

    def wsgi(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as a WSGI application; mounted under any prefix."""
        path = environ.get("PATH_INFO", "").partition("/")[2].partition("/")[0]
        if path not in self._by_path:
            return super().wsgi(environ, start_response)
        inner = self._below(environ, path, environ["PATH_INFO"][len(path) + 1 :])
        return self._dashboards[self._by_path[path]].wsgi(inner, start_response)

    def close(self) -> None:
        """Close the connections to all databases."""
        for each in self._dashboards.values():
            each.close()

    def check_host(self, request: Request) -> None:
        """Raise BadRequest where a request is for a name that is none of any database's pages."""
        refused: HTTPException | None = None
        for each in self._dashboards.values():
            try:
                each.check_host(request)
            except HTTPException as error:
                refused = refused or error
            else:
                return
        if refused is not None:
            raise refused

    def visit(self, request: Request) -> Visit:
        """Return the visit of who asks, with those to the databases that let this user in."""
        inner: dict[str, Visit] = {}
        refused: HTTPException | None = None
        for path, name in self._by_path.items():
            dashboard = self._dashboards[name]
            below = Request(self._below(request.environ, path, "/"))
            try:
                dashboard.check_host(below)
                inner[name] = dashboard.visit(below)
            except HTTPException as error:
                refused = refused or error
        if not inner:
            assert refused is not None
            raise refused
        one = next(iter(inner.values()))
        return _Visit(
            request, one.access.only_looking(), self.links(request), one.source, one.keeper,
            inner=inner,
        )  # fmt: skip

    def check_ready(self) -> None:
        """Raise one of FAILURES where no database answers."""
        # Who asks has little patience, so one that is away must hold up no other.
        threads = ThreadPoolExecutor(min(_AT_A_TIME, len(self._dashboards)))
        asked = [threads.submit(each.check_ready) for each in self._dashboards.values()]
        threads.shutdown(wait=False)
        if all(each.exception() for each in as_completed(asked)):
            asked[0].result()

    def _below(self, environ: Environ, path: str, rest: str) -> Environ:
        root = environ.get("SCRIPT_NAME", "")
        return {**environ, "SCRIPT_NAME": f"{root}/{path}", "PATH_INFO": rest, HOME: f"{root}/"}


def _databases(visit: Visit) -> View:
    """Show all databases at a glance, the worst first."""
    assert isinstance(visit, _Visit)
    with ThreadPoolExecutor(min(_AT_A_TIME, len(visit.inner))) as threads:
        rows = list(threads.map(_glance, visit.inner, visit.inner.values()))
    rows.sort(key=lambda row: (row.trouble is None, _ORDER.index(row.status)))
    return View("Databases", "databases.html", databases=rows)


def _glance(name: str, visit: Visit) -> Glance:
    link = visit.links("overview")
    try:
        return Glance(name, link, worst(visit), totals_of(visit), None)
    except FAILURES as error:
        return Glance(name, link, "fail", None, trouble_of(error))


def _paths(names: Iterable[str]) -> dict[str, str]:
    """Return names by what stands for them in a path, where not all signs of a name can stand."""
    found: dict[str, str] = {}
    for name in names:
        plain = _UNFIT.sub("-", name).strip("-") or "database"
        path, number = plain, 1
        while path in found or path in _OURS:
            number += 1
            path = f"{plain}-{number}"
        found[path] = name
    return found
