"""Axes: where numbers and times stand, what is written beside them, and fewer columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

MOST_COLUMNS: Final = 120
_SECONDS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ticks(highest: float, most: int = 4) -> list[float]:
    """Return round numbers from 0 up to a little above the highest one."""
    if not math.isfinite(highest) or highest <= 0:
        return [0.0, 1.0]
    rough = highest / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= rough * 0.999)
    if highest >= 1:
        step = max(step, 1.0) if step < 1 or step == int(step) else math.ceil(step)
    count = math.ceil(highest / step - 1e-9)
    return [step * n for n in range(count + 1)]


def log_ticks(lowest: float, highest: float) -> list[float]:
    """Return lengths of time in seconds that people know, around the lowest and the highest."""
    known = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0, 86400.0, 864000.0)
    below = [each for each in known if each <= lowest] or [known[0]]
    above = [each for each in known if each >= highest] or [known[-1]]
    chosen = [each for each in known if below[-1] <= each <= above[0]]
    return chosen if len(chosen) > 1 else [chosen[0], chosen[0] * 10]


def count(value: float) -> str:
    """Return a number as an axis shows it: 850, 1.2k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a length of time in one unit or two: 12 ms, 1.5 s, 3 min 20 s, 2 d 4 h."""
    if value < 0:
        return f"-{seconds(-value)}"
    if value < 0.0005:
        return "0 s" if not value else "< 1 ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s".replace(".0 s", " s")
    left, said = round(value), list[str]()
    for size, unit in _SECONDS:
        amount, left = divmod(left, size)
        if amount or said:
            said.append(f"{amount} {unit}" if amount else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said))


def length(value: timedelta | None) -> float | None:
    """Return seconds; None stays None."""
    return None if value is None else value.total_seconds()


def moment(at: datetime, window: timedelta) -> str:
    """Return a time as the axis of a window needs it: with the day where one is not enough."""
    if window > timedelta(days=4):
        return f"{at:%d %b}"
    return f"{at:%a %H:%M}" if window > timedelta(hours=30) else f"{at:%H:%M}"


def time_ticks(times: Sequence[datetime], most: int = 6) -> list[int]:
    """Return which columns have their time written below them: evenly, the first one too."""
    step = max(1, math.ceil(len(times) / most))
    return list(range(0, len(times), step))


def grouped(columns: int, most: int = MOST_COLUMNS) -> list[range]:
    """Return which columns are drawn as one, so that there are not too many."""
    size = max(1, math.ceil(columns / most))
    return [range(start, min(start + size, columns)) for start in range(0, columns, size)]
