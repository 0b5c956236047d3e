"""What the URLs of the app answer: numbers and probes for machines, the dashboard for the staff.

Settings: PGQ_OBSERVABILITY_TOKEN is what machines send as `Authorization: Bearer ...`; without one
the numbers are refused, unless PGQ_OBSERVABILITY_OPEN is true because a proxy guards them.
PGQ_DASHBOARD_RIGHTS names a function that takes a user and returns their rights in the dashboard.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache, wraps
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import psycopg
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from pgq.contrib.django.installations import (
    DEFAULT,
    Installation,
    installation_or_404,
    installations,
)
from pgq.contrib.metrics.exposition import exposed
from pgq.contrib.metrics.questions import metrics_of, plain, stats_of, version_of
from pgq.contrib.metrics.source import DatabaseBusy, Source
from pgq.errors import PgqError
from pgq.lib.report import first_line
from pgq.logs import log_event

if TYPE_CHECKING:
    from pgq.contrib.web.access import Access
    from pgq.contrib.web.app import Dashboard

TOKEN, OPEN, RIGHTS = "PGQ_OBSERVABILITY_TOKEN", "PGQ_OBSERVABILITY_OPEN", "PGQ_DASHBOARD_RIGHTS"
THEIR_TOKEN: Final = "DJ_QUEUE_OBSERVABILITY_TOKEN"

View = Callable[..., Any]


def _for_machines(view: View) -> View:
    """Ask for the token, and say 503 where the database does not answer."""

    @wraps(view)
    def asked(request: Any) -> Any:
        return _answered(view, request, needs_token=True)

    return asked


def _for_anybody(view: View) -> View:
    @wraps(view)
    def asked(request: Any) -> Any:
        return _answered(view, request, needs_token=False)

    return asked


@_for_machines
def stats(_request: Any) -> Any:
    """Answer what is in the queues of every backend, as JSON."""
    found = [
        {
            "backend_alias": each.backend,
            "queue_database_alias": each.database,
            "schema": each.schema,
        }
        | _source(each).ask(stats_of)
        for each in installations()
    ]
    return _json({"backends": found})


@_for_machines
def metrics(request: Any) -> Any:
    """Answer the metrics of a backend, the one of `?backend=alias`, in the format asked for."""
    if find_spec("prometheus_client") is None:
        return _text(501, "install prometheus-client: pip install 'pgq-sql[metrics]'")
    series = _source(installation_or_404(request.GET.get("backend", DEFAULT))).ask(metrics_of)
    kind, body = exposed(series, request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=kind)


@_for_machines
def health(_request: Any) -> Any:
    """Answer the health checks of every backend; 503 where one failed."""
    found: list[dict[str, Any]] = []
    for each in installations():
        said = _source(each).ask(stats_of)
        found.append(
            {"backend_alias": each.backend, "status": said["status"], "checks": said["checks"]}
        )
    failed = any(each["status"] == "fail" for each in found)
    return _json({"backends": found}, 503 if failed else 200)


@_for_anybody
def healthz(_request: Any) -> Any:
    """Answer that this process answers."""
    return _text(200, "ok")


@_for_anybody
def readyz(_request: Any) -> Any:
    """Answer whether the databases of all backends answer."""
    for each in installations():
        _source(each).ask(version_of)
    return _text(200, "ok")


def dashboard(request: Any, path: str, backend: str = DEFAULT) -> Any:
    """Answer a page of the dashboard, for those who may log in to Django's admin."""
    user = getattr(request, "user", None)
    if user is None:
        raise ImproperlyConfigured("the dashboard needs Django's AuthenticationMiddleware")
    if not user.is_authenticated:
        return redirect_to_login(request.get_full_path(), _login_url())
    if not (user.is_active and user.is_staff):
        raise PermissionDenied
    each = installation_or_404(backend)
    return _view_of(each, each.dsn)(request, path)


# The forms of the dashboard have a token of their own, which Django's middleware does not know.
vars(dashboard)["csrf_exempt"] = True


def to_dashboard(request: Any) -> Any:
    """Lead to the dashboard."""
    return redirect(f"{request.path}dashboard/")


def access_of(user: Any) -> Access | None:
    """Return what a user may do in the dashboard: what the admin's permissions say, by default."""
    from pgq.contrib.django.permissions import access_by_permissions
    from pgq.contrib.web.access import Access, rights

    named = getattr(settings, RIGHTS, None)
    if named is None:
        return access_by_permissions(user)
    given: Any = (import_string(named) if isinstance(named, str) else named)(user)
    if given is None or isinstance(given, Access):
        return given
    return Access(user.get_username(), rights(given))


def _answered(view: View, request: Any, *, needs_token: bool) -> Any:
    if request.method not in ("GET", "HEAD"):
        response = _text(405, "only GET and HEAD")
        response["Allow"] = "GET, HEAD"
        return response
    response = _refusal(request) if needs_token else None
    if response is None:
        try:
            response = view(request)
        except (psycopg.Error, PgqError, DatabaseBusy) as error:
            said = first_line(error) or type(error).__name__
            log_event(logging.WARNING, "metrics.failed", path=request.path, error=said)
            response = _text(503, "the database does not answer; the log says why")
    # Nothing of ours is for a cache, and nothing may be taken for another type.
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _refusal(request: Any) -> Any:
    token = getattr(settings, TOKEN, None) or getattr(settings, THEIR_TOKEN, None)
    if not token:
        return None if getattr(settings, OPEN, False) else _text(403, f"closed: {TOKEN} is not set")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and constant_time_compare(given.strip(), str(token)):
        return None
    response = _text(401, "a bearer token is needed")
    response["WWW-Authenticate"] = "Bearer"
    return response


def _source(each: Installation) -> Source:
    return _source_of(each.dsn, each.schema)


@cache
def _source_of(dsn: str, schema: str) -> Source:
    return Source(dsn, schema)


def _dashboard(each: Installation, dsn: str) -> Dashboard:
    from pgq.contrib.web.actions.perform import Operator
    from pgq.contrib.web.app import Dashboard

    return Dashboard(
        dsn,
        schema=each.schema,
        authorize=lambda request: access_of(request.environ["django.request"].user),
        operator=Operator(dsn, each.schema),
        secret=settings.SECRET_KEY,
        title="pgq" if each.backend == DEFAULT else f"pgq: {each.backend}",
    )


@cache
def _view_of(each: Installation, dsn: str) -> View:
    (pattern,) = _dashboard(each, dsn).django_urls()
    view: View = pattern.callback
    return view


def _login_url() -> str:
    try:
        return str(reverse("admin:login"))
    except NoReverseMatch:
        return str(settings.LOGIN_URL)


def _json(content: Any, status: int = 200) -> Any:
    body = json.dumps(content, default=plain, ensure_ascii=False)
    return HttpResponse(f"{body}\n", status=status, content_type="application/json")


def _text(status: int, said: str) -> Any:
    return HttpResponse(f"{said}\n", status=status, content_type="text/plain; charset=utf-8")
