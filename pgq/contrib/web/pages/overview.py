"""The overview: what needs attention, and what goes on."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit


def overview(visit: Visit) -> View:
    """Show the whole at a glance."""
    return View(
        "Overview",
        "overview.html",
        checks=lambda: [each for each in visit.ask(Client.health) if each.status != "ok"],
    )


PAGES: Final = (Page("overview", "/", overview, nav="Overview", order=10, key="o"),)
