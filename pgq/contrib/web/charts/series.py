"""Columns over time, stacked by what they count, with lines of lengths of time above them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from pgq.contrib.web.charts.markup import (
    Drawing,
    Markup,
    drawn,
    label,
    number,
    patterns,
    per_cent,
    swatch,
    title,
)
from pgq.contrib.web.charts.scale import (
    count,
    grouped,
    log_ticks,
    moment,
    seconds,
    ticks,
    time_ticks,
)
from pgq.reports import Mark

HEIGHT: Final = 180
# Room for what is written above and below the columns.
TOP, BOTTOM = 16, 18
_WIDTH_OF_COLUMN: Final = 0.82
_BETWEEN_LABELS: Final = 0.14


class Stack(NamedTuple):
    """How many of something there were in each step; the word is also the class of its colour."""

    word: str
    counts: Sequence[float]


class Line(NamedTuple):
    """A length of time in seconds in each step, None for none; the word is what it is called."""

    word: str
    lengths: Sequence[float | None]


def series(
    name: str,
    about: str,
    times: Sequence[datetime],
    stacks: Sequence[Stack] = (),
    lines: Sequence[Line] = (),
    marks: Iterable[Mark] = (),
    *,
    height: int = HEIGHT,
    highest: bool = False,
) -> Drawing:
    """Draw what happened in each step that begins at `times`, which are equally far apart.

    `name` is unique on a page, of letters. Lines are on an axis of their own, at the right, by
    powers. Neighbours are drawn as one where there are more than 120: their counts are added, or
    with `highest` the greatest one is taken, as that of lines always is.
    """
    groups = grouped(len(times))
    begins = [times[group[0]] for group in groups]
    step = (times[1] - times[0]) * len(groups[0]) if len(times) > 1 else timedelta(minutes=1)
    merge = max if highest else sum
    stacks = [
        Stack(each.word, [merge(each.counts[n] for n in group) for group in groups])
        for each in stacks
    ]
    lines = [
        Line(each.word, [_greatest(each.lengths[n] for n in group) for group in groups])
        for each in lines
    ]
    totals = [sum(each.counts[n] for each in stacks) for n in range(len(begins))]
    used = [each.word for each in stacks if any(each.counts)]
    window = step * len(begins)
    numbers = ticks(max(totals, default=0)) if stacks else []
    scale = _scale(lines, height)
    parts = [
        patterns(name, used),
        *_grid(numbers, height),
        *_columns(name, begins, window, stacks, lines, totals, height),
        *_lines(lines, scale, alone=not stacks),
        *_marks(marks, begins, window, height),
        *_times(begins, window, height),
        *_numbers(numbers, height),
        *_lengths(scale),
    ]
    # The sheet makes room at the sides, where the numbers stand.
    kind = " ".join(["series", *(["counts"] if stacks else []), *(["lengths"] if scale else [])])
    rows = [
        (
            f"{at:%Y-%m-%d %H:%M}",
            *(f"{each.counts[n]:g}" for each in stacks),
            *(_said(each.lengths[n]) for each in lines),
        )
        for n, at in enumerate(begins)
    ]
    titles = ("from", *(each.word for each in stacks), *(each.word for each in lines))
    return Drawing(drawn(kind, height, about, parts), titles, rows, _legend(name, used, lines))


def _legend(name: str, used: Sequence[str], lines: Sequence[Line]) -> list[tuple[Markup, str]]:
    stacked = [
        (swatch(f'<rect width="12" height="12" fill="url(#{name}-{word})"/>'), word)
        for word in used
    ]
    drawn_lines = [
        (swatch(f'<line class="line line-{place}" x1="0" x2="12" y1="6" y2="6"/>'), line.word)
        for place, line in enumerate(lines, 1)
    ]
    return stacked + drawn_lines


def _greatest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _said(value: float | None) -> str:
    return "" if value is None else seconds(value)


def _floor(height: int) -> int:
    return height - BOTTOM


def _grid(numbers: Sequence[float], height: int) -> Iterator[str]:
    for value in numbers:
        y = _height_of(value, numbers, height)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>'


def _numbers(numbers: Sequence[float], height: int) -> Iterator[str]:
    """Yield the numbers of the grid, which stand at the left of the columns."""
    for value in numbers:
        text = number(float(_height_of(value, numbers, height)) + 3.5)
        yield f'<text class="axis end" x="0" dx="-6" y="{text}">{count(value)}</text>'


def _height_of(value: float, numbers: Sequence[float], height: int) -> str:
    room = _floor(height) - TOP
    return number(_floor(height) - room * value / numbers[-1])


def _columns(
    name: str,
    begins: Sequence[datetime],
    window: timedelta,
    stacks: Sequence[Stack],
    lines: Sequence[Line],
    totals: Sequence[float],
    height: int,
) -> Iterator[str]:
    room, top = _floor(height) - TOP, ticks(max(totals, default=0))[-1]
    width = 1 / max(1, len(begins))
    for n, at in enumerate(begins):
        said = [f"{each.counts[n]:g} {each.word}" for each in stacks if each.counts[n]]
        said += [
            f"{each.word} {seconds(length)}"
            for each in lines
            if (length := each.lengths[n]) is not None
        ]
        what = f"{moment(at, window)}: {', '.join(said) or 'nothing'}"
        bars, y = [], float(_floor(height))
        for each in stacks:
            tall = room * each.counts[n] / top
            if tall <= 0:
                continue
            tall = max(tall, 1.0)  # one failure among thousands is still seen
            y -= tall
            bars.append(
                f'<rect x="{per_cent((n + (1 - _WIDTH_OF_COLUMN) / 2) * width)}"'
                f' width="{per_cent(width * _WIDTH_OF_COLUMN)}" y="{number(y)}"'
                f' height="{number(tall)}" fill="url(#{name}-{each.word})"/>'
            )
        yield (
            f'<g>{title(what)}<rect class="hit" x="{per_cent(n * width)}"'
            f' width="{per_cent(width)}" y="0" height="{_floor(height)}"/>{"".join(bars)}</g>'
        )


class _Scale(NamedTuple):
    """Where lengths of time stand, by powers, and which are written."""

    written: Sequence[float]
    y_of: Callable[[float], str]


def _scale(lines: Sequence[Line], height: int) -> _Scale | None:
    known = [each for line in lines for each in line.lengths if each is not None]
    if not known:
        return None
    axis = log_ticks(max(min(known), 0.001), max(known))
    low, high = math.log(axis[0]), math.log(axis[-1])
    room = _floor(height) - TOP

    def y_of(length: float) -> str:
        at = (math.log(min(max(length, axis[0]), axis[-1])) - low) / (high - low)
        return number(_floor(height) - room * at)

    return _Scale(axis, y_of)


def _lengths(scale: _Scale | None) -> Iterator[str]:
    """Yield the lengths of time of the axis, at the right of the columns."""
    for each in scale.written if scale else ():
        text = number(float(scale.y_of(each)) + 3.5) if scale else ""
        yield f'<text class="axis" x="100%" dx="6" y="{text}">{label(seconds(each))}</text>'


def _lines(lines: Sequence[Line], scale: _Scale | None, *, alone: bool) -> Iterator[str]:
    if scale is None:
        return
    for each in scale.written if alone else ():
        y = scale.y_of(each)
        yield f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
    for place, line in enumerate(lines, 1):
        yield f'<g class="line line-{place}">'
        yield from _segments(line, scale.y_of)
        yield "</g>"


def _segments(line: Line, y_of: Callable[[float], str]) -> Iterator[str]:
    width = 1 / len(line.lengths)
    last: tuple[str, str] | None = None
    joined = False
    for n, length in enumerate(line.lengths):
        here = None if length is None else (per_cent((n + 0.5) * width), y_of(length))
        if last and here:
            yield f'<line x1="{last[0]}" y1="{last[1]}" x2="{here[0]}" y2="{here[1]}"/>'
        if here is None and last and not joined:
            yield f'<circle cx="{last[0]}" cy="{last[1]}" r="1.5"/>'
        joined = bool(last and here)
        last = here
    if last and not joined:
        yield f'<circle cx="{last[0]}" cy="{last[1]}" r="1.5"/>'


def _marks(
    marks: Iterable[Mark], begins: Sequence[datetime], window: timedelta, height: int
) -> Iterator[str]:
    free = 0.0
    for mark in sorted(marks):
        at = (mark.at - begins[0]) / window if begins else -1.0
        if not 0 <= at <= 1:
            continue
        x = per_cent(at)
        yield (
            f'<g class="mark">{title(f"{mark.label}, {mark.at:%Y-%m-%d %H:%M}")}'
            f'<line x1="{x}" x2="{x}" y1="0" y2="{_floor(height)}"/>'
        )
        if at >= free:
            end = at > 1 - _BETWEEN_LABELS
            yield (
                f'<text class="axis{" end" if end else ""}" x="{x}" y="10"'
                f' dx="{-4 if end else 4}">{label(mark.label, 18)}</text>'
            )
            free = at + _BETWEEN_LABELS
        yield "</g>"


def _times(begins: Sequence[datetime], window: timedelta, height: int) -> Iterator[str]:
    for n in time_ticks(begins):
        at = n / len(begins)
        kind = "axis" if at < 0.04 else "axis middle"
        yield (
            f'<text class="{kind}" x="{per_cent(at)}" y="{height - 4}">'
            f"{moment(begins[n], window)}</text>"
        )
