"""What the screens of `pgq top` show: their columns, and which give way where it is narrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pgq.cli.output import as_text, clean

Row = Mapping[str, Any]
"""A line of a screen: plain values under the columns' names, as `--json` writes them."""

_BARS: Final = "▁▂▃▄▅▆▇█"


class Column(NamedTuple):
    """A column of a screen.

    `gives_way`: where it is too narrow, columns are left out, the highest number first; 0 stays.
    `least`: a text may be cut to so many characters before that; 0: never.
    """

    name: str
    title: str
    gives_way: int = 0
    least: int = 0
    right: bool = False
    show: Callable[[Any], str] = as_text


class Screen(NamedTuple):
    """A screen: `sort` is the column it is sorted by at first, `down` whether the highest first."""

    name: str
    columns: tuple[Column, ...]
    sort: str
    down: bool
    empty: str
    key: str
    """The column that tells its rows apart."""


def short(length: timedelta | None) -> str:
    """Return a length of time in five characters or so: "7ms", "2.5s", "59s", "12m", "3h", "9d"."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds <= 0:
        return "0s"
    for below, unit, form in (
        (0.9995, 0.001, "{:.0f}ms"),
        (9.95, 1, "{:.1f}s"),
        (99.5, 1, "{:.0f}s"),
        (5970, 60, "{:.0f}m"),
        (356_400, 3600, "{:.0f}h"),
    ):
        if seconds < below:
            return form.format(seconds / unit)
    return f"{seconds / 86_400:.0f}d"


def many(number: int | None) -> str:
    """Return a number with its thousands apart."""
    return "" if number is None else f"{number:,}"


def ago(moment: datetime | None) -> str:
    """Return how long ago something was, or in how long it will be."""
    if moment is None:
        return ""
    since = datetime.now(moment.tzinfo) - moment
    return f"in {short(-since)}" if since < timedelta(0) else short(since)


def percent(share: float | None) -> str:
    """Return a share of one in per cent."""
    if share is None:
        return ""
    return f"{100 * share:.1f}%" if 0 < share < 0.0995 else f"{100 * share:.0f}%"


def spark(numbers: list[int] | None) -> str:
    """Return numbers as bars, the highest is the highest of them."""
    if not numbers:
        return ""
    top = max(numbers)
    return "".join(
        " " if number <= 0 else _BARS[max(0, -(-number * len(_BARS) // top) - 1)]
        for number in numbers
    )


def progress(value: object) -> str:
    """Return what a handler said of its progress: a bar where that is a share, else the text."""
    share = share_done(value)
    if share is None:
        return "" if value is None else as_text(value)
    full = round(10 * share)
    return f"{'█' * full}{'░' * (10 - full)} {share:4.0%}"


def share_done(value: object) -> float | None:
    """Return a progress as a share of one; None where it says no such thing.

    Known are numbers up to 1, numbers up to 100 (per cent), and objects with done (or current) and
    of (or total).
    """
    match value:
        case bool():
            return None
        case int() | float():
            share = value if isinstance(value, float) and value <= 1 else value / 100
        case {"done": int() | float() as done, "of": int() | float() as total} if total:
            share = done / total
        case {"done": int() | float() as done, "total": int() | float() as total} if total:
            share = done / total
        case {"current": int() | float() as done, "total": int() | float() as total} if total:
            share = done / total
        case {"percent": int() | float() as of_hundred}:
            share = of_hundred / 100
        case _:
            return None
    return share if 0 <= share <= 1 else None


def name(text: object) -> str:
    """Return a name on one line, without what could steer a terminal or turn its writing round."""
    return "".join(
        character if character.isprintable() else f"\\x{ord(character):02x}"
        for character in clean("" if text is None else str(text))
    )


def columns_of(screen: Screen, rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return a screen's columns, with the database in front where the rows are of several."""
    return (_DATABASE, *screen.columns) if rows and "database" in rows[0] else screen.columns


def arranged(screen: Screen, rows: Sequence[Row], sort: str, down: bool, wanted: str) -> list[Row]:
    """Return the rows that hold a text, in an order; rows without a value come last."""
    texts = wanted.casefold()
    columns = columns_of(screen, rows)
    found = [
        row
        for row in rows
        if not texts or any(texts in str(row.get(column.name, "")).casefold() for column in columns)
    ]
    found.sort(key=lambda row: (str(row.get("database")), str(row.get(screen.key))))
    known = [row for row in found if row.get(sort) not in (None, "")]
    known.sort(key=lambda row: _sortable(row[sort]), reverse=down)
    return known + [row for row in found if row.get(sort) in (None, "")]


def _sortable(value: Any) -> tuple[int, Any]:
    match value:
        case bool() | int() | float():
            return (0, value)
        case timedelta():
            return (0, value.total_seconds())
        case list():
            return (0, sum(value))
        case str():
            return (1, value.casefold())
        case dict():
            return (1, str(value))
        case _:
            return (0, value.timestamp())


def _name(title: str, least: int = 18, gives_way: int = 0) -> Column:
    return Column(title, title, gives_way, least, show=name)


def _number(title: str, gives_way: int, called: str = "") -> Column:
    return Column(title, called or title, gives_way, right=True, show=many)


def _length(title: str, gives_way: int, called: str = "") -> Column:
    return Column(title, called or title, gives_way, right=True, show=short)


_DATABASE: Final = _name("database", 6)

SCREENS: Final = (
    Screen(
        "queues",
        (
            _name("queue"),
            Column("status", "status", 3, show=name),
            _number("ready", 0),
            _number("scheduled", 6, "sched"),
            _number("blocked", 5),
            _number("running", 0, "run"),
            _length("lag", 0),
            _number("ended", 4, "ended/h"),
            Column("failed_share", "failed", 2, right=True, show=percent),
            _length("run_p95", 7, "run p95"),
            _length("wait_p95", 8, "wait p95"),
            Column("minutes", "ended/min, 20 min", 9, show=spark),
        ),
        "lag",
        True,
        "no queues in use",
        "queue",
    ),
    Screen(
        "running",
        (
            Column("id", "id", right=True),
            _name("task"),
            _name("queue", 8, 5),
            _name("worker", 8, 4),
            Column("attempt", "att", 3, right=True),
            _length("age", 0),
            _length("usual_p95", 2, "usual p95"),
            Column("progress", "progress", 1, 15, show=lambda value: name(progress(value))),
        ),
        "age",
        True,
        "nothing runs",
        "id",
    ),
    Screen(
        "tasks",
        (
            _name("task"),
            _name("queue", 8, 6),
            _number("ended", 0, "ended/h"),
            _number("failed", 0),
            _number("retried", 2),
            Column("failed_share", "fail%", 5, right=True, show=percent),
            _length("run_mean", 7, "mean"),
            _length("run_p50", 8, "p50"),
            _length("run_p95", 0, "run p95"),
            _length("run_p99", 9, "p99"),
            _length("wait_p95", 4, "wait p95"),
            Column("share", "share", 3, right=True, show=percent),
        ),
        "share",
        True,
        "nothing has run in the last hour",
        "task",
    ),
    Screen(
        "workers",
        (
            Column("id", "id", right=True),
            _name("name"),
            Column("status", "status", show=name),
            Column("running", "run", right=True),
            _number("slots", 2),
            _name("queues", 8, 3),
            _length("silence", 1),
            _length("uptime", 4),
            _name("host", 8, 6),
            Column("pid", "pid", 5, right=True),
            _name("version", 5, 7),
        ),
        "running",
        True,
        "no workers",
        "id",
    ),
    Screen(
        "errors",
        (
            _number("attempts", 0, "runs"),
            _number("failed", 0),
            _name("task", 10),
            Column("error", "error", 0, 24, show=name),
            Column("last_seen", "last", 1, right=True, show=ago),
            Column("first_seen", "first", 4, right=True, show=ago),
            Column("last_job", "last job", 2, right=True),
            Column("fingerprint", "fingerprint", 5),
        ),
        "attempts",
        True,
        "no errors in the last day",
        "fingerprint",
    ),
    Screen(
        "schedules",
        (
            _name("schedule"),
            Column("timing", "timing", 4, 10, show=name),
            _name("task", 8, 5),
            _name("queue", 8, 6),
            Column("status", "status", show=name),
            Column("next", "next", 0, right=True, show=ago),
            Column("last", "last", 2, right=True, show=ago),
            Column("outcome", "outcome", 3, show=name),
            Column("problem", "problem", 1, 12, show=name),
        ),
        "next",
        False,
        "no schedules",
        "schedule",
    ),
)
