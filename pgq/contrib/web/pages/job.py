"""One job: its story, its attempts, why it waits, what it carries, and what it is tied to."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from pgq.client.clients import Client
from pgq.contrib.web import copies
from pgq.contrib.web.charts import Drawing, timeline
from pgq.contrib.web.charts.stories import story
from pgq.contrib.web.filters import ENDED
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.redact import READ, SHOWN
from pgq.contrib.web.settings import trace_id_of
from pgq.job_rows import JobAttempt, JobLinks, JobStatus, Obstacle
from pgq.reports import FlowNode
from pgq.rows import ListedJob

_LIVE: Final = ("scheduled", "blocked", "ready", "running")
_RECENT: Final = 8
# So many jobs around one are looked up for their states.
_AROUND: Final = 60
_LONGEST_FRAMES: Final = 200


class Attempt(NamedTuple):
    """An attempt, the newest first; `frames`: the last lines of its traceback that say most."""

    attempt: int
    outcome: str
    worker_id: int | None
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    waited: timedelta | None
    ran: timedelta | None
    error_type: str | None
    message: str
    frames: str
    traceback: str
    fingerprint: str | None


class Part(NamedTuple):
    """What a job carries: args, headers, progress or result. `kept`: why it is not all here."""

    part: str
    text: str
    is_shape: bool
    has_hidden: bool
    has_more: bool
    size: int
    is_too_large: bool


class Tie(NamedTuple):
    """A job that this one is tied to; state None: it is gone."""

    id: int
    state: str | None
    task: str | None


class Ties(NamedTuple):
    """What the job is tied to. The names of semaphore, keys and schedule are as they were given."""

    parents: list[Tie]
    children: list[Tie]
    has_flow: bool
    batch_id: int | None
    schedule: str | None
    exhausted_from: int | None
    redriven_from: int | None
    concurrency_key: str | None
    holds_slots: bool
    partition_key: str | None
    unique_key: str | None
    key_owner: int | None
    trace: str | None
    trace_url: str


def job(visit: Visit, id: int) -> View:  # noqa: A002 (the path's name)
    """Show a job."""
    found = _found(visit, id)
    waits = found.state in _LIVE and found.state != "running"
    return View(
        f"Job {id}",
        "job.html",
        job=found,
        waited=_between(found.ready_at, found.claimed_at),
        ran=_between(found.claimed_at, found.finished_at),
        timeline=lambda: _timeline(visit, found),
        attempts=lambda: _attempts(visit, found),
        why=(lambda: _why(visit, id)) if waits else [],
        content=lambda: _content(visit, found, SHOWN),
        ties=lambda: _ties(visit, found),
        recent=lambda: _recent(visit, found),
        copies=copies.of_job(id),
    )


def content(visit: Visit, id: int, part: str) -> View:  # noqa: A002 (the path's name)
    """Show all that can be shown of what a job carries."""
    found = _found(visit, id)
    shown = [each for each in _content(visit, found, READ) if each.part == part]
    if not shown:
        raise NotFound(f"Job {id} has no {part}.")
    return View(f"{part.capitalize()} of job {id}", "content.html", job=found, content=shown[0])


def short(visit: Visit, id: int) -> Response:  # noqa: A002 (the path's name)
    """Lead to a job from a line of a log."""
    return redirect(visit.links.job(id), 302)


def _found(visit: Visit, job_id: int) -> JobStatus:
    found = visit.ask(Client.job_state, job_id) if job_id < 2**63 else None
    if found is None or not visit.access.reaches(found.queue):
        raise NotFound(
            f"There is no job {job_id}: "
            "it may have been discarded or pruned, or its end is not kept."
        )
    return found


def _timeline(visit: Visit, job: JobStatus) -> Drawing | None:
    phases = story(job, visit.ask(Client.job_attempts, job.id), visit.now)
    return timeline("story", f"What job {job.id} has been through", phases) if phases else None


def _attempts(visit: Visit, job: JobStatus) -> list[Attempt]:
    found = visit.ask(Client.job_attempts, job.id)
    return [_attempt(visit, each) for each in reversed(found)]


def _attempt(visit: Visit, each: JobAttempt) -> Attempt:
    traceback = visit.redactor.text(each.traceback)
    return Attempt(
        each.attempt,
        each.outcome,
        each.worker_id,
        each.worker,
        each.started_at,
        each.ended_at,
        _between(each.ready_at, each.started_at),
        _between(each.started_at, each.ended_at),
        each.error_type,
        visit.redactor.text(each.message),
        own_frames(traceback),
        traceback,
        each.fingerprint,
    )


def own_frames(traceback: str) -> str:
    """Return the frames of a traceback that are not of installed packages, and its last line.

    Where there are none of one's own, that is nothing: all of it has to be looked at.
    """
    kept: list[str] = []
    is_own = False
    lines = traceback.splitlines()
    for line in lines:
        if line.startswith('  File "'):
            is_own = "site-packages" not in line and "/lib/python" not in line
        elif not line.startswith("   "):
            is_own = False
        if is_own:
            kept.append(line)
    if not kept or len(kept) > _LONGEST_FRAMES:
        return ""
    return "\n".join([*kept, *lines[-1:]])


def _why(visit: Visit, job_id: int) -> list[Obstacle]:
    return visit.ask(Client.why_waiting, job_id)


def _content(visit: Visit, job: JobStatus, most: int) -> list[Part]:
    sees = visit.access.can("see_args")
    is_all = most > SHOWN
    parts: list[Part] = []
    for each in visit.ask(Client.job_content, job.id, READ):
        is_whole = each.content is not None and each.chars == len(each.content)
        shown = visit.redactor.document(
            each.content, task=job.task, shapes=not sees, most=most, is_whole=is_whole
        )
        parts.append(
            Part(
                each.part,
                shown.text,
                not sees or visit.redactor.hides_args_of(job.task),
                shown.hidden,
                (shown.more or not is_whole) and not (is_all and is_whole),
                each.chars if each.chars is not None else each.stored_bytes,
                each.content is None,
            )
        )
    return parts


def _ties(visit: Visit, job: JobStatus) -> Ties | None:
    links: JobLinks | None = visit.ask(Client.job_links, job.id)
    if links is None:
        return None
    ids = [*(links.parents or ()), *links.children]
    around = visit.ask(Client.flow_graph, job.id, _AROUND) if ids else []
    known: dict[int, FlowNode] = {node.id: node for node in around}
    hides = visit.redactor.hides("traceparent")
    trace = None if hides else trace_id_of(_headers(visit, job))
    owner = links.key_owner if links.key_owner != job.id else None
    return Ties(
        [_tie(visit, known, each) for each in (links.parents or ())[:20]],
        [_tie(visit, known, each) for each in links.children],
        bool(ids),
        job.batch_id,
        links.schedule,
        links.exhausted_from,
        links.redriven_from,
        links.concurrency_key,
        links.holds_slots,
        links.partition_key,
        links.unique_key,
        owner,
        trace,
        visit.settings.trace_link(trace),
    )


def _headers(visit: Visit, job: JobStatus) -> Any:
    """Return the headers of a job, None where they cannot be read here."""
    try:
        found = visit.ask(Client.job_content, job.id, READ)
    except psycopg.errors.InsufficientPrivilege:  # the login may see jobs, and not these
        return None
    for each in found:
        if each.part == "headers" and each.content and each.chars == len(each.content):
            return json.loads(each.content)
    return None


def _tie(visit: Visit, known: dict[int, FlowNode], job_id: int) -> Tie:
    node = known.get(job_id)
    if node is None or not visit.access.reaches(node.queue):
        return Tie(job_id, None, None)
    return Tie(job_id, node.state, node.task)


def _recent(visit: Visit, job: JobStatus) -> list[dict[str, Any]]:
    """Return how the last jobs of the same task ended."""
    found = visit.ask(
        Client.list_jobs,
        queue=job.queue,
        task=job.task,
        states=sorted(ENDED),
        page_size=_RECENT + 1,
        max_looked_at=2000,
    )
    return [
        {
            "id": each.id,
            "state": each.state,
            "at": each.finished_at,
            "ran": _between(each.claimed_at, each.finished_at),
            "error_type": each.error_type,
        }
        for each in _others(found.jobs, job.id)
    ]


def _others(jobs: list[ListedJob], job_id: int) -> list[ListedJob]:
    return [each for each in jobs if each.id != job_id][:_RECENT]


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    if start is None or end is None:
        return None
    return max(timedelta(0), end - start)


PAGES: Final = (
    Page("job", "/jobs/<int:id>", job),
    Page("content", "/jobs/<int:id>/<any(args,headers,progress,result):part>", content),
    Page("j", "/j/<int:id>", short),
)
