"""Small drawings inside tables: a sparkline, a gauge, shares of a whole, a strip of outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from pgq.contrib.web.charts.markup import (
    Drawing,
    Markup,
    drawn,
    label,
    number,
    patterns,
    per_cent,
    stretched,
    title,
)
from pgq.contrib.web.charts.scale import count, grouped

_HEIGHT: Final = 20
# What stands in a square of a strip, so that its colour is not needed.
SIGNS: Final = {
    "succeeded": "✓",
    "enqueued": "✓",
    "fired": "✓",
    "failed": "✕",
    "error": "✕",
    "expired": "!",
    "lost": "?",
    "cancelled": "-",
    "skipped": "-",
    "missed": "!",
    "running": "▸",
    "ready": "·",
    "scheduled": "·",
    "blocked": "·",
}


class Tick(NamedTuple):
    """A square of a strip: its colour's word, when it was, and what it says."""

    word: str
    at: datetime
    text: str
    link: str | None = None


def sparkline(about: str, counts: Sequence[float], bad: Sequence[float] = ()) -> Markup:
    """Draw what happened in each step; the `bad` part of it stands at the bottom, in its colour."""
    groups = grouped(len(counts), 60)
    heights = [sum(counts[group.start : group.stop]) for group in groups]
    worse = [sum(bad[group.start : group.stop]) for group in groups] if any(bad) else []
    top = max(heights, default=0)
    said = f"{about}: {count(sum(heights))}"
    said += f", {count(sum(worse))} of them failed" if any(worse) else ""
    if not top:
        return stretched("spark", max(1, len(groups)), _HEIGHT, said, (_bars((), 1, "quiet"),))
    parts = (_bars(heights, top, "quiet"), _bars(worse, top, "c-failed"))
    return stretched("spark", len(groups), _HEIGHT, said, parts)


def _bars(values: Sequence[float], top: float, kind: str) -> str:
    drawn_bars = [
        f"M{n}.1 {_HEIGHT}v-{number(max(1.0, _HEIGHT * value / top))}h.8V{_HEIGHT}z"
        for n, value in enumerate(values)
        if value > 0
    ]
    return f'<path class="{kind}" d="{"".join(drawn_bars)}"/>' if drawn_bars else ""


def gauge(about: str, value: float, most: float | None) -> Markup:
    """Draw how much of a limit is taken; it is full from nine tenths on. Without one, no scale."""
    part = min(1.0, max(0.0, value / most)) if most else 0.0
    kind = "full" if part >= 0.9 else "taken"
    said = f"{about}: {value:g} of {most:g}" if most is not None else f"{about}: {value:g}"
    return stretched(
        "gauge",
        100,
        8,
        said,
        (
            '<rect class="rail" width="100" height="8"/>',
            f'<rect class="{kind}" width="{number(part * 100)}" height="8"/>' if part else "",
        ),
    )


def shares(name: str, about: str, parts: Mapping[str, float], total: float | None = None) -> Markup:
    """Draw parts of a whole, such as the outcomes of a batch, side by side in their order."""
    whole = max(total or 0, sum(parts.values()))
    shown = {word: part for word, part in parts.items() if part > 0}
    left, bars = 0.0, []
    for word, part in shown.items():
        width = part / whole
        bars.append(
            f'<g>{title(f"{part:g} {word}")}<rect x="{per_cent(left)}" width="{per_cent(width)}"'
            f' height="12" fill="url(#{name}-{word})"/></g>'
        )
        left += width
    said = ", ".join(f"{part:g} {word}" for word, part in shown.items()) or "nothing yet"
    rail = '<rect class="rail" width="100%" height="12"/>'
    return drawn("shares", 12, f"{about}: {said}", (patterns(name, shown), rail, *bars))


def strip(name: str, about: str, ticks: Sequence[Tick]) -> Drawing:
    """Draw outcomes in their order, the oldest first: a square with a sign for each."""
    size, gap, squares = 14, 3, []
    for n, tick in enumerate(ticks):
        x = n * (size + gap)
        square = (
            f'{title(tick.text)}<rect class="c-{tick.word}" x="{x}" width="{size}"'
            f' height="{size}" rx="2"/><text class="sign" x="{number(x + size / 2)}" y="11">'
            f"{SIGNS.get(tick.word, '·')}</text>"
        )
        squares.append(
            f'<a href="{label(tick.link, 2000)}">{square}</a>' if tick.link else f"<g>{square}</g>"
        )
    width = max(1, len(ticks) * (size + gap) - gap)
    svg = Markup(
        f'<svg class="strip" width="{width}" height="{size}" viewBox="0 0 {width} {size}"'
        f' role="img" aria-label="{label(about, 400)}" id="{name}">{"".join(squares)}</svg>'
    )
    rows = [(f"{tick.at:%Y-%m-%d %H:%M:%S}", tick.word, tick.text) for tick in ticks]
    return Drawing(svg, ("at", "outcome", "what"), rows)
