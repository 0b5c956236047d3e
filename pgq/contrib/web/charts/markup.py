"""Elements of SVG as text, and what a chart is: a drawing and a table with the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from pgq.contrib.web.text import visible

# What a label of a chart may be long.
LONGEST_LABEL: Final = 80

# How each colour looks to who does not see it. Every word is also the class of its colour.
PATTERNS: Final = {
    "failed": '<path class="hatch" d="M-1 1l2-2M0 6l6-6M5 7l2-2"/>',
    "expired": '<path class="hatch" d="M0 0l6 6M0 6l6-6"/>',
    "lost": '<path class="hatch" d="M3 0v6"/>',
    "cancelled": '<path class="hatch" d="M0 3h6"/>',
    "retried": '<circle class="dot" cx="1.5" cy="1.5" r="1"/><circle class="dot" cx="4.5" cy="4.5"'
    ' r="1"/>',
    "snoozed": '<circle class="dot" cx="3" cy="3" r="1"/>',
    "released": '<path class="hatch" d="M0 3h3"/>',
    "scheduled": '<path class="hatch" d="M0 5h6"/>',
    "blocked": '<path class="hatch" d="M3 0v6M0 3h6"/>',
    "backoff": '<path class="hatch" d="M0 0l6 6"/>',
}


class Markup(str):
    """Text that is markup already; templates put it in as it stands."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return it: what templates ask for instead of escaping."""
        return str(self)


class Drawing(NamedTuple):
    """A chart, and its numbers as rows below `titles`."""

    svg: Markup
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[tuple[Markup, str]] = ()
    """What the colours and lines mean: a small drawing of each, and its word."""


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    """Return a text for a chart: on one line, cut, visible and escaped."""
    words = " ".join(text[: longest * 4].split())
    cut = words if len(words) <= longest else f"{words[: longest - 1]}…"
    return escape(visible(cut))


def number(value: float) -> str:
    """Return a coordinate, as short as a hundredth of a pixel allows."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def per_cent(part: float) -> str:
    """Return a share of the width."""
    return f"{number(part * 100)}%"


def title(text: str) -> str:
    """Return what is shown over an element, and read aloud for it."""
    return f"<title>{label(text, 400)}</title>"


def patterns(name: str, words: Iterable[str]) -> str:
    """Return the patterns of some colours, for a chart of this name."""
    made = (
        f'<pattern id="{name}-{word}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect class="c-{word}" width="6" height="6"/>{PATTERNS.get(word, "")}</pattern>'
        for word in words
    )
    return f"<defs>{''.join(made)}</defs>"


def swatch(part: str) -> Markup:
    """Return a small square for a legend."""
    return Markup(f'<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">{part}</svg>')


def drawn(kind: str, height: int, about: str, parts: Iterable[str]) -> Markup:
    """Return a drawing as wide as its place is; `about` is what a screen reader says of it."""
    return Markup(
        f'<svg class="chart {kind}" width="100%" height="{height}" role="img"'
        f' aria-label="{label(about, 400)}">{"".join(parts)}</svg>'
    )


def stretched(kind: str, width: int, height: int, about: str, parts: Iterable[str]) -> Markup:
    """Return a drawing without texts, which is stretched to its place."""
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" preserveAspectRatio="none"'
        f' role="img" aria-label="{label(about, 400)}">{title(about)}{"".join(parts)}</svg>'
    )
