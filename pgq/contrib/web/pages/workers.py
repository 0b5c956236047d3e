"""All workers, and one: what it does, for which queues, and since when it was heard of."""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.job_lists import list_reached
from pgq.contrib.web.page import Page, View, Visit
from pgq.reports import PastWorker
from pgq.rows import ListedJob, State, WorkerStatus

MOST: Final = 200
_JOBS: Final = 100
_ORDER: Final = {"silent": 0, "stop": 1, "pause": 2, "busy": 3, "idle": 4}


def workers(visit: Visit) -> View:
    """Show the workers, those that need somebody first."""
    return View(
        "Workers",
        "workers.html",
        workers=lambda: _seen(visit),
        left=lambda: _left(visit),
        most=MOST,
    )


def worker(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show a worker that there is."""
    if not any(row.id == id for row in _seen(visit)):
        raise NotFound("There is no such worker: it has stopped, or was given up.")
    return View(
        f"Worker {id}",
        "worker.html",
        worker=lambda: next((row for row in _seen(visit) if row.id == id), None),
        running=lambda: _running(visit, id),
        ended=lambda: _ended(visit, id),
    )


def _seen(visit: Visit) -> list[WorkerStatus]:
    """Return the workers that do something for the queues of who looks."""
    found = [row for row in visit.ask(Client.worker_status) if is_seen(visit, row)]
    return sorted(found, key=lambda row: (_ORDER.get(row.status, 9), row.name, row.id))


def _left(visit: Visit) -> list[PastWorker]:
    """Return the workers that left last; which queues they had is not known any more."""
    if visit.access.queues is not None:
        return []
    return visit.ask(Client.list_past_workers, page_size=10)


def is_seen(visit: Visit, row: WorkerStatus) -> bool:
    """Return whether a worker works for a queue of who looks, as far as its selectors say."""
    return visit.access.queues is None or any(
        visit.access.reaches(each) for each in row.queues.split(", ")
    )


def _running(visit: Visit, worker_id: int) -> list[ListedJob]:
    """Return the jobs that it runs now, the oldest run first."""
    page = list_reached(visit, worker_id=worker_id, states=["running"], page_size=_JOBS)
    return sorted(page.jobs, key=lambda job: (job.claimed_at or job.created_at, job.id))


def _ended(visit: Visit, worker_id: int) -> list[ListedJob]:
    """Return the jobs that it ended last, among the newest of all."""
    states: tuple[State, ...] = ("succeeded", "failed", "cancelled")
    return list_reached(visit, worker_id=worker_id, states=states, page_size=20).jobs


PAGES: Final = (
    Page("workers", "/workers", workers, nav="Workers", order=50, key="w"),
    Page("worker", "/workers/<int:id>", worker),
)
