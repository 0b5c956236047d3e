"""The pages: what is asked for, who may, and what is said where the database does not answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import psycopg
from werkzeug.wrappers import Request, Response

from pgq.contrib.http.access import Access, text
from pgq.contrib.http.mount import Asgi, Environ, as_asgi
from pgq.contrib.metrics.exposition import exposed
from pgq.contrib.metrics.questions import metrics_of, plain, stats_of, version_of
from pgq.contrib.metrics.several import NO_ANSWER, Sources, series_of_all, stats_of_all
from pgq.contrib.metrics.source import DatabaseBusy, Source
from pgq.errors import PgqError
from pgq.lib.report import first_line
from pgq.logs import log_event


class Metrics:
    """Answers `/metrics`, `/stats.json`, `/healthz` and `/readyz`; `wsgi` and `asgi` mount it."""

    def __init__(
        self,
        dsn: str | Mapping[str, tuple[str, str]],
        *,
        schema: str = "pgq",
        token: str | None = None,
        from_here: bool = False,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing is connected yet; the role pgq_monitor is enough for the DSN.

        dsn: of several databases, by what to call them, each with its schema; then every number is
        told of each, and one that does not answer is 0 in pgq_database_up.

        token: who sends it as `Authorization: Bearer …` may read the numbers; without one nobody
        may, or with `from_here` who asks from this machine, which is not for use behind a proxy.
        The two probes are open: they say `ok` or not. is_alive: what `/healthz` tells.
        """
        self._access = Access(token, from_here=from_here)
        self._source = Source(dsn, schema) if isinstance(dsn, str) else Sources(dsn)
        self._is_alive = is_alive
        self._pages: dict[str, Callable[[Request], Response]] = {
            "/metrics": self._metrics,
            "/stats.json": self._stats,
            "/healthz": self._process,
            "/readyz": self._database,
        }

    def wsgi(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request, as a WSGI application; it waits while the database is asked."""
        response = self._answer(Request(environ))
        # Nothing of ours is for a cache, and nothing may be taken for another type.
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response(environ, start_response)

    @cached_property
    def asgi(self) -> Asgi:
        """The same as an ASGI application."""
        return as_asgi(self.wsgi)

    def _answer(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            return text(404, f"there is {', '.join(self._pages)}")
        if request.environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return text(405, "only GET and HEAD", Allow="GET, HEAD")
        try:
            return page(request)
        except (psycopg.Error, PgqError, DatabaseBusy) as error:
            log_event(
                logging.WARNING, "metrics.failed", path=request.path,
                error=first_line(error) or type(error).__name__,
            )  # fmt: skip
            return text(503, NO_ANSWER)

    def _metrics(self, request: Request) -> Response:
        if refusal := self._access.refusal(request):
            return refusal
        if isinstance(self._source, Sources):
            rows = series_of_all(self._source.ask_each(metrics_of))
        else:
            rows = self._source.ask(metrics_of)
        kind, body = exposed(rows, request.headers.get("Accept", ""))
        return Response(body, content_type=kind)

    def _stats(self, request: Request) -> Response:
        if refusal := self._access.refusal(request):
            return refusal
        if isinstance(self._source, Sources):
            found = stats_of_all(self._source)
        else:
            found = self._source.ask(stats_of)
        body = json.dumps(found, default=plain, ensure_ascii=False)
        return Response(f"{body}\n", content_type="application/json")

    def _process(self, _request: Request) -> Response:
        if self._is_alive():
            return text(200, "ok")
        return text(503, "the event loop does not answer")

    def _database(self, _request: Request) -> Response:
        if not isinstance(self._source, Sources):
            self._source.ask(version_of)
        elif not any(self._source.ask_each(version_of).values()):
            return text(503, NO_ANSWER)
        return text(200, "ok")
