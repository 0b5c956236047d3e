"""Lay a screen of `pgq top` out for a width and a height: lines of rich's Text.

It decides nothing: what is shown and where the cursor stands comes from the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from pgq.cli.top.columns import (
    SCREENS,
    Column,
    Row,
    Screen,
    ago,
    arranged,
    columns_of,
    many,
    name,
    percent,
    short,
)
from pgq.cli.top.look import Overview, Seen

_GAP: Final = "  "
_CUT: Final = "…"
# What no terminal is narrower than; a page for less is cut.
_NARROWEST: Final = 20
_STYLES: Final = {
    "ok": "green",
    "warn": "yellow",
    "fail": "bold red",
    "paused": "yellow",
    "pause": "yellow",
    "stop": "yellow",
    "limit": "yellow",
    "late": "yellow",
    "skipped": "yellow",
    "missed": "yellow",
    "no worker": "bold red",
    "silent": "bold red",
    "broken": "bold red",
    "busy": "cyan",
}
_COLOURED: Final = {"status", "outcome"}


def cut(text: str, width: int) -> str:
    """Return a text in so many cells at most; dots show that something is cut off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + _CUT if width > 0 else ""


def fitted(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int
) -> list[tuple[int, int]]:
    """Return which columns there is room for, by their places, each with its width.

    Texts are cut before a column is left out; then the one that gives way first goes.
    """
    natural = [
        max([cell_len(column.title), *(cell_len(line[place]) for line in cells)])
        for place, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    while True:
        wanted = {place: natural[place] for place in kept}
        over = sum(wanted.values()) + len(_GAP) * (len(kept) - 1) - width
        for place in sorted(kept, key=lambda place: -natural[place]):
            least = columns[place].least
            if over > 0 and least and wanted[place] > least:
                less = min(over, wanted[place] - max(least, cell_len(columns[place].title)))
                wanted[place] -= max(less, 0)
                over -= max(less, 0)
        giving = [place for place in kept if columns[place].gives_way]
        if over <= 0 or not giving:
            return [(place, wanted[place]) for place in kept]
        kept.remove(max(giving, key=lambda place: (columns[place].gives_way, place)))


def table(
    screen: Screen, rows: Sequence[Row], width: int, *, sort: str, down: bool, chosen: int = -1
) -> list[Text]:
    """Return a title and a line for each row; the chosen one is marked."""
    columns = columns_of(screen, rows)
    cells = [[column.show(row.get(column.name)) for column in columns] for row in rows]
    titled = [
        column._replace(title=column.title + ("▾" if down else "▴"))
        if column.name == sort
        else column
        for column in columns
    ]
    places = fitted(titled, cells, width)
    head = _line(titled, places, [column.title for column in titled], width)
    head.stylize("bold")
    lines = [head]
    for number, (row, line) in enumerate(zip(rows, cells, strict=True)):
        text = _line(columns, places, line, width, row)
        if number == chosen:
            text.stylize("reverse")
        lines.append(text)
    return lines


def _line(
    columns: Sequence[Column],
    places: Sequence[tuple[int, int]],
    cells: Sequence[str],
    width: int,
    row: Row | None = None,
) -> Text:
    text = Text(no_wrap=True)
    for place, wide in places:
        column = columns[place]
        if len(text):
            text.append(_GAP)
        cell = cut(cells[place], wide)
        pad = " " * (wide - cell_len(cell))
        style = _style(column.name, cells[place]) if row is not None else ""
        text.append(pad + cell if column.right else cell + pad, style)
    text.truncate(max(width, _NARROWEST))
    text.rstrip()
    return text


def _style(column: str, cell: str) -> str:
    if column in _COLOURED:
        return _STYLES.get(cell, "")
    return "red" if column in {"failed", "failed_share"} and cell not in {"", "0", "0%"} else ""


def summary(seen: Overview, width: int, clock: str, stale: str | None) -> list[Text]:
    """Return the two lines above every screen."""
    first = Text(no_wrap=True)
    first.append("pgq ", "bold")
    first.append(f"{name(seen.version)}  {name(seen.database)}  {clock}  ")
    first.append(seen.health, _STYLES.get(seen.health, ""))
    if seen.problems:
        first.append(f" {', '.join(map(name, seen.problems))}", "dim")
    if seen.statistics_lag is not None and seen.statistics_lag > 30:
        first.append(f"  statistics {short(timedelta(seconds=seen.statistics_lag))} late", "yellow")
    if stale:
        first = Text(f"{stale}", "bold red", no_wrap=True)
    about = "≈" if seen.estimated else ""
    parts = [
        f"ready {about}{many(seen.ready)}",
        f"running {many(seen.running)}/{many(seen.slots)}",
        f"ended {_rate(seen.ended_a_second)}/s",
        f"failed {many(seen.failed_a_minute)}/min",
        f"lag {short(seen.lag) or '0'}" + (f" ({name(seen.lag_queue)})" if seen.lag_queue else ""),
        "" if seen.enqueued_a_second is None else f"enqueued {_rate(seen.enqueued_a_second)}/s",
        f"workers {many(seen.workers)}",
        f"scheduled {many(seen.scheduled)}",
        f"blocked {many(seen.blocked)}",
    ]
    second = ""
    for part in filter(None, parts):
        longer = f"{second}{_GAP if second else ''}{part}"
        if cell_len(longer) <= width:
            second = longer
    for line in (first, (last := Text(second, no_wrap=True))):
        line.truncate(width, overflow="ellipsis")
    return [first, last]


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"


def tabs(current: str, width: int) -> Text:
    """Return the line that names the screens by their keys."""
    text = Text(no_wrap=True)
    for number, screen in enumerate(SCREENS, 1):
        text.append(f"{number} {screen.name}", "reverse" if screen.name == current else "dim")
        text.append(" " if width < 72 else _GAP)
    text.truncate(width, overflow="ellipsis")
    return text


def details(row: Row, screen: Screen) -> list[str]:
    """Return all of a row, a line for each value, as a detail is shown."""
    shown = {column.name: column.show for column in screen.columns}
    wide = max(len(key) for key in row)
    return [
        f"{key.replace('_', ' '):<{wide}}  {_whole(key, value, shown)}".rstrip()
        for key, value in row.items()
    ]


def _whole(key: str, value: Any, shown: dict[str, Any]) -> str:
    if isinstance(value, float):
        return percent(value)
    if hasattr(value, "tzinfo"):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}  ({ago(value)})"
    return str(shown.get(key, name)(value))


def plain(seen: Seen, width: int, wanted: str = "") -> list[str]:
    """Return one look as lines without colours, for a pipe or `--once`."""
    screen = next(each for each in SCREENS if each.name == seen.screen)
    rows = arranged(screen, seen.rows, screen.sort, screen.down, wanted)
    clock = f"{seen.at.astimezone():%H:%M:%S}"
    lines = [line.plain for line in summary(seen.overview, width, clock, None)]
    if not rows:
        return [*lines, "", screen.empty]
    found = table(screen, rows, width, sort="", down=False)
    return [*lines, "", *(line.plain for line in found)]
