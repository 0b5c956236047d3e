"""One queue: its depth, what ended, its tasks, its workers, its limits, and what runs next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.charts import Drawing, Line, Stack, series
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.pages.overview import ended_chart
from pgq.contrib.web.queue_rows import QueueRow, queue_rows
from pgq.reports import TaskStats
from pgq.rows import ListedJob, QueueLimits, WorkerStatus

NEXT: Final = 20
WINDOWS: Final = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "60d": timedelta(days=60),
}


class Window(NamedTuple):
    """How far back charts go, and the addresses of the other windows."""

    name: str
    since: datetime
    links: dict[str, str]


def queue(visit: Visit) -> View:
    """Show a queue."""
    name = visit.name("name")
    if not visit.access.reaches(name):
        raise NotFound("There is no such queue.")
    window = chosen_window(visit)
    return View(
        f"Queue {name}",
        "queue.html",
        under="Queues",
        queue=name,
        window=window,
        row=lambda: _row(visit, name),
        reasons=lambda: _reasons(visit, name),
        ended=lambda: _ended(visit, name, window),
        times=lambda: _times(visit, name, window),
        depth=lambda: _depth(visit, name, window),
        waiting=lambda: _waiting(visit, name),
        tasks=lambda: _tasks(visit, name),
        workers=lambda: _workers(visit, name),
        limits=lambda: _limits(visit, name),
    )


def chosen_window(visit: Visit) -> Window:
    """Return the window that the address names, an hour without one."""
    name = visit.arg("window")
    name = name if name in WINDOWS else "1h"
    links = {each: visit.links.here(window=each) for each in WINDOWS}
    # By the minute, so that all who look at once ask the same.
    since = (visit.now - WINDOWS[name]).replace(second=0, microsecond=0)
    return Window(name, since, links)


def _row(visit: Visit, name: str) -> QueueRow | None:
    return next((row for row in queue_rows(visit) if row.queue == name), None)


def _reasons(visit: Visit, name: str) -> list[tuple[str, str, str | None]]:
    """Return what health() says about this queue: its status, why, and what to do.

    What it says names other queues too, so it is for who may see them.
    """
    if visit.access.queues is not None:
        return []
    return [
        (check.status, check.reason, check.hint)
        for check in visit.health()
        if check.status != "ok" and _is_named(name, check.reason)
    ]


def _is_named(name: str, text: str) -> bool:
    """Whether a name stands in a text as a word, and is not a part of another name."""
    place = text.find(name)
    while place >= 0:
        around = text[max(0, place - 1) : place] + text[place + len(name) :][:1]
        if not any(each.isalnum() or each in "_-/" for each in around):
            return True
        place = text.find(name, place + 1)
    return False


def _ended(visit: Visit, name: str, window: Window) -> Drawing:
    steps = visit.ask(Client.stats, queue=name, since=window.since)
    return ended_chart("ended", steps, visit)


def _times(visit: Visit, name: str, window: Window) -> Drawing:
    steps = visit.ask(Client.stats, queue=name, since=window.since)
    lines = [
        Line(word.replace("_", " "), [None if (value := getattr(step, word)) is None
                                      else value.total_seconds() for step in steps])
        for word in ("wait_p50", "wait_p95", "run_p50", "run_p95")
    ]  # fmt: skip
    return series("times", "How long jobs waited and ran", [step.at for step in steps], (), lines)


def _depth(visit: Visit, name: str, window: Window) -> Drawing:
    steps = visit.ask(Client.depth_history, queue=name, since=window.since)
    words = ("running", "ready", "scheduled", "blocked")
    stacks = [Stack(word, [getattr(step, word) for step in steps]) for word in words]
    return series(
        "depth", "The most jobs that waited and ran", [step.at for step in steps], stacks,
        highest=True,
    )  # fmt: skip


def _waiting(visit: Visit, name: str) -> list[ListedJob]:
    page = visit.ask(
        Client.list_jobs, queue=name, states=["ready"], newest_first=False, page_size=NEXT
    )
    return page.jobs


def _tasks(visit: Visit, name: str) -> list[TaskStats]:
    return visit.ask(Client.task_stats, of_queue=name)


def _workers(visit: Visit, name: str) -> list[WorkerStatus]:
    found = [row for row in visit.ask(Client.worker_status) if _takes(row.queues, name)]
    if visit.access.queues is None:
        return found
    return [row._replace(queues=name) for row in found]


def _takes(selectors: str, name: str) -> bool:
    """Whether a worker with these selectors, as the view shows them, takes from a queue."""
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else each == name
        for each in (selectors.split(", ") if selectors != name else [name])
    )


def _limits(visit: Visit, name: str) -> QueueLimits | None:
    return next((row for row in visit.ask(Client.queue_limits) if row.queue == name), None)


PAGES: Final = (Page("queue", "/queue", queue),)
