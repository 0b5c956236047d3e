"""The pages: what is asked for, who may, and what is said where the database does not answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from pgq.contrib.http.access import Access
from pgq.contrib.http.messages import Request, Response
from pgq.contrib.http.mount import Asgi, Wsgi, as_asgi, as_wsgi
from pgq.contrib.metrics.exposition import exposed
from pgq.contrib.metrics.source import DatabaseBusy, Source
from pgq.errors import PgqError
from pgq.lib.report import first_line
from pgq.logs import log_event

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import Metric
    from pgq.rows import HealthCheck


class Metrics:
    """Answers `/metrics`, `/stats.json`, `/healthz` and `/readyz`; `wsgi` and `asgi` mount it."""

    def __init__(
        self,
        dsn: str,
        *,
        schema: str = "pgq",
        token: str | None = None,
        from_here: bool = False,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing is connected yet; the role pgq_monitor is enough for the DSN.

        token: who sends it as `Authorization: Bearer …` may read the numbers; without one nobody
        may, or with `from_here` who asks from this machine, which is not for use behind a proxy.
        The two probes are open: they say `ok` or not. is_alive: what `/healthz` tells.
        """
        self._access = Access(token, from_here=from_here)
        self._source = Source(dsn, schema)
        self._is_alive = is_alive
        self._pages: dict[str, Callable[[Request], Response]] = {
            "/metrics": self._metrics,
            "/stats.json": self._stats,
            "/healthz": self._process,
            "/readyz": self._database,
        }

    def __call__(self, request: Request) -> Response:
        """Answer a request; blocks for some milliseconds where the database is asked."""
        page = self._pages.get(request.path)
        if page is None:
            return Response.text(404, f"there is {', '.join(self._pages)}")
        if request.method not in ("GET", "HEAD"):
            return Response.text(405, "only GET and HEAD", Allow="GET, HEAD")
        try:
            return page(request)
        except (psycopg.Error, PgqError, DatabaseBusy) as error:
            log_event(
                logging.WARNING, "metrics.failed", path=request.path,
                error=first_line(error) or type(error).__name__,
            )  # fmt: skip
            return Response.text(503, "the database does not answer; the log says why")

    @property
    def wsgi(self) -> Wsgi:
        """The pages as a WSGI application."""
        return as_wsgi(self)

    @property
    def asgi(self) -> Asgi:
        """The pages as an ASGI application."""
        return as_asgi(self)

    def _metrics(self, request: Request) -> Response:
        if refusal := self._access.refusal(request):
            return refusal
        kind, body = exposed(self._source.ask(_metrics_of), request.headers.get("accept", ""))
        return Response(200, kind, body)

    def _stats(self, request: Request) -> Response:
        if refusal := self._access.refusal(request):
            return refusal
        body = json.dumps(self._source.ask(_stats_of), default=_plain, ensure_ascii=False)
        return Response(200, "application/json", f"{body}\n".encode())

    def _process(self, _request: Request) -> Response:
        if self._is_alive():
            return Response.text(200, "ok")
        return Response.text(503, "the event loop does not answer")

    def _database(self, _request: Request) -> Response:
        self._source.ask(_version_of)
        return Response.text(200, "ok")


def _metrics_of(client: Client) -> list[Metric]:
    return client.metrics()


def _version_of(client: Client) -> str:
    return client.version()


def _stats_of(client: Client) -> dict[str, Any]:
    checks = client.health()
    return {
        "at": datetime.now(UTC),
        "status": _worst(checks),
        "queues": [row._asdict() for row in client.queue_stats()],
        "workers": [row._asdict() for row in client.worker_status()],
        "checks": [row._asdict() for row in checks],
    }


def _worst(checks: list[HealthCheck]) -> str:
    found = {check.status for check in checks}
    return next((status for status in ("fail", "warn") if status in found), "ok")


def _plain(value: object) -> object:
    """Return times as ISO 8601 has them, and lengths of time in seconds."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
