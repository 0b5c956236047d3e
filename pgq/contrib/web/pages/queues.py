"""All queues: how deep they are, how they keep up, sorted and filtered by the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.queue_rows import NOTHING, QueueRow, queue_rows

SHOWN: Final = 500
_UNKNOWN: Final = timedelta(-1)

# By what each column is sorted, and whether the greatest comes first.
_COLUMNS: Final[Mapping[str, tuple[Callable[[QueueRow], Any], bool]]] = {
    "queue": (lambda row: row.queue, False),
    "status": (lambda row: row.status, False),
    "ready": (lambda row: row.ready, True),
    "scheduled": (lambda row: row.scheduled, True),
    "blocked": (lambda row: row.blocked, True),
    "running": (lambda row: row.running, True),
    "lag": (lambda row: row.lag or NOTHING, True),
    "rate": (lambda row: row.per_minute, True),
    "failed": (lambda row: row.ended_failed / row.ended if row.ended else -1, True),
    "run": (lambda row: row.run_p95 or _UNKNOWN, True),
    "wait": (lambda row: row.wait_p95 or _UNKNOWN, True),
}


class Sort(NamedTuple):
    """By which column a table is sorted, in which way, and the addresses of the other ways."""

    column: str
    way: str
    links: dict[str, str]


def queues(visit: Visit) -> View:
    """Show the queues, the one that waits longest first unless the address says otherwise."""
    sort, wanted = _sort(visit), visit.arg("q").strip()
    return View(
        "Queues",
        "queues.html",
        queues=lambda: _sorted(queue_rows(visit), sort, wanted),
        sort=sort,
        wanted=wanted,
        shown=SHOWN,
    )


def _sort(visit: Visit) -> Sort:
    given = visit.arg("sort", "lag")
    column = given.removeprefix("-").removeprefix("+")
    if column not in _COLUMNS:
        column, given = "lag", "lag"
    is_down = _COLUMNS[column][1] if given == column else given.startswith("-")
    links = {
        name: visit.links.here(sort=_other(name, is_down) if name == column else name)
        for name in _COLUMNS
    }
    return Sort(column, "descending" if is_down else "ascending", links)


def _other(name: str, is_down: bool) -> str:
    return name if is_down is not _COLUMNS[name][1] else f"+{name}" if is_down else f"-{name}"


def _sorted(rows: list[QueueRow], sort: Sort, wanted: str) -> list[QueueRow]:
    kept = [row for row in rows if wanted.casefold() in row.queue.casefold()]
    key = _COLUMNS[sort.column][0]
    return sorted(kept, key=key, reverse=sort.way == "descending")[:SHOWN]


PAGES: Final = (Page("queues", "/queues", queues, nav="Queues", order=20, key="q"),)
