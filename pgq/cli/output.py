"""Write answers: aligned text for people (by rich on a terminal, if installed) or JSON.

Text that came from the database never reaches a terminal with control characters in it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click

# Also those that change the direction or the line of the text around them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

# A text column of a table keeps so many places, and those of its title.
_LEAST = 6

# Longer JSON is spread over lines where there is room for them.
_SHORT_JSON = 80

_STYLES = {
    "running": "cyan",
    "busy": "cyan",
    "succeeded": "green",
    "retried": "green",
    "cancelled": "yellow",
    "scheduled": "blue",
    "blocked": "magenta",
    "failed": "red",
    "expired": "red",
    "lost": "red",
    "silent": "red",
}


def write_json(value: object) -> None:
    """Write one JSON document: times as ISO 8601 in UTC, intervals in seconds."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def write_json_line(value: object) -> None:
    """Write one JSON document on a line of its own, in the same words, and at once."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def write_table(titles: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Write rows below their titles, numbers to the right; `empty` where there is none.

    On a terminal the longest texts are shortened, so that a row takes one line.
    """
    found = list(rows)
    cells = [[as_text(value) for value in row] for row in found]
    right = [bool(found) and all(_is_number(row[n]) for row in found) for n in range(len(titles))]
    heads = [[title] for title in titles]
    if sys.stdout.isatty():
        heads, cells = fit(heads, cells, right, shutil.get_terminal_size((80, 24)).columns)
    if not cells:
        click.echo(empty)
    elif has_rich():
        _write_rich_table(heads, cells, right)
    else:
        height = max(map(len, heads))
        above = [[head[n] if n < len(head) else "" for head in heads] for n in range(height)]
        lines = [*above, *cells]
        widths = [max(_width(line[n]) for line in lines) for n in range(len(titles))]
        for line in lines:
            padded = (
                " " * (width - _width(cell)) * is_right
                + cell
                + " " * (width - _width(cell)) * (not is_right)
                for cell, width, is_right in zip(line, widths, right, strict=True)
            )
            click.echo("  ".join(padded).rstrip())


def fit(
    heads: list[list[str]], cells: list[list[str]], right: Sequence[bool], room: int
) -> tuple[list[list[str]], list[list[str]]]:
    """Shorten the longest texts of a table, never numbers, until its rows are not wider than room.

    If that is not enough, titles of several words take several lines.
    """
    for folded in (heads, [re.sub("[ _]", "\\g<0>\n", head[0]).split("\n") for head in heads]):
        titles = [max(map(_width, head)) for head in folded]
        widths = [
            max([title, *(_width(line[n]) for line in cells)]) for n, title in enumerate(titles)
        ]
        least = [
            width if is_number else min(width, max(title, _LEAST))
            for width, title, is_number in zip(widths, titles, right, strict=True)
        ]
        excess = sum(widths) + 2 * (len(widths) - 1) - room
        while excess > 0 and widths != least:
            open_ = [n for n, width in enumerate(widths) if width > least[n]]
            widest = max(open_, key=lambda n: widths[n])
            # Down to the next one, or as far as needed.
            below = max([least[widest], *(widths[n] for n in open_ if widths[n] < widths[widest])])
            by = max(1, min(widths[widest] - below, excess))
            widths[widest] -= by
            excess -= by
        if excess <= 0:
            break
    return folded, [
        [shorten(cell, width) for cell, width in zip(line, widths, strict=True)] for line in cells
    ]


def shorten(text: str, room: int) -> str:
    """Leave out the middle of a text that is wider: names often differ only at their end."""
    if _width(text) <= room:
        return text
    kept = max(room - 3, 0)
    head, tail = _start(text, kept - kept // 2), _start(text[::-1], kept // 2)[::-1]
    return f"{head}...{tail}"


def _start(text: str, room: int) -> str:
    taken = 0
    for place, letter in enumerate(text):
        taken += _width(letter)
        if taken > room:
            return text[:place]
    return text


def _width(text: str) -> int:
    """Return how many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def write_details(values: Mapping[str, object]) -> None:
    """Write one thing, a line per value; a value of several lines stands below its name."""
    shown = {name: as_text(value, lines=True) for name, value in values.items()}
    width = max(len(name) for name in shown)
    for name, text in shown.items():
        label = click.style(f"{name:<{width}}", bold=True) if has_colour() else f"{name:<{width}}"
        lines = text.split("\n")
        if len(lines) > 1:
            click.echo("\n    ".join((label.rstrip(), *lines)))
        else:
            click.echo(f"{label}  {text}".rstrip())


def record(row: NamedTuple) -> dict[str, Any]:
    """Return a client's row under its columns' names, in their order."""
    return row._asdict()


def as_text(value: object, *, lines: bool = False) -> str:
    """Return a value as people read it; on one line unless `lines`."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
        case timedelta():
            return span(value)
        case dict() | list():
            text = json.dumps(value, ensure_ascii=False)
            if lines and len(text) > _SHORT_JSON:
                text = json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            text = str(value)
    return clean(text) if lines else " ".join(clean(text).split())


def clean(text: str) -> str:
    """Return text with its control characters, which could steer a terminal, made visible."""
    return _CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units: "2d 4h", "3m 12s", "0.4s"."""
    seconds = length.total_seconds()
    if seconds < 0:
        return f"-{span(-length)}"
    if seconds < 10:
        return f"{seconds:.1f}s"
    parts: list[str] = []
    left = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, left = divmod(left, size)
        if amount or parts:
            parts.append(f"{amount}{unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0"))


def has_rich() -> bool:
    """Say whether stdout is a terminal and rich is there to draw on it."""
    return sys.stdout.isatty() and importlib.util.find_spec("rich") is not None


def has_colour() -> bool:
    """Say whether stdout takes colours: a terminal, where NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def styled(word: str, width: int) -> str:
    """Return a word filled up to a width, in its colour where stdout takes colours."""
    text = word.ljust(width)
    style = _STYLES.get(word)
    return click.style(text, fg=style) if style and has_colour() else text


def _write_rich_table(
    heads: list[list[str]], cells: list[list[str]], right: Sequence[bool]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Two spaces between columns, as without rich.
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
    for head, is_right in zip(heads, right, strict=True):
        table.add_column(Text("\n".join(head)), justify="right" if is_right else "left")
    for line in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in line))
    Console().print(table)


def _is_number(value: object) -> bool:
    match value:
        case bool():
            return False
        case str():
            return re.fullmatch(r"[\d,]+", value) is not None
        case _:
            return value is None or isinstance(value, int | float | timedelta)


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")
