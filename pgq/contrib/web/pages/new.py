"""Forms to enqueue a job: a new one, or a copy of one that is or was there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from werkzeug.exceptions import Forbidden, NotFound

from pgq.client.clients import Client
from pgq.contrib.web.lookups import known_names
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import Job

_FIELDS: Final = ("priority", "delay", "run_at", "max_attempts", "unique_key")


def new(visit: Visit) -> View:
    """Show the form of a new job."""
    return _new(visit, visit.request.args)


def again(visit: Visit, id: int) -> View:  # noqa: A002 (the column's name)
    """Show the form of a copy, with what the job has."""
    return _again(visit, id, {})


def _new_refused(visit: Visit, problem: str) -> View:
    return _new(visit, visit.request.form, problem)


def _again_refused(visit: Visit, problem: str) -> View:
    job = visit.request.form.get("id", "")
    if not (job.isascii() and job.isdigit() and len(job) < 19):
        raise NotFound("There is no such job.")
    return _again(visit, int(job), visit.request.form, problem)


def _new(visit: Visit, given: Mapping[str, str], problem: str = "") -> View:
    return View(
        "Enqueue",
        "new.html",
        status=422 if problem else 200,
        problem=problem,
        known=lambda: _known(visit),
        given=_typed(given, "task", "queue", "args"),
    )


def _again(visit: Visit, id: int, given: Mapping[str, str], problem: str = "") -> View:  # noqa: A002
    job: Job | None = visit.ask(Client.job, id)
    if job is None or not visit.access.reaches(job.queue):
        raise NotFound("There is no such job, or it is not for you.")
    if not visit.access.can("enqueue_again", job.queue):
        raise Forbidden("You may not enqueue copies.")
    return View(
        f"Copy of job {id}",
        "again.html",
        status=422 if problem else 200,
        problem=problem,
        given=_typed(given, "queue"),
        id=id,
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        known=lambda: _known(visit),
    )


def _typed(given: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return what was typed into each field; browsers send other ends of lines."""
    return {name: given.get(name, "").replace("\r\n", "\n") for name in (*names, *_FIELDS)}


def _known(visit: Visit) -> dict[str, list[str]]:
    """Return the names that a form offers: those of the last hour, a hundred of each at most."""
    found = [pair for pair in visit.ask(known_names) if visit.access.reaches(pair[0])]
    queues, tasks = ({pair[n] for pair in found if pair[n]} for n in (0, 1))
    return {"queues": sorted(queues)[:100], "tasks": sorted(tasks)[:100]}


REFUSED: Final[Mapping[str, Callable[[Visit, str], View]]] = {
    "enqueue": _new_refused,
    "enqueue_again": _again_refused,
}
"""By an action that was refused: its form again, with what was typed, and why."""

PAGES: Final = (
    Page("new", "/new", new, nav="Enqueue", order=95, right="enqueue"),
    Page("again", "/jobs/<int:id>/again", again, right="enqueue_again"),
)
