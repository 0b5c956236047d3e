"""What pages ask the database, and how JSON has the answers; no web library is needed for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import MetricSeries
    from pgq.rows import HealthCheck


def metrics_of(client: Client) -> list[MetricSeries]:
    """Ask for what /metrics shows."""
    return client.metric_series()


def version_of(client: Client) -> str:
    """Ask for anything at all."""
    return client.version()


def stats_of(client: Client) -> dict[str, Any]:
    """Ask for what /stats.json shows."""
    checks = client.health()
    return {
        "at": datetime.now(UTC),
        "status": worst(checks),
        "queues": [row._asdict() for row in client.queue_stats()],
        "workers": [row._asdict() for row in client.worker_status()],
        "checks": [row._asdict() for row in checks],
    }


def worst(checks: list[HealthCheck]) -> str:
    """Return the worst status of some checks."""
    found = {check.status for check in checks}
    return next((status for status in ("fail", "warn") if status in found), "ok")


def plain(value: object) -> object:
    """Return times as ISO 8601 has them, and lengths of time in seconds."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
