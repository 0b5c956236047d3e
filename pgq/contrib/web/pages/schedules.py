"""All schedules, and one: when they fire next, and what became of their ticks."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from typing import Final, NamedTuple

from werkzeug.exceptions import BadRequest, NotFound

from pgq.client.clients import Client
from pgq.contrib.web.charts.markup import Drawing
from pgq.contrib.web.charts.small import Tick, strip
from pgq.contrib.web.cron_words import cron_words
from pgq.contrib.web.lookups import Fired, history_of, last_outcomes, next_fires
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.redact import Shown
from pgq.rows import ScheduleFire, ScheduleStatus

SIZE: Final = 50
# Ticks in a row of the list.
STRIP: Final = 12


class Listed(NamedTuple):
    """A schedule, its cron expression in words, its next ticks, its last ones as a drawing."""

    schedule: ScheduleStatus
    words: str | None
    next: list[datetime]
    strip: Drawing | None


def schedules(visit: Visit) -> View:
    """Show a page of the schedules by name; what is broken or late comes first on the first one."""
    return View(
        "Schedules",
        "schedules.html",
        schedules=lambda: _page(visit),
        search=visit.arg("search"),
        size=SIZE,
    )


class Schedules(NamedTuple):
    """A page of the schedules, and how many fit."""

    rows: list[Listed]
    found: int
    next_place: int | None


def _page(visit: Visit) -> Schedules:
    search = visit.arg("search").casefold()
    fitting = [
        row
        for row in (without_job(visit, each) for each in visit.ask(Client.schedule_status))
        if visit.access.reaches(row.queue)
        and (not search or search in f"{row.name}\n{row.task}\n{row.queue}".casefold())
    ]
    fitting.sort(key=lambda row: (row.problem is None, row.late is None, row.name))
    given = visit.arg("from", "0")
    place = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
    shown = fitting[place : place + SIZE]
    names = tuple(row.name for row in shown)
    coming: defaultdict[str, list[datetime]] = defaultdict(list)
    for tick in visit.ask(next_fires, names):
        coming[tick.schedule].append(tick.at)
    past: defaultdict[str, list[Fired]] = defaultdict(list)
    for fired in visit.ask(last_outcomes, names, STRIP):
        past[fired.schedule].append(fired)
    rows = [
        Listed(row, _words(row), coming[row.name], drawn(f"strip{n}", row.name, past[row.name]))
        for n, row in enumerate(shown)
    ]
    more = place + SIZE if len(fitting) > place + SIZE else None
    return Schedules(rows, len(fitting), more)


def _words(row: ScheduleStatus) -> str | None:
    return cron_words(row.timing) if row.every is None else None


def without_job(visit: Visit, row: ScheduleStatus) -> ScheduleStatus:
    """Return a schedule without its job's arguments, which not everybody may see."""
    return row._replace(job={}, problem=visit.redactor.text(row.problem) or None)


def drawn(name: str, schedule: str, past: list[Fired]) -> Drawing | None:
    """Return the last ticks of a schedule as a drawing, if there were any."""
    if not past:
        return None
    ticks = [
        Tick(each.outcome, each.run_at, f"{each.run_at:%Y-%m-%d %H:%M:%S %Z}: {each.outcome}")
        for each in past
    ]
    return strip(name, f"The last ticks of {schedule}", ticks)


def schedule(visit: Visit) -> View:
    """Show a schedule that there is, or was."""
    name = visit.name("name")
    before = _time(visit.arg("before"))
    found = next(iter(visit.ask(Client.schedule_status, name)), None)
    past = _history(visit, name, before)
    if (found is None and not past) or (found and not visit.access.reaches(found.queue)):
        raise NotFound("There is no such schedule, or it is not for you.")
    if found is None and visit.access.queues is not None:
        raise NotFound("There is no such schedule, or it is not for you.")
    return View(
        "Schedule",
        "schedule.html",
        name=name,
        schedule=without_job(visit, found) if found else None,
        words=_words(found) if found else None,
        job=_job(visit, found) if found else None,
        next=lambda: [each.at for each in visit.ask(next_fires, (name,))],
        strip=lambda: _strip(visit, name),
        history=lambda: _history(visit, name, before),
        size=SIZE,
    )


def _strip(visit: Visit, name: str) -> Drawing | None:
    return drawn("strip", name, visit.ask(last_outcomes, (name,), 40))


def _history(visit: Visit, name: str, before: datetime | None) -> list[ScheduleFire]:
    rows = visit.ask(history_of, name, before, SIZE)
    return [row._replace(message=visit.redactor.text(row.message) or None) for row in rows]


def _job(visit: Visit, found: ScheduleStatus) -> Shown:
    """Return what it enqueues, as far as the user may see it."""
    shapes = not visit.access.can("see_args")
    return visit.redactor.document(
        json.dumps(found.job, ensure_ascii=False), task=found.task, shapes=shapes
    )


def _time(given: str) -> datetime | None:
    try:
        return datetime.fromisoformat(given) if given else None
    except ValueError:
        raise BadRequest("?before= is no time") from None


PAGES: Final = (
    Page("schedules", "/schedules", schedules, nav="Schedules", order=60, key="s"),
    Page("schedule", "/schedule", schedule),
)
