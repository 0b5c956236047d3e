"""Write answers: aligned text for people (by rich on a terminal, if installed) or JSON.

Text that came from the database never reaches a terminal with control characters in it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click

# Also those that change the direction or the line of the text around them.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

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
    """Write rows below their titles, numbers to the right; `empty` where there is none."""
    found = list(rows)
    cells = [[as_text(value) for value in row] for row in found]
    right = [bool(found) and all(_is_number(row[n]) for row in found) for n in range(len(titles))]
    if not cells:
        click.echo(empty)
    elif has_rich():
        _write_rich_table(titles, cells, right)
    else:
        lines = [list(titles), *cells]
        widths = [max(len(line[n]) for line in lines) for n in range(len(titles))]
        for line in lines:
            padded = (
                cell.rjust(width) if is_right else cell.ljust(width)
                for cell, width, is_right in zip(line, widths, right, strict=True)
            )
            click.echo("  ".join(padded).rstrip())


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


def _write_rich_table(titles: Sequence[str], cells: list[list[str]], right: Sequence[bool]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title, is_right in zip(titles, right, strict=True):
        table.add_column(Text(title), justify="right" if is_right else "left")
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
