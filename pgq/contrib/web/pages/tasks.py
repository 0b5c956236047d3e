"""Where workers spend their time: tasks, and one of them over time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from pgq.client.clients import Client
from pgq.contrib.web.charts import Drawing, Line, Stack, heat_map, series, sparkline
from pgq.contrib.web.charts.scale import length
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.pages.errors import groups_of, queue_of
from pgq.contrib.web.windows import Window, choices, chosen
from pgq.reports import StatStep, TaskActivity, TaskStats

_MOST, _MOST_OF_ALL = 500, 10_000
SIZE: Final = 100
# From the bottom of a column to its top.
OUTCOMES: Final = (
    *("succeeded", "retried", "failed", "lost"),
    *("cancelled", "expired", "snoozed", "released"),
)


class Row(NamedTuple):
    """What became of the jobs of a task of one queue in the window. Shares are from 0 to 1."""

    task: str
    queue: str
    ended: int
    failed: int
    failed_share: float
    retried: int
    retried_share: float
    lost: int
    wait_p95: timedelta | None
    run_mean: timedelta | None
    run_p50: timedelta | None
    run_p95: timedelta | None
    run_p99: timedelta | None
    run_time: timedelta
    time_share: float
    ended_by_step: list[int]
    failed_by_step: list[int]
    spark: Any


class Default(NamedTuple):
    """What the jobs of a task get of an option, who says so, and what that hides of the code's."""

    option: str
    value: str
    by: str
    hides: str | None


class Rows(NamedTuple):
    """A page of rows; of_all: how many all pages have; the links are None at the ends."""

    rows: list[Row]
    first: int
    last: int
    of_all: int
    previous: str | None
    next: str | None


SORTS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "time": lambda row: -row.run_time,
    "task": lambda row: row.task,
    "ended": lambda row: -row.ended,
    "failed": lambda row: -row.failed_share,
    "retried": lambda row: -row.retried_share,
    "p95": lambda row: -(length(row.run_p95) or 0),
    "wait": lambda row: -(length(row.wait_p95) or 0),
}


def tasks(visit: Visit) -> View:
    """Show the tasks of a window, those first that workers ran the longest."""
    window = chosen(visit)
    by = visit.arg("sort")
    by = by if by in SORTS else "time"
    return View(
        "Tasks",
        "tasks.html",
        window=window.name,
        windows=choices(visit, window),
        sort=by,
        sorts={name: visit.links.here(sort=name, page=None, said=None) for name in SORTS},
        list=lambda: _list(visit, window, SORTS[by]),
    )


def task(visit: Visit) -> View:
    """Show one task over time, of one queue or of all."""
    name, queue = visit.name("name"), queue_of(visit)
    window = chosen(visit)
    return View(
        name,
        "task.html",
        task=name,
        queue=queue,
        window=window.name,
        windows=choices(visit, window),
        rows=lambda: [row for row in _rows(visit, window)
                      if row.task == name and queue in (None, row.queue)],
        ended=lambda: _ended(visit, window, name, queue),
        lengths=lambda: _lengths(visit, window, name, queue),
        heat=lambda: _heat(visit, window, name, queue),
        errors=lambda: groups_of(visit, window.since(visit.now), queue, name, 5),
        defaults=lambda: _defaults(visit, name),
        pause=lambda: next(
            (each for each in visit.ask(Client.pause_status) if each.task == name), None
        ),
    )  # fmt: skip


def _defaults(visit: Visit, task: str) -> list[Default]:
    """Return the defaults that somebody has named, unless jobs go to a queue of others by them."""
    return [
        Default(
            option,
            _text(value),
            "an operator" if option in each.configured else each.source or "code",
            _text(each.declared[option])
            if option in each.configured and option in each.declared
            else None,
        )
        for each in visit.ask(Client.task_settings, task)
        if visit.access.reaches(each.options.get("queue", "default"))
        for option, value in sorted(each.options.items())
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _list(visit: Visit, window: Window, by: Callable[[Row], Any]) -> Rows:
    """Return the rows of the page that was asked for, with what ended in each step."""
    found = sorted(_rows(visit, window), key=by)
    asked = visit.arg("page")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    first = min(max(number - 1, 0), max(len(found) - 1, 0) // SIZE) * SIZE
    shown = found[first : first + SIZE]
    steps = _by_step(visit, window, [row.task for row in shown])
    here = first // SIZE + 1
    return Rows(
        [_with_steps(row, steps.get((row.queue, row.task))) for row in shown],
        first + 1,
        first + len(shown),
        len(found),
        visit.links.here(page=here - 1, said=None) if here > 1 else None,
        visit.links.here(page=here + 1, said=None) if first + SIZE < len(found) else None,
    )


def _rows(visit: Visit, window: Window) -> list[Row]:
    # Of somebody who may see some queues, those of the others do not count.
    most = _MOST if visit.access.queues is None else _MOST_OF_ALL
    found = visit.ask(Client.task_stats, since=window.since(visit.now), max_tasks=most)
    reached = [each for each in found if visit.access.reaches(each.queue)][:_MOST]
    total = sum((each.run_time for each in reached), timedelta(0))
    return [_row(each, total) for each in reached]


def _by_step(visit: Visit, window: Window, names: list[str]) -> dict[tuple[str, str], TaskActivity]:
    """Return what ended in each step of the window, by queue and task."""
    if not names:
        return {}
    asked = [*dict.fromkeys(names)]
    # Half as many steps as a chart has: it is drawn small.
    found = visit.ask(
        Client.task_activity, asked, since=window.since(visit.now), step=2 * window.step
    )
    return {(each.queue, each.task): each for each in found}


def _with_steps(row: Row, steps: TaskActivity | None) -> Row:
    if steps is None:
        return row
    return row._replace(
        ended_by_step=steps.ended,
        failed_by_step=steps.failed,
        spark=sparkline("ended in the window", steps.ended, steps.failed),
    )


def _row(each: TaskStats, total: timedelta) -> Row:
    ended = each.succeeded + each.failed + each.cancelled + each.expired
    attempts = ended + each.retried
    return Row(
        each.task,
        each.queue,
        ended,
        each.failed,
        each.failed / ended if ended else 0.0,
        each.retried,
        each.retried / attempts if attempts else 0.0,
        each.lost,
        each.wait_p95,
        each.run_mean,
        each.run_p50,
        each.run_p95,
        each.run_p99,
        each.run_time,
        each.run_time / total if total else 0.0,
        [],
        [],
        None,
    )


def _steps(visit: Visit, window: Window, task: str, queue: str | None) -> list[StatStep]:
    since = window.since(visit.now)
    return visit.ask(Client.stats, queue=queue, task=task, since=since, step=window.step)


def _ended(visit: Visit, window: Window, task: str, queue: str | None) -> Drawing:
    steps = _steps(visit, window, task, queue)
    stacks = [Stack(word, [getattr(step, word) for step in steps]) for word in OUTCOMES]
    used = [each for each in stacks if any(each.counts)] or stacks[:1]
    lines = [Line("p95 wait", [length(step.wait_p95) for step in steps])]
    marks = visit.ask(Client.marks, since=window.since(visit.now))
    about = f"Outcomes of {task}"
    return series("ended", about, [step.at for step in steps], used, lines, marks)


def _lengths(visit: Visit, window: Window, task: str, queue: str | None) -> Drawing:
    steps = _steps(visit, window, task, queue)
    lines = [
        Line("p50", [length(step.run_p50) for step in steps]),
        Line("p95", [length(step.run_p95) for step in steps]),
        Line("p99", [length(step.run_p99) for step in steps]),
    ]
    marks = visit.ask(Client.marks, since=window.since(visit.now))
    about = f"How long {task} ran"
    return series("ran", about, [step.at for step in steps], (), lines, marks)


def _heat(visit: Visit, window: Window, task: str, queue: str | None) -> Drawing | None:
    since = window.since(visit.now)
    found = visit.ask(Client.run_times, queue=queue, task=task, since=since, step=window.step)
    if not found:
        return None
    times = [step.at for step in _steps(visit, window, task, queue)]
    by_time: dict[Any, dict[int, int]] = {at: {} for at in times}
    for each in found:
        by_time.setdefault(each.at, {})[each.bucket] = each.jobs
    ordered = sorted(by_time)
    return heat_map(f"How long {task} ran", ordered, [by_time[at] for at in ordered])


PAGES: Final = (
    Page("tasks", "/tasks", tasks, nav="Tasks", order=50, key="t"),
    Page("task", "/task", task),
)
