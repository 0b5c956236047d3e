"""The dashboard: pages of what the queue does, mounted in any web application or served alone.

    from pgq.contrib.web import Dashboard

    dashboard = Dashboard(os.environ["PGQ_DSN"], authorize=who_may)
    app.mount("/pgq", dashboard.asgi)     # Starlette, FastAPI
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/pgq": dashboard.wsgi})     # Flask
    urlpatterns = [path("pgq/", include(dashboard.django_urls()))]     # Django

`pgq web` serves the same alone. It needs `pip install 'pgq-sql[web]'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgq.contrib.web.access import Access as Access
    from pgq.contrib.web.app import Dashboard as Dashboard
    from pgq.contrib.web.several import Dashboards as Dashboards

__all__ = ["Access", "Dashboard", "Dashboards"]


def __getattr__(name: str) -> object:
    """Import what is asked for: charts and filters need no web library."""
    if name == "Dashboard":
        from pgq.contrib.web.app import Dashboard

        return Dashboard
    if name == "Dashboards":
        from pgq.contrib.web.several import Dashboards

        return Dashboards
    if name == "Access":
        from pgq.contrib.web.access import Access

        return Access
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
