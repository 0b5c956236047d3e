"""Forms to enqueue a job: a new one, or a copy of one that is or was there."""

from __future__ import annotations

from typing import Final

from werkzeug.exceptions import Forbidden, NotFound

from pgq.client.clients import Client
from pgq.contrib.web.lookups import known_names
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import Job


def new(visit: Visit) -> View:
    """Show the form of a new job."""
    return View(
        "Enqueue",
        "new.html",
        task=visit.arg("task"),
        queue=visit.arg("queue"),
        known=lambda: _known(visit),
    )


def again(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show the form of a copy, with what the job has."""
    job: Job | None = visit.ask(Client.job, id)
    if job is None or not visit.access.reaches(job.queue):
        raise NotFound("There is no such job, or it is not for you.")
    if not visit.access.can("enqueue_again", job.queue):
        raise Forbidden("You may not enqueue copies.")
    return View(
        f"Copy of job {id}",
        "again.html",
        id=id,
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        known=lambda: _known(visit),
    )


def _known(visit: Visit) -> dict[str, list[str]]:
    """Return the names that a form offers: those of the last hour, a hundred of each at most."""
    found = [pair for pair in visit.ask(known_names) if visit.access.reaches(pair[0])]
    queues, tasks = ({pair[n] for pair in found if pair[n]} for n in (0, 1))
    return {"queues": sorted(queues)[:100], "tasks": sorted(tasks)[:100]}


PAGES: Final = (
    Page("new", "/new", new, nav="Enqueue", order=95, right="enqueue"),
    Page("again", "/jobs/<int:id>/again", again, right="enqueue_again"),
)
