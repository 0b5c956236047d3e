"""The dashboard as an application: who asks, for what, and the page that answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wrappers import Response

from pgq.contrib.http.mount import Asgi, Environ, as_asgi
from pgq.contrib.web.access import READ, Access, Authorize, admit, from_here
from pgq.contrib.web.actions.perform import Operator
from pgq.contrib.web.csrf import check_form, keeper_of
from pgq.contrib.web.frame import Frame
from pgq.contrib.web.headers import secured
from pgq.contrib.web.hosts import check_host, host_names
from pgq.contrib.web.links import Links
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.pages import found
from pgq.contrib.web.redact import Redactor
from pgq.contrib.web.settings import Settings
from pgq.contrib.web.source import FAILURES, Source, trouble_of
from pgq.lib.report import first_line
from pgq.logs import log_error, log_event

if TYPE_CHECKING:
    from pgq.client.clients import Client

_LONGEST_FORM: Final = 1_000_000
_MOST_FIELDS: Final = 2000


class Request(BaseRequest):
    """A request whose form has bounds."""

    max_content_length = _LONGEST_FORM
    max_form_memory_size = _LONGEST_FORM
    max_form_parts = _MOST_FIELDS


class Dashboard:
    """The pages; mount `wsgi` in Flask, `asgi` in Starlette, `django_urls()` in Django."""

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "pgq",
        authorize: Authorize | None = None,
        host_names: Iterable[str] | None = None,
        operator: Operator | None = None,
        secret: str | None = None,
        title: str = "pgq",
        redactor: Redactor | None = None,
        trace_url: str | None = None,
        saved: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is connected yet; the role pgq_observer is enough for the DSN.

        authorize: returns the Access of who sent a request of werkzeug's, or None. Without it only
        this machine may look, and nobody may change anything. host_names: by which names the pages
        are asked, besides addresses and localhost; None: any, which is for applications that look
        at the name themselves. operator: by which login actions are done; without one nobody may
        change anything. secret: signs forms, and is the same for all processes that serve these
        pages; where there is none, PGQ_WEB_SECRET or the password of a DSN. title: what the pages
        call this installation. redactor: takes secrets out of what jobs carry; None: the usual one.
        trace_url: where a trace is shown, with `{trace_id}` in it. saved: lists of jobs to offer,
        as in `{"broken mail": "/jobs?state=failed&queue=mail"}`.
        """
        self._authorize = authorize or from_here(Access("local", READ))
        self._names = None if host_names is None else _checked(host_names)
        if authorize is None and host_names is None:
            self._names = ()
        self._operator = operator
        self.keeper = keeper_of(
            secret, operator.dsn if operator else None, dsn, is_needed=bool(operator)
        )
        self._redactor = redactor or Redactor()
        self._settings = Settings(trace_url, saved or {})
        self._dsn = dsn
        self._source = Source(dsn, schema)
        self.pages: tuple[Page, ...] = found()
        self._by_name = {page.name: page for page in self.pages}
        self._frame = Frame(self.pages, title)
        self.routes = Map(
            [
                Rule("/static/<tag>/<name>", endpoint="static", methods=["GET"]),
                Rule("/healthz", endpoint="healthz", methods=["GET"]),
                Rule("/readyz", endpoint="readyz", methods=["GET"]),
                *(Rule(page.path, endpoint=page.name, methods=page.methods) for page in self.pages),
            ],
            merge_slashes=False,
        )

    def wsgi(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as a WSGI application; mounted under any prefix."""
        request = Request(environ)
        response, is_static = self._respond(request)
        return secured(response, is_static=is_static)(environ, start_response)

    @cached_property
    def asgi(self) -> Asgi:
        """The same as an ASGI application; the pages are made in threads."""
        return as_asgi(self.wsgi)

    def django_urls(self) -> list[Any]:
        """Return patterns for Django: `path("pgq/", include(dashboard.django_urls()))`.

        An `authorize` finds Django's request in `request.environ["django.request"]`.
        """
        from pgq.contrib.web.in_django import urls

        return urls(self.wsgi)

    def close(self) -> None:
        """Close the connections to the database."""
        self._source.close()

    def _respond(self, request: Request) -> tuple[Response, bool]:
        visit: Visit | None = None
        try:
            check_host(request, self._names)
            adapter = self.routes.bind_to_environ(request.environ)
            endpoint, parts = adapter.match()
            if endpoint == "static":
                is_current = parts["tag"] == self._frame.tag
                return self._frame.static(parts["name"]), is_current
            if endpoint in ("healthz", "readyz"):
                return self._probe(endpoint), False
            access = admit(request, self._authorize)
            if self._operator is None or self._cannot_act():
                access = access.only_looking()
            links = Links(adapter, request, self._frame.tag)
            visit = Visit(
                request, access, links, self._source, self.keeper, self._operator, self._redactor,
                self._settings,
            )  # fmt: skip
            if request.method not in ("GET", "HEAD"):
                check_form(request, access, self.keeper)
            page = self._by_name[endpoint]
            if not page.is_for(access):
                raise Forbidden("You may not see this page.")
            answer = page.make(visit, **parts)
            return self._frame.answer(visit, answer) if isinstance(answer, View) else answer, False
        except HTTPException as error:
            return self._failed(visit, request, error), False
        except FAILURES as error:
            log_event(
                logging.WARNING, "web.page_failed", path=request.path, error=first_line(error)
            )
            unavailable = HTTPException(trouble_of(error))
            unavailable.code = 503
            return self._failed(visit, request, unavailable), False
        except Exception as error:  # noqa: BLE001 (a page's own mistake is no end of the server)
            log_error("web.page_broken", error, path=request.path)
            broken = InternalServerError("This page has a mistake; the log says which.")
            return self._failed(None, request, broken), False

    def _cannot_act(self) -> bool:
        """Say whether actions would go to a standby."""
        operator = self._operator
        is_there = operator is not None and operator.dsn == self._dsn
        return is_there and self._source.reads_a_standby()

    def _failed(self, visit: Visit | None, request: Request, error: HTTPException) -> Response:
        return self._frame.failure(visit, request, error)

    def _probe(self, which: str) -> Response:
        if which == "readyz":
            self._source.ask(_version)
        return Response("ok\n", content_type="text/plain; charset=utf-8")


def _version(client: Client) -> str:
    return client.version()


def _checked(names: Iterable[str]) -> tuple[str, ...]:
    return host_names(names)
