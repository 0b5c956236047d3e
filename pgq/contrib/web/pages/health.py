"""The health checks: how each thing is, what it means, and what to do."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import HealthCheck

_ORDER: Final = ("fail", "warn", "ok")


def health(visit: Visit) -> View:
    """Show all checks, the worst first."""
    return View("Health", "health.html", checks=lambda: _checks(visit))


def _checks(visit: Visit) -> list[HealthCheck]:
    return sorted(visit.ask(Client.health), key=lambda check: _ORDER.index(check.status))


PAGES: Final = (Page("health", "/health", health, nav="Health", order=90, key="h"),)
