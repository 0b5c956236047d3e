"""What goes wrong: errors that are the same, as groups, and one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from werkzeug.exceptions import NotFound

from pgq.client.clients import Client
from pgq.contrib.web.charts import sparkline
from pgq.contrib.web.filters import Filters
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.windows import WINDOWS, choices, chosen
from pgq.reports import ErrorGroup, Mark
from pgq.rows import ListedJob

_MOST: Final = 50
_JOBS: Final = 20
_MARKS: Final = timedelta(days=7)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_MOST_HISTORIES: Final = 100


class Group(NamedTuple):
    """Errors that are the same, in one task. `new_since`: the mark after which it first came."""

    fingerprint: str
    task: str
    error_type: str
    pattern: str
    attempts: int
    failed_jobs: int
    failed_more: bool
    first_seen: datetime
    last_seen: datetime
    last_job_id: int
    new_since: str | None
    by_hour: list[int]
    spark: Any


def errors(visit: Visit) -> View:
    """Show the errors that ended the most attempts in a window."""
    window = chosen(visit, "24h")
    own = _own_queues(visit)
    queue, task = queue_of(visit), visit.arg("task") or None
    return View(
        "Errors",
        "errors.html",
        window=window.name,
        windows=choices(visit, window),
        own_queues={name: visit.links.here(queue=name, said=None) for name in own},
        queue=queue,
        task=task,
        groups=lambda: groups_of(visit, window.since(visit.now), queue, task),
    )


def error(visit: Visit) -> View:
    """Show one group, and the jobs that it failed."""
    fingerprint, task = visit.name("fingerprint"), visit.arg("task") or None
    queue = queue_of(visit)
    return View(
        "Error",
        "error_group.html",
        fingerprint=fingerprint,
        task=task,
        queue=queue,
        group=lambda: _group(visit, fingerprint, task),
        attempts=lambda: _attempts(visit, fingerprint, task),
        jobs=lambda: _jobs(visit, fingerprint, task),
        bulk=_filters(visit, fingerprint, task).query(),
    )


def _own_queues(visit: Visit) -> list[str]:
    """Return the queues of somebody who may not see all: groups are counted for one or for all."""
    if visit.access.queues is None:
        return []
    known = {row.queue for row in visit.ask(Client.depths)}
    return sorted(name for name in known if visit.access.reaches(name))


def queue_of(visit: Visit) -> str | None:
    """Return the queue that is asked for: all, or the first that somebody may see."""
    queue = visit.arg("queue") or next(iter(_own_queues(visit)), None)
    if visit.access.queues is not None and (queue is None or not visit.access.reaches(queue)):
        raise NotFound("There is no such queue, or it is not for you.")
    return queue


def _filters(visit: Visit, fingerprint: str, task: str | None) -> Filters:
    return Filters(states=("failed",), fingerprint=fingerprint, task=task, queue=queue_of(visit))


def _asked(visit: Visit, since: datetime, **options: Any) -> list[ErrorGroup]:
    return visit.ask(Client.error_groups, since=since, **options)


def groups_of(
    visit: Visit, since: datetime, queue: str | None, task: str | None, most: int = _MOST
) -> list[Group]:
    """Return the errors of a queue and a task, or of all, without the secrets in them."""
    found = _asked(visit, since, queue=queue, of_task=task, max_groups=most)
    marks = visit.ask(Client.marks, since=_hour(visit.now) - _MARKS)
    hours = _by_hour(visit, found, min(since, visit.now - _DAY), queue, task)
    return [_shown(visit, each, marks, hours[each.fingerprint, each.task]) for each in found]


def _by_hour(
    visit: Visit, groups: list[ErrorGroup], since: datetime, queue: str | None, task: str | None
) -> Mapping[tuple[str, str], list[int]]:
    """Return how many attempts each group ended in each hour, a day of them at least."""
    first = _hour(since)
    steps = int((visit.now - first) / _HOUR) + 1
    counted: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * steps)
    names = sorted({each.fingerprint for each in groups})[:_MOST_HISTORIES]
    if not names:
        return counted
    history = visit.ask(Client.error_history, names, queue=queue, of_task=task, since=first)
    for each in history:
        place = int((each.at - first) / _HOUR)
        if 0 <= place < steps:
            counted[each.fingerprint, each.task][place] += each.attempts
    return counted


def _shown(visit: Visit, each: ErrorGroup, marks: list[Mark], by_hour: list[int]) -> Group:
    before = [mark.label for mark in sorted(marks) if mark.at <= each.first_seen]
    return Group(
        each.fingerprint,
        each.task,
        each.error_type,
        visit.redactor.text(each.pattern),
        each.attempts,
        each.failed_jobs,
        each.failed_more,
        each.first_seen,
        each.last_seen,
        each.last_job_id,
        before[-1] if before else None,
        by_hour,
        sparkline("attempts by the hour", by_hour),
    )


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _group(visit: Visit, fingerprint: str, task: str | None) -> dict[str, Any] | None:
    """Return what is known of the group; None where it has not come for a week."""
    since = _hour(visit.now) - _MARKS
    options = {"queue": queue_of(visit), "of_task": task, "max_groups": 500}
    found = _asked(visit, since, of_fingerprint=fingerprint, **options)
    if not found:
        return None
    first = found[0]
    return {
        "error_type": first.error_type,
        "pattern": visit.redactor.text(first.pattern),
        "sample": visit.redactor.text(first.sample),
        "tasks": sorted({each.task for each in found}),
        "failed_jobs": sum(each.failed_jobs for each in found),
        "failed_more": any(each.failed_more for each in found),
        "first_seen": min(each.first_seen for each in found),
        "last_seen": max(each.last_seen for each in found),
        "last_job_id": max(each.last_job_id for each in found),
    }


def _attempts(visit: Visit, fingerprint: str, task: str | None) -> list[tuple[str, int]]:
    """Return how many attempts it has ended in each window."""
    since = {
        window.name: _hour(visit.now - window.length)
        for window in WINDOWS
        if window.name in ("1h", "24h", "7d")
    }
    first_of_all = min(since.values())
    history = visit.ask(
        Client.error_history, [fingerprint], queue_of(visit), task, since=first_of_all
    )
    return [
        (name, sum(each.attempts for each in history if each.at >= first))
        for name, first in since.items()
    ]


def _jobs(visit: Visit, fingerprint: str, task: str | None) -> list[dict[str, Any]]:
    filters = _filters(visit, fingerprint, task)._replace(size=_JOBS)
    found = visit.ask(Client.list_jobs, **filters.of_list(visit.now))
    return [_job(visit, each) for each in found.jobs if visit.access.reaches(each.queue)]


def _job(visit: Visit, each: ListedJob) -> dict[str, Any]:
    return {
        "id": each.id,
        "task": each.task,
        "queue": each.queue,
        "attempt": each.attempt,
        "at": each.finished_at,
        "error": visit.redactor.text(each.error_message),
    }


PAGES: Final = (
    Page("errors", "/errors", errors, nav="Errors", order=40, key="e"),
    Page("error", "/error", error),
)
