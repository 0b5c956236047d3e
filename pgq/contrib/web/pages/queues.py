"""All queues: how deep they are, and how they keep up."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import QueueDepth


def queues(visit: Visit) -> View:
    """Show the queues, the one that waits longest first."""
    return View("Queues", "queues.html", queues=lambda: _depths(visit))


def _depths(visit: Visit) -> list[QueueDepth]:
    found = [row for row in visit.ask(Client.depths) if visit.access.reaches(row.queue)]
    return sorted(
        found,
        key=lambda row: (row.lag is None, -(row.lag.total_seconds() if row.lag else 0), row.queue),
    )


PAGES: Final = (Page("queues", "/queues", queues, nav="Queues", order=20, key="q"),)
