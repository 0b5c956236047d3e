"""The story of one job on a line of time, on which long waits are broken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

from pgq.contrib.web.charts.markup import Drawing, drawn, label, number, patterns, per_cent, title
from pgq.contrib.web.charts.scale import seconds

Kind = Literal[
    "scheduled", "blocked", "ready", "running", "succeeded", "failed", "lost", "cancelled",
    "backoff", "unknown",
]  # fmt: skip

_TOP, _BAR, _HEIGHT = 18, 26, 62
# A broken part has this share of the width, any other one at least the second.
_BROKEN, _LEAST = 0.12, 0.012
# A wait is broken off when it takes more than this share of what is left.
_TOO_LONG: Final = 0.55
_WORTH_A_LABEL: Final = 0.11
# Runs are what one looks at, so they are never broken off.
_RUNS: Final = {"running", "succeeded", "failed", "lost"}


class Phase(NamedTuple):
    """A part of a job's life; `what` says it in words, `short` inside its bar."""

    kind: Kind
    start: datetime
    end: datetime
    what: str
    short: str = ""
    is_open: bool = False
    """Whether it goes on: `end` is now."""

    @property
    def length(self) -> float:
        """How long it took, in seconds."""
        return max(0.0, (self.end - self.start).total_seconds())


def timeline(name: str, about: str, phases: Sequence[Phase]) -> Drawing:
    """Draw the phases one after the other, in their order; waits that would hide all else, broken.

    A broken part has a mark across it, and how long it was stands below it as for all others.
    """
    widths, broken = _widths(phases)
    parts = [patterns(name, sorted({phase.kind for phase in phases}))]
    left = 0.0
    for n, (phase, width) in enumerate(zip(phases, widths, strict=True)):
        parts.extend(_bar(name, phase, left, width, broken=n in broken))
        left += width
    parts.extend(_times(phases, widths))
    rows = [
        (
            f"{phase.start:%Y-%m-%d %H:%M:%S}",
            phase.what,
            seconds(phase.length) + (" so far" if phase.is_open else ""),
        )
        for phase in phases
    ]
    drawing = drawn("timeline", _HEIGHT, about, parts)
    return Drawing(drawing, ("from", "what", "how long"), rows)


def _widths(phases: Sequence[Phase]) -> tuple[list[float], set[int]]:
    """Return the share of each phase, and which are broken off."""
    lengths = [phase.length for phase in phases]
    broken: set[int] = set()
    for n in sorted(range(len(phases)), key=lambda n: -lengths[n]):
        rest = sum(length for place, length in enumerate(lengths) if place not in broken)
        if rest <= 0 or lengths[n] / rest <= _TOO_LONG:
            break
        if phases[n].kind in _RUNS or len(broken) == len(phases) - 1:
            continue
        broken.add(n)
    whole = [n for n in range(len(phases)) if n not in broken]
    total = sum(lengths[n] for n in whole)
    room = max(0.3, 1 - _BROKEN * len(broken))
    raw = [
        _BROKEN
        if n in broken
        else max(_LEAST, room * (lengths[n] / total if total else 1 / max(1, len(whole))))
        for n in range(len(phases))
    ]
    return [width / sum(raw) for width in raw], broken


def _bar(name: str, phase: Phase, left: float, width: float, *, broken: bool) -> Iterator[str]:
    so_far = " so far" if phase.is_open else ""
    middle = per_cent(left + width / 2)
    yield (
        f"<g>{title(f'{phase.what}, {seconds(phase.length)}{so_far}')}"
        f'<rect class="{"bar open" if phase.is_open else "bar"}" x="{per_cent(left)}"'
        f' width="{per_cent(width)}" y="{_TOP}" height="{_BAR}" fill="url(#{name}-{phase.kind})"/>'
    )
    if broken:
        yield (
            f'<svg class="break" x="{middle}" y="{_TOP - 3}" overflow="visible">'
            f'<path class="gap" d="M-3 {_BAR + 6}L3 0h6L3 {_BAR + 6}z"/></svg>'
        )
    if phase.short and width >= _WORTH_A_LABEL:
        yield f'<text class="name" x="{middle}" y="{_TOP - 6}">{label(phase.short, 24)}</text>'
    if width >= _WORTH_A_LABEL * 0.7:
        yield (
            f'<text class="axis middle" x="{middle}" y="{_HEIGHT - 4}">'
            f"{label(seconds(phase.length))}</text>"
        )
    yield "</g>"


def _times(phases: Sequence[Phase], widths: Sequence[float]) -> Iterator[str]:
    """Yield a line between two phases, where both can be seen."""
    left = 0.0
    for n in range(len(phases) - 1):
        left += widths[n]
        x = per_cent(left)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{number(_TOP + _BAR + 4)}"/>'
