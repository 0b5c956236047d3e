"""Batches, the newest first, and one: how far it is, and how its jobs ended."""

from __future__ import annotations

from typing import Final, NamedTuple

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.charts.markup import Markup
from pgq.contrib.web.charts.small import shares
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import ListedBatch
from pgq.rows import BatchProgress, ListedJob, State

SIZE: Final = 50
_JOBS: Final = 50
_PARTS: Final = {
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
    "running": "running",
    "waiting": "scheduled",
}


class Shares(NamedTuple):
    """How far a batch is, in numbers and as a drawing."""

    progress: BatchProgress
    drawing: Markup
    ended: int


class Listed(NamedTuple):
    """A batch, its jobs as a drawing, and how many of them did not succeed."""

    batch: ListedBatch
    drawing: Markup
    not_succeeded: int


def batches(visit: Visit) -> View:
    """Show a page of the batches."""
    given = visit.arg("before_id")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    return View("Batches", "batches.html", batches=lambda: _batches(visit, before), size=SIZE)


def batch(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show a batch that there is."""
    found = [row for row in visit.ask(Client.list_batches, id + 1, 1) if row.id == id]
    if not found:
        raise NotFound("There is no such batch.")
    return View(
        f"Batch {id}",
        "batch.html",
        batch=_shown(visit, found[0]),
        shares=lambda: _shares(visit, id),
        trouble=lambda: _jobs(visit, id, "failed", "cancelled", "expired"),
        running=lambda: _jobs(visit, id, "running"),
        parts=_PARTS,
    )


def _batches(visit: Visit, before: int | None) -> list[Listed]:
    return [_listed(visit, row) for row in visit.ask(Client.list_batches, before, SIZE)]


def _listed(visit: Visit, row: ListedBatch) -> Listed:
    names = ("succeeded", "failed", "cancelled", "expired")
    parts = {name: float(getattr(row, name)) for name in names}
    drawing = shares(f"batch{row.id}", f"Jobs of batch {row.id}", {**parts, "scheduled": row.live})
    return Listed(_shown(visit, row), drawing, row.failed + row.cancelled + row.expired)


def _shown(visit: Visit, row: ListedBatch) -> ListedBatch:
    return row._replace(description=visit.redactor.text(row.description) or None)


def _shares(visit: Visit, batch_id: int) -> Shares | None:
    found = visit.ask(Client.batch_progress, batch_id)
    if found is None:
        return None
    parts = {word: float(getattr(found, name)) for name, word in _PARTS.items()}
    ended = found.succeeded + found.failed + found.cancelled + found.expired
    return Shares(found, shares("batch", "Jobs of the batch", parts, found.total), ended)


def _jobs(visit: Visit, batch_id: int, *states: State) -> list[ListedJob]:
    page = visit.ask(Client.list_jobs, batch_id=batch_id, states=states, page_size=_JOBS)
    return [row._replace(error_message=visit.redactor.text(row.error_message)) for row in page.jobs]


PAGES: Final = (
    Page("batches", "/batches", batches, nav="Batches", order=70, key="b", whole=True),
    Page("batch", "/batches/<int:id>", batch, whole=True),
)
