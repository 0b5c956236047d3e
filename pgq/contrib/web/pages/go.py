"""From what one has at hand to its page: an id, a name, a key, a fingerprint, a trace."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Final

import psycopg
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from pgq.client.clients import Client
from pgq.contrib.web.filter_text import as_text
from pgq.contrib.web.filters import Filters
from pgq.contrib.web.lookups import FAR, Traced, jobs_of_trace
from pgq.contrib.web.page import Page, View, Visit

_ID: Final = re.compile(r"#?([0-9]{1,19})")
_TRACE: Final = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{16}")
_RECENTLY: Final = timedelta(days=7)
_LONGEST: Final = 2000


def go(visit: Visit) -> View | Response:
    """Lead to what has that name, or say what may have been meant."""
    given = visit.arg("q").strip()
    if not given or len(given) > _LONGEST or "\0" in given:
        return redirect(visit.links("jobs"), 303)
    address = _address(visit, given)
    traced = [] if address else _of_trace(visit, given)
    if len(traced) > 1:
        return View("Jobs of a trace", "trace.html", **_shown(visit, traced, given), under="Jobs")
    if traced:
        address = visit.links.job(traced[0].id)
    address = address or _of_fingerprint(visit, given)
    if address:
        return redirect(address, 303)
    guesses = [
        (as_text(each), f"{visit.links('jobs')}?{each.query()}")
        for each in (
            Filters(queue=given),
            Filters(task=given),
            Filters(unique_key=given),
            Filters(concurrency_key=given),
            Filters(partition_key=given),
            Filters(error_type=given),
        )
    ]
    return View("Nothing found", "go.html", status=404, given=given, guesses=guesses)


def _address(visit: Visit, given: str) -> str:
    """Return where it leads; empty where nothing has that name."""
    number = _ID.fullmatch(given)
    if number and int(number[1]) < 2**63:
        job = visit.ask(Client.job_state, int(number[1]))
        if job is not None and visit.access.reaches(job.queue):
            return visit.links.job(job.id)
    if ":" in given and re.match(r"(?:[a-z_]+|args\.\S+|headers\.\S+):", given):
        return visit.links("jobs", q=given)
    return _of_name(visit, given) or _of_key(visit, given)


def _of_name(visit: Visit, given: str) -> str:
    """Return the page of a queue, else of a task, that is in use or was within a week."""
    since = visit.now.replace(minute=0, second=0, microsecond=0) - _RECENTLY
    rows = [row for row in visit.ask(Client.task_stats, since=since, max_tasks=1000)
            if visit.access.reaches(row.queue)]  # fmt: skip
    queues = {row.queue for row in rows} | {row.queue for row in visit.ask(Client.depths)}
    if given in queues and visit.access.reaches(given):
        return visit.links.queue(given)
    of_task = [row.queue for row in rows if row.task == given]
    if of_task and visit.access.queues is not None:
        return visit.links("task", name=given, queue=of_task[0])
    return visit.links.task(given) if of_task else ""


def _of_key(visit: Visit, given: str) -> str:
    owner = visit.ask(Client.unique_key_owner, given)
    if owner is None:
        return ""
    job = visit.ask(Client.job_state, owner.job_id)
    reached = job is not None and visit.access.reaches(job.queue)
    return visit.links.job(owner.job_id) if reached else ""


def _of_trace(visit: Visit, given: str) -> list[Traced]:
    """Return the jobs of a trace, by its id or by a traceparent, that are not long ago."""
    found = _TRACE.fullmatch(given)
    if not found or visit.redactor.hides("traceparent"):
        return []
    try:
        jobs = visit.ask(jobs_of_trace, found[1])
    except psycopg.errors.InsufficientPrivilege:  # the login may not see what jobs carry
        return []
    return [job for job in jobs if visit.access.reaches(job.queue)]


def _shown(visit: Visit, jobs: list[Traced], given: str) -> dict[str, Any]:
    found = _TRACE.fullmatch(given)
    trace = found[1] if found else given
    return {"trace": trace, "url": visit.settings.trace_link(trace), "jobs": jobs, "far": FAR}


def _of_fingerprint(visit: Visit, given: str) -> str:
    """Return the page of an error, or a list for a trace that is further back."""
    if "-" in given and _TRACE.fullmatch(given):
        filters = Filters(headers={"traceparent": given})
        return f"{visit.links('jobs')}?{filters.query()}"
    if _FINGERPRINT.fullmatch(given):
        return visit.links("error", fingerprint=given)
    return ""


PAGES: Final = (Page("go", "/go", go),)
