"""One queue."""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import QueueDepth


def queue(visit: Visit) -> View:
    """Show a queue that there is."""
    name = visit.name("name")
    if not visit.access.reaches(name):
        raise NotFound("There is no such queue, or it is not for you.")
    return View("Queue", "queue.html", queue=name, depth=lambda: _depth(visit, name))


def _depth(visit: Visit, name: str) -> QueueDepth | None:
    return next((row for row in visit.ask(Client.depths) if row.queue == name), None)


PAGES: Final = (Page("queue", "/queue", queue),)
