"""The health checks: how each thing is, what it means, and what to do."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import HealthCheck

_ORDER: Final = ("fail", "warn", "ok")


def health(visit: Visit) -> View:
    """Show all checks, the worst first; the deep ones too if the address says so."""
    is_deep = visit.arg("deep") == "1"
    return View(
        "Health",
        "health.html",
        # Deep ones read much; nobody should ask for them every few seconds.
        is_live=not is_deep,
        checks=lambda: _checks(visit, is_deep),
        deep=is_deep,
    )


def _checks(visit: Visit, is_deep: bool) -> list[HealthCheck]:
    found = visit.ask(Client.health, deep=True) if is_deep else visit.health()
    return sorted(found, key=lambda check: _ORDER.index(check.status))


# The checks are about all queues, and name some.
PAGES: Final = (Page("health", "/health", health, nav="Health", order=90, key="h", whole=True),)
