"""The overview: what needs attention, what goes on, and the queues that wait longest."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from pgq.client.clients import Client
from pgq.contrib.web.charts import Drawing, Line, Stack, series
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.queue_rows import NOTHING, QueueRow, house, queue_rows
from pgq.reports import StatStep

SHOWN: Final = 20
OUTCOMES: Final = ("succeeded", "failed", "cancelled", "expired", "retried", "lost")
"""What ends an attempt, in the order in which charts stack it."""
# A new error is one that was first seen so long ago at most.
_NEW: Final = timedelta(hours=1)


class Notice(NamedTuple):
    """Something that needs attention: how badly, what about, why, what to do, and where."""

    status: str
    about: str
    reason: str
    hint: str | None
    link: str


class Totals(NamedTuple):
    """The numbers at the top."""

    ready: int
    estimated: bool
    due_later: int
    running: int
    slots: int
    workers: int
    silent: int
    lag: timedelta | None
    lag_queue: str | None
    succeeded: int
    failed: int
    retried: int


def overview(visit: Visit) -> View:
    """Show the whole at a glance."""
    return View(
        "Overview",
        "overview.html",
        totals=lambda: _totals(visit),
        notices=lambda: _notices(visit),
        ended=lambda: _ended(visit),
        queues=lambda: queue_rows(visit)[:SHOWN],
        shown=SHOWN,
    )


def _steps(visit: Visit) -> list[StatStep]:
    return visit.ask(Client.stats)


def _totals(visit: Visit) -> Totals:
    depths = [row for row in visit.ask(Client.depths) if visit.access.reaches(row.queue)]
    known, steps = visit.ask(house), _steps(visit)
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
        succeeded=sum(step.succeeded for step in steps),
        failed=sum(step.failed for step in steps),
        retried=sum(step.retried for step in steps),
    )


def _notices(visit: Visit) -> list[Notice]:
    """Say what is not well, the worst first: failing checks, then new errors, then pauses."""
    links = visit.links
    found = [
        Notice(check.status, check.name.replace("_", " "), check.reason, check.hint,
               f"{links('health')}#check-{check.name}")
        for check in visit.ask(Client.health)
        if check.status != "ok"
    ]  # fmt: skip
    found += [
        Notice("warn", "new error", f"{group.error_type} in {group.task}: {group.pattern}", None,
               links("error", fingerprint=group.fingerprint))
        for group in visit.ask(Client.error_groups, max_groups=20)
        if group.first_seen > visit.now - _NEW
    ][:5]  # fmt: skip
    found += [
        Notice("note", "paused", f"{queue} is paused{_until(visit, queue)}", None,
               links.queue(queue))
        for queue in sorted(visit.ask(house).pauses)
        if visit.access.reaches(queue)
    ][:5]  # fmt: skip
    return sorted(found, key=lambda each: ("fail", "warn", "note").index(each.status))


def _until(visit: Visit, queue: str) -> str:
    until = visit.ask(house).pauses[queue]
    return f" until {until:%Y-%m-%d %H:%M %Z}" if until else " until somebody resumes it"


def _ended(visit: Visit) -> Drawing:
    return ended_chart("ended", _steps(visit), visit)


def ended_chart(name: str, steps: list[StatStep], visit: Visit) -> Drawing:
    """Draw what ended in each step, stacked by outcome, with how long it had waited."""
    stacks = [Stack(word, [getattr(step, word) for step in steps]) for word in OUTCOMES]
    used = [stack for stack in stacks if stack.word in OUTCOMES[:2] or any(stack.counts)]
    waits = [None if step.wait_p95 is None else step.wait_p95.total_seconds() for step in steps]
    marks = visit.ask(Client.marks, since=steps[0].at) if steps else []
    return series(
        name,
        "Attempts that ended in each minute of the last hour, by outcome",
        [step.at for step in steps],
        used,
        [Line("wait p95", waits)],
        marks,
    )


PAGES: Final = (Page("overview", "/", overview, nav="Overview", order=10, key="o"),)
__all__ = ["PAGES", "Notice", "QueueRow", "Totals"]
