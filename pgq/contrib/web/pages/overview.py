"""The overview: what needs attention, what goes on, and the queues that wait longest."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from pgq.client.clients import Client
from pgq.contrib.web.charts import Drawing, Line, Stack, series
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.queue_rows import NOTHING, house, queue_rows
from pgq.contrib.web.text import span
from pgq.reports import StatStep

SHOWN: Final = 20
OUTCOMES: Final = ("succeeded", "failed", "cancelled", "expired", "retried", "lost")
"""What ends an attempt, in the order in which charts stack it."""
# A new error is one that was first seen so long ago at most; how many are told one by one.
_NEW: Final = timedelta(hours=1)
_MOST: Final = 3
# How long a job may be ready before it is told, as health() has it.
_LONG: Final = timedelta(minutes=6)
_ORDER: Final = ("fail", "warn", "note")


class Notice(NamedTuple):
    """Something that needs attention: how badly, what about, why, what to do, and where."""

    status: str
    about: str
    reason: str
    hint: str | None
    link: str


class Totals(NamedTuple):
    """The numbers at the top, of the queues that the user may see."""

    ready: int
    estimated: bool
    due_later: int
    running: int
    slots: int
    workers: int
    silent: int
    lag: timedelta | None
    lag_queue: str | None
    ended: int
    failed: int
    retried: int


def overview(visit: Visit) -> View:
    """Show the whole at a glance; of some queues, to who may see no others."""
    is_whole = visit.access.queues is None
    return View(
        "Overview",
        "overview.html",
        totals=lambda: totals_of(visit),
        notices=lambda: _of_all(visit) if is_whole else _of_queues(visit),
        ended=(lambda: _ended(visit)) if is_whole else None,
        queues=lambda: queue_rows(visit)[:SHOWN],
    )


def totals_of(visit: Visit) -> Totals:
    """Return the numbers of the queues that the user may see."""
    reaches = visit.access.reaches
    depths = [row for row in visit.ask(Client.depths) if reaches(row.queue)]
    rates = [row for row in visit.ask(Client.queue_activity) if reaches(row.queue)]
    known = visit.ask(house)
    worst = max(depths, key=lambda row: row.lag or NOTHING, default=None)
    return Totals(
        ready=sum(row.ready for row in depths),
        estimated=any("ready" in row.estimated for row in depths),
        due_later=sum(row.scheduled for row in depths),
        running=sum(row.running for row in depths),
        slots=known.slots,
        workers=sum(number for word, number in known.workers.items() if word != "silent"),
        silent=known.workers.get("silent", 0),
        lag=worst.lag if worst else None,
        lag_queue=worst.queue if worst and worst.lag else None,
        ended=sum(sum(row.ended) for row in rates),
        failed=sum(sum(row.failed) for row in rates),
        retried=sum(row.retried for row in rates),
    )


def _of_all(visit: Visit) -> list[Notice]:
    """Say what is not well, the worst first: checks that fail, new errors, pauses."""
    links = visit.links
    found = [
        Notice(
            check.status, check.name.replace("_", " "), check.reason, check.hint,
            f"{links('health')}#check-{check.name}",
        )
        for check in visit.health()
        if check.status != "ok"
    ]  # fmt: skip
    since = visit.now.replace(second=0, microsecond=0) - _NEW
    new = visit.ask(Client.error_groups, since=since, new_since=since, max_groups=SHOWN)
    found += [
        Notice(
            "warn", "new error",
            f"{group.error_type} in {group.task}: {visit.redactor.text(group.pattern)}", None,
            links("error", fingerprint=group.fingerprint),
        )
        for group in new[:_MOST]
    ]  # fmt: skip
    if len(new) > _MOST:
        number = f"{len(new) - _MOST} {'or more' if len(new) == SHOWN else 'more'}"
        more = f"{number} are new in the last hour"
        found.append(Notice("warn", "new errors", more, None, links("errors")))
    known = {notice.link for notice in found}
    pauses = [notice for notice in _of_queues(visit) if notice.about == "paused"]
    found += [notice for notice in pauses if notice.link not in known][:_MOST]
    return sorted(found, key=lambda each: _ORDER.index(each.status))


def _of_queues(visit: Visit) -> list[Notice]:
    """Say what is not well in the queues that the user may see."""
    found: list[Notice] = []
    for row in queue_rows(visit):
        link = visit.links.queue(row.queue)
        if row.status == "no worker":
            found.append(
                Notice("fail", row.status, f"no worker takes from {row.queue}", None, link)
            )
        elif row.lag and row.lag > _LONG:
            waited = f"the oldest ready job of {row.queue} has waited {span(row.lag)}"
            found.append(Notice("warn", "lag", waited, None, link))
        if row.status == "paused":
            until = f"until {row.paused_until:%Y-%m-%d %H:%M %Z}" if row.paused_until else ""
            said = f"{row.queue} is paused {until or 'until somebody resumes it'}"
            found.append(Notice("note", "paused", said, None, link))
    return sorted(found, key=lambda each: _ORDER.index(each.status))[:SHOWN]


def _ended(visit: Visit) -> Drawing:
    return ended_chart("ended", visit.ask(Client.stats), visit)


def ended_chart(name: str, steps: list[StatStep], visit: Visit) -> Drawing:
    """Draw what ended in each step, stacked by outcome, with how long it had waited."""
    stacks = [Stack(word, [getattr(step, word) for step in steps]) for word in OUTCOMES]
    used = [stack for stack in stacks if stack.word in OUTCOMES[:2] or any(stack.counts)]
    waits = [None if step.wait_p95 is None else step.wait_p95.total_seconds() for step in steps]
    marks = visit.ask(Client.marks, since=steps[0].at) if steps else []
    return series(
        name,
        "Attempts that ended in each step, by outcome",
        [step.at for step in steps],
        used,
        [Line("wait p95", waits)],
        marks,
    )


PAGES: Final = (Page("overview", "/", overview, nav="Overview", order=10, key="o"),)
