"""How values read in a page: times, lengths of time, counts, and names that would hide."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from markupsafe import Markup, escape

# Controls, and what turns the direction of the text around it or cannot be seen.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_NOTHING: Final = "\u2013"
_UNITS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def visible(value: Any) -> Any:
    """Return a text in which characters that hide, or turn others around, can be seen.

    Every value that a template puts out goes through it. What is markup already stays.
    """
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    return value


def verbatim(value: str) -> Markup:
    """Return a text as it is, escaped: for the value of a hidden field, which nobody reads."""
    return escape(value)


def count(value: float | None) -> str:
    """Return a number with separators, as in 1,204."""
    if value is None:
        return _NOTHING
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"


def percent(part: float | None, whole: float | None = 1) -> str:
    """Return a share, as in 2.5 %."""
    if not whole or part is None:
        return _NOTHING
    share = 100 * part / whole
    return f"{share:.0f} %" if share == 0 or share >= 10 else f"{share:.1f} %"


def part(progress: Any) -> float | None:
    """Return how much is done, from 0 to 1, if a job's progress says so; else None.

    That is a share, a number of per cent above 1, or an object with done and total, or done alone.
    """
    match progress:
        case {"done": int() | float() as done, "total": int() | float() as total} if total > 0:
            return min(1.0, max(0.0, done / total))
        case {"done": int() | float() as done}:
            return part(done)
        case bool():
            return None
        case int() | float() if 0 <= progress <= 100:
            return progress if progress <= 1 else progress / 100
        case _:
            return None


def shortened(text: str, most: int = 120) -> str:
    """Return a text on one line, cut."""
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def span(length: timedelta | None) -> str:
    """Return a length of time by its two largest units: 250 ms, 1.2 s, 3 min 5 s, 2 d 4 h."""
    if length is None:
        return _NOTHING
    seconds = length.total_seconds()
    if seconds < 0:
        return f"-{span(-length)}"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    seconds = round(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            below = _UNITS[place + 1 : place + 2]
            more = [f"{rest // smaller:.0f} {name}" for smaller, name in below if rest >= smaller]
            return " ".join([f"{whole:.0f} {unit}", *more])
    return "0 s"


def brief(length: timedelta | None) -> str:
    """Return a length of time by its largest unit alone: 3 min."""
    said = span(length)
    return " ".join(said.split()[:2])


def moment(at: datetime | None) -> Markup:
    """Return a time as an element; the script makes it relative, and shows the exact one."""
    if at is None:
        return Markup(_NOTHING)
    known = at.astimezone(UTC)
    exact = f"{known:%Y-%m-%d %H:%M:%S} UTC"
    # Nothing in it needs to be escaped, and a page has hundreds of times.
    return Markup(
        f'<time datetime="{known.isoformat(timespec="milliseconds")}" title="{exact}">'
        f"{known:%d %b %H:%M:%S}</time>"
    )


def plain(value: Any) -> Any:
    """Return a value for JSON: times as ISO 8601, lengths of time as seconds, rows as objects.

    Drawings are left out; their numbers are there.
    """
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bool() | int() | float() | None:
            return value
        case str():
            return str(value)
        case tuple() if hasattr(value, "_asdict"):
            return plain(value._asdict())  # pyright: ignore
        case Mapping():
            return {
                str(name): plain(each)
                for name, each in value.items()
                if not hasattr(each, "__html__")
            }
        case Sequence() | set() | frozenset():
            return [plain(each) for each in value if not hasattr(each, "__html__")]
        case _:
            return str(value)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "brief": brief,
    "count": count,
    "moment": moment,
    "part": part,
    "percent": percent,
    "shortened": shortened,
    "span": span,
    "verbatim": verbatim,
}
