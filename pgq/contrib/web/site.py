"""What all sites of ours share: who asks, for what, and the page that answers."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from werkzeug.exceptions import Forbidden, HTTPException, InternalServerError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request as BaseRequest
from werkzeug.wrappers import Response

from pgq.contrib.http.mount import Asgi, Environ, as_asgi
from pgq.contrib.web.csrf import check_form
from pgq.contrib.web.frame import Frame
from pgq.contrib.web.headers import secured
from pgq.contrib.web.links import Links
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.source import FAILURES, trouble_of
from pgq.lib.report import first_line
from pgq.logs import log_error, log_event

_LONGEST_FORM: Final = 1_000_000
_MOST_FIELDS: Final = 2000


class Request(BaseRequest):
    """A request whose form has bounds."""

    max_content_length = _LONGEST_FORM
    max_form_memory_size = _LONGEST_FORM
    max_form_parts = _MOST_FIELDS


class Site(ABC):
    """Pages under one root: `wsgi` for Flask, `asgi` for Starlette, `django_urls()` for Django."""

    def __init__(self, pages: Sequence[Page], title: str) -> None:
        self.pages = tuple(pages)
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

    @abstractmethod
    def close(self) -> None:
        """Close the connections to the database."""

    @abstractmethod
    def check_host(self, request: BaseRequest) -> None:
        """Raise BadRequest where a request is for a name that is none of ours."""

    @abstractmethod
    def visit(self, request: BaseRequest) -> Visit:
        """Return the visit of who asks; Forbidden or Unauthorized for who may not see the pages."""

    @abstractmethod
    def check_ready(self) -> None:
        """Raise one of FAILURES where the database does not answer."""

    def links(self, request: BaseRequest) -> Links:
        """Return what makes addresses of these pages."""
        return Links(self.routes.bind_to_environ(request.environ), request, self._frame.tag)

    def _respond(self, request: Request) -> tuple[Response, bool]:
        visit: Visit | None = None
        try:
            self.check_host(request)
            adapter = self.routes.bind_to_environ(request.environ)
            endpoint, parts = adapter.match()
            if endpoint == "static":
                is_current = parts["tag"] == self._frame.tag
                return self._frame.static(parts["name"]), is_current
            if endpoint in ("healthz", "readyz"):
                return self._probe(endpoint), False
            visit = self.visit(request)
            if request.method not in ("GET", "HEAD"):
                check_form(request, visit.access, visit.keeper)
            page = self._by_name[endpoint]
            if not page.is_for(visit.access):
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

    def _failed(self, visit: Visit | None, request: Request, error: HTTPException) -> Response:
        return self._frame.failure(visit, request, error)

    def _probe(self, which: str) -> Response:
        if which == "readyz":
            self.check_ready()
        return Response("ok\n", content_type="text/plain; charset=utf-8")
