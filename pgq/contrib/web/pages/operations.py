"""Bulk operations of the last thirty days, and one: how far it is, to be undone or stopped."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final, NamedTuple

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.actions.bulk import WORDS, may_stop
from pgq.contrib.web.job_lists import LOOKS
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import BulkOperation

SIZE: Final = 50


class Operation(NamedTuple):
    """A bulk operation as the pages show it."""

    id: int
    action: str
    does: str
    status: str
    jobs: int
    is_exact: bool
    done: int
    progress: float
    outcomes: dict[str, int]
    examples: dict[str, list[int]]
    filters: str
    states: list[str]
    priority: int | None
    spread: timedelta | None
    by: str
    starts_at: Any
    ended_at: Any
    error: str | None
    is_live: bool


def operations(visit: Visit) -> View:
    """Show a page of the operations, the newest first."""
    given = visit.arg("before_id")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    return View(
        "Operations", "operations.html", operations=lambda: _operations(visit, before), size=SIZE
    )


def operation(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show an operation that there is."""
    rows = [row for row in visit.ask(Client.bulk_status, id) if _is_seen(visit, row)]
    if not rows:
        raise NotFound("There is no such operation; they are kept for thirty days.")
    return View(
        f"Operation {id}",
        "operation.html",
        operation=_shown(visit, rows[0]),
        may_stop=may_stop(visit.access, rows[0]),
    )


def _operations(visit: Visit, before: int | None) -> list[Operation]:
    """Return a page of those that the user may see; others do not shorten it."""
    seen: list[BulkOperation] = []
    for _ in range(LOOKS):
        rows = visit.ask(Client.bulk_status, None, before, SIZE)
        seen += [row for row in rows if _is_seen(visit, row)]
        if len(rows) < SIZE or len(seen) >= SIZE:
            break
        before = rows[-1].id
    return [_shown(visit, row) for row in seen[:SIZE]]


def _is_seen(visit: Visit, row: BulkOperation) -> bool:
    queue = row.filters.get("queue")
    return visit.access.queues is None or (queue is not None and visit.access.reaches(queue))


def _shown(visit: Visit, row: BulkOperation) -> Operation:
    hidden = {} if visit.access.can("see_args") else {"args", "headers"}
    filters = {name: value for name, value in row.filters.items() if name not in hidden}
    text = visit.redactor.document(json.dumps(filters, ensure_ascii=False)).text
    return Operation(
        id=row.id,
        action=row.action,
        does=WORDS[row.action][1],
        status=row.status,
        jobs=row.jobs,
        is_exact=row.is_exact,
        done=row.done,
        progress=row.progress,
        outcomes=row.outcomes,
        examples=row.examples,
        filters=text,
        states=[*row.states],
        priority=row.priority,
        spread=row.spread,
        by=row.actor or row.login,
        starts_at=row.starts_at,
        ended_at=row.ended_at,
        error=visit.redactor.text(row.error) or None,
        is_live=row.status in ("waiting", "running"),
    )


PAGES: Final = (
    Page("operations", "/operations", operations),
    Page("operation", "/operations/<int:id>", operation),
)
