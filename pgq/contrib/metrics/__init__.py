"""Numbers for machines: `/metrics` for Prometheus, `/stats.json`, and two probes.

    from pgq.contrib.metrics import Metrics

    metrics = Metrics(os.environ["PGQ_DSN"], token=os.environ["PGQ_METRICS_TOKEN"])
    app.mount("/pgq", metrics.asgi)     # Starlette, FastAPI
    application = DispatcherMiddleware(application, {"/pgq": metrics.wsgi})     # Flask

`pgq metrics --port 9187` and `pgq worker --metrics-port 9187` serve the same. It needs
prometheus-client: `pip install 'pgq-sql[metrics]'`. The numbers are the database's, so one place
that is scraped is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgq.contrib.metrics.pages import Metrics as Metrics

__all__ = ["Metrics"]


def __getattr__(name: str) -> object:
    """Import what is asked for: the questions alone need no web library."""
    if name == "Metrics":
        from pgq.contrib.metrics.pages import Metrics

        return Metrics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
