"""Jobs of every state: filtered, and a page at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from pgq.client.clients import Client
from pgq.contrib.web import copies
from pgq.contrib.web.filter_text import as_text, of_text
from pgq.contrib.web.filters import ENDED, NAMES, SIZES, STATES, Filters, Problem, of_pairs
from pgq.contrib.web.job_lists import DOCUMENTS, Column, column_of, list_reached, values_of
from pgq.contrib.web.lookups import known_names
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.text import shortened
from pgq.rows import ListedJob, State

# Arguments of the address that are no filters.
OTHERS: Final = ("q", "said", "as", "page", "show")
# What stands in the tab of a state, besides those that depths() counts.
_COUNTED: Final = ("ready", "running", "scheduled", "blocked", "failed")
_MOST_HINTS: Final = 200


class Row(NamedTuple):
    """A job in the list. `at`: since when it is in its state, or when it is due."""

    id: int
    state: State
    task: str
    queue: str
    priority: int
    partition_key: str | None
    attempt: int
    max_attempts: int
    at: datetime
    waited: timedelta | None
    ran: timedelta | None
    error_type: str | None
    error: str | None
    progress: Any
    shown: str | None = None
    """What stands at the path that was asked for."""


class Listed(NamedTuple):
    """A page of the list. `older` and `newer`: addresses, where there may be more."""

    jobs: list[Row]
    looked_to: int | None
    older: str | None
    newer: str | None
    is_short: bool
    """Whether it stopped before the page was full: further on there may be some that fit."""


class Tab(NamedTuple):
    """A state to choose; `jobs` None: not counted."""

    state: str
    jobs: int | None
    is_estimate: bool
    url: str
    is_chosen: bool


class Chip(NamedTuple):
    """A filter, and the address without it."""

    name: str
    value: str
    without: str


def jobs(visit: Visit) -> View | Response:
    """Show a page of the jobs that fit the filters of the address."""
    text = visit.arg("q")
    given = [pair for pair in visit.request.args.items(multi=True) if pair[0] not in OTHERS]
    if text and not given:
        filters, problems = of_text(text)
        if not problems:
            return redirect(_url(visit, filters), 303)
    else:
        filters, problems = of_pairs(given, OTHERS)
        text = as_text(filters)
    column = column_of(visit.arg("show"))
    problems = [*problems, *_refused(visit, filters), *_not_shown(visit, column)]
    if problems:
        return View(
            "Jobs", "jobs.html", status=400, filters=filters.pairs(), text=text,
            problems=problems, tabs=lambda: _tabs(visit, Filters()), page=None, chips=[],
            known=lambda: _known(visit), copies=None, size=filters.size, sizes=[], order="",
            bulk="", is_filtered=True, column=None, saved=_saved(visit),
        )  # fmt: skip
    return View(
        "Jobs",
        "jobs.html",
        filters=filters.pairs(),
        text=text,
        problems=[],
        chips=_chips(visit, filters),
        tabs=lambda: _tabs(visit, filters),
        page=lambda: _page(visit, filters, column),
        known=lambda: _known(visit),
        copies=copies.of_list(_as_asked(filters)),
        size=filters.size,
        sizes=[(size, _url(visit, filters, size=size)) for size in SIZES],
        order=_url(visit, _at_start(filters), oldest=not filters.oldest),
        bulk=_at_start(filters).query(),
        is_filtered=not filters.is_empty,
        column=column.text if column else None,
        saved=_saved(visit),
    )


def _refused(visit: Visit, filters: Filters) -> list[Problem]:
    """Return what may not be searched by: the answer would tell what is hidden."""
    refused = []
    for name in ("args", "headers"):
        document = getattr(filters, name)
        if document is not None and not visit.access.can("see_args"):
            refused.append(Problem(name, "you may not see it, and so not search by it"))
        elif visit.redactor.hides_within(document):
            refused.append(Problem(name, "a part of it is hidden, so nobody may search by it"))
    return refused


def _not_shown(visit: Visit, column: Column | None) -> list[Problem]:
    """Return why nobody, or not this user, may see what stands there."""
    if column is None:
        return []
    if column.document is None:
        return [Problem("show", f"say one of {', '.join(DOCUMENTS)}, and a path: args.user_id")]
    if any(map(visit.redactor.hides, column.path)):
        return [Problem("show", "that is hidden, so nobody may see it")]
    if not visit.access.can("see_args"):
        return [Problem("show", "you may not see what jobs carry")]
    return []


def _saved(visit: Visit) -> dict[str, str]:
    lists = visit.settings.lists
    return {label: f"{visit.links('jobs')}?{each.query()}" for label, each in lists.items()}


def _url(visit: Visit, filters: Filters, **changes: Any) -> str:
    pairs = filters._replace(**changes).pairs()
    if show := visit.arg("show"):
        pairs.append(("show", show))
    return visit.links("jobs") + (f"?{urlencode(pairs)}" if pairs else "")


def _at_start(filters: Filters) -> Filters:
    return filters._replace(before_id=None, after_id=None)


def _as_asked(filters: Filters) -> Filters:
    """Return the filters as the database is asked: a page that ends at an id, from there on."""
    is_back = filters.before_id is not None if filters.oldest else filters.after_id is not None
    return filters._replace(oldest=not filters.oldest) if is_back else filters


def _page(visit: Visit, filters: Filters, column: Column | None) -> Listed:
    """Return the page, whose jobs stand in the order of the list whatever way they were found."""
    asked = _as_asked(filters)
    found = list_reached(visit, **asked.of_list(_minute(visit.now)))
    shown = found.jobs[::-1] if asked.oldest != filters.oldest else found.jobs
    # One end is where the search goes on, the other is next to where it began.
    on, place = found.looked_to, asked.after_id if asked.oldest else asked.before_id
    back = None
    if place is not None:
        ids = [job.id for job in shown] or [place + (1 if asked.oldest else -1)]
        back = min(ids) if asked.oldest else max(ids)
    older, newer = (back, on) if asked.oldest else (on, back)
    start = _at_start(filters)
    values = values_of(visit, shown, column) if column else {}
    return Listed(
        [_row(visit, job, values.get(job.id)) for job in shown],
        on,
        None if older is None else _url(visit, start, before_id=older),
        None if newer is None else _url(visit, start, after_id=newer),
        on is not None and len(found.jobs) < filters.size,
    )


def _minute(now: datetime) -> datetime:
    """Return the time to the minute, so that all who ask for `24h` ask the same."""
    return now.replace(second=0, microsecond=0)


def _row(visit: Visit, job: ListedJob, value: str | None) -> Row:
    waited = job.claimed_at - job.ready_at if job.claimed_at and job.ready_at else None
    ran = job.finished_at - job.claimed_at if job.claimed_at and job.finished_at else None
    since = {"scheduled": job.run_at, "ready": job.ready_at, "running": job.claimed_at}
    said = visit.redactor.text(job.error_message) if job.error_message else None
    return Row(
        job.id,
        job.state,
        job.task,
        job.queue,
        job.priority,
        job.partition_key,
        job.attempt,
        job.max_attempts,
        job.finished_at or since.get(job.state) or job.created_at,
        waited,
        ran,
        job.error_type,
        said,
        job.progress if visit.access.can("see_args") else None,
        value,
    )


def _tabs(visit: Visit, filters: Filters) -> list[Tab]:
    """Return a tab for each state; depths are of all jobs, whatever else is filtered by."""
    depths = [
        row
        for row in visit.ask(Client.depths)
        if visit.access.reaches(row.queue) and filters.queue in (None, row.queue)
    ]
    start = _at_start(filters)
    tabs = [Tab("all", None, False, _url(visit, start, states=()), not filters.states)]
    for state in (*_COUNTED, *(each for each in STATES if each not in _COUNTED)):
        counted = state in _COUNTED
        tabs.append(
            Tab(
                state,
                sum(getattr(row, state) for row in depths) if counted else None,
                any(state in row.estimated for row in depths),
                _url(visit, _of_state(start, state)),
                filters.states == (state,),
            )
        )
    return tabs


def _of_state(filters: Filters, state: State) -> Filters:
    """Return filters of another state; a time of the end counts for what has ended."""
    changed = filters._replace(states=(state,))
    if state not in ENDED:
        changed = changed._replace(finished_after=None, finished_before=None)
    return changed


def _chips(visit: Visit, filters: Filters) -> list[Chip]:
    pairs = filters.pairs(places=False)
    shown = [pair for pair in pairs if pair[0].partition(".")[0] in NAMES]
    made = []
    for pair in shown:
        rest, _ = of_pairs([each for each in pairs if each != pair], OTHERS)
        made.append(Chip(pair[0], shortened(pair[1], 60), _url(visit, rest)))
    return made


def _known(visit: Visit) -> list[str]:
    """Return filters to offer: those of queues and tasks that are in use."""
    found = [pair for pair in visit.ask(known_names) if visit.access.reaches(pair[0])]
    queues, tasks = ({pair[n] for pair in found if pair[n]} for n in (0, 1))
    offered = [
        *(as_text(Filters(states=(state,))) for state in STATES),
        *(as_text(Filters(queue=queue)) for queue in sorted(queues)[:_MOST_HINTS]),
        *(as_text(Filters(task=task)) for task in sorted(tasks)[:_MOST_HINTS]),
    ]
    return [each for each in offered if len(each) <= 200]


PAGES: Final = (Page("jobs", "/jobs", jobs, nav="Jobs", order=30, key="j"),)
