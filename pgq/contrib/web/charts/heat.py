"""How long jobs ran, over time: a column a step, a row a length, the darker the more jobs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pgq.contrib.web.charts.markup import Drawing, drawn, label, number, per_cent, title
from pgq.contrib.web.charts.scale import grouped, moment, seconds, time_ticks

# Fewer than elsewhere: each column has many cells.
MOST_COLUMNS: Final = 60
SHADES: Final = 6
_BOTTOM, _TOP = 18, 4
# Rows are as high as all of them have room, within these.
_ROOM, _LEAST, _MOST = 130, 12, 26
# The rest of the width is for what the rows mean.
_WIDTH: Final = 0.86
# A bucket of the statistics ends at a power of the root of two; two of them are a row.
BUCKETS_IN_A_ROW: Final = 2


def heat_map(
    about: str,
    times: Sequence[datetime],
    buckets: Sequence[Mapping[int, int]],
) -> Drawing:
    """Draw how many jobs of each step were in each bucket: number n ends at 2 ** (n / 2) seconds.

    Rows are powers of two, the shortest at the bottom, from the first one in use to the last.
    """
    groups = grouped(len(times), MOST_COLUMNS)
    columns = [_rows_of(buckets[n] for n in group) for group in groups]
    begins = [times[group[0]] for group in groups]
    used = [row for column in columns for row, jobs in column.items() if jobs]
    low, high = (min(used), max(used)) if used else (0, 0)
    most = max((jobs for column in columns for jobs in column.values()), default=0)
    tall = min(_MOST, max(_LEAST, _ROOM // (high - low + 1)))
    height = _TOP + (high - low + 1) * tall + _BOTTOM
    step = (times[1] - times[0]) * len(groups[0]) if len(times) > 1 else timedelta(minutes=1)
    window = step * len(begins)
    parts = [
        *_cells(begins, columns, window, (high, tall), most),
        *_lengths(low, high, tall),
        *_times(begins, window, height),
    ]
    titles = ("from", *(f"up to {seconds(2.0**row)}" for row in range(low, high + 1)))
    rows = [
        (
            f"{at:%Y-%m-%d %H:%M}",
            *(f"{column.get(row, 0)}" for row in range(low, high + 1)),
        )
        for at, column in zip(begins, columns, strict=True)
    ]
    return Drawing(drawn("heat", height, about, parts), titles, rows)


def _rows_of(counts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    rows: dict[int, int] = {}
    for each in counts:
        for bucket, jobs in each.items():
            row = math.ceil(bucket / BUCKETS_IN_A_ROW)
            rows[row] = rows.get(row, 0) + jobs
    return rows


def _cells(
    begins: Sequence[datetime],
    columns: Sequence[Mapping[int, int]],
    window: timedelta,
    rows: tuple[int, int],
    most: int,
) -> Iterator[str]:
    high, tall = rows
    width = _WIDTH / max(1, len(begins))
    for n, (at, column) in enumerate(zip(begins, columns, strict=True)):
        for row, jobs in sorted(column.items()):
            if not jobs:
                continue
            shade = 1 + math.floor((SHADES - 1) * math.log1p(jobs) / math.log1p(most))
            said = (
                f"{moment(at, window)}: {jobs} ran {seconds(2.0 ** (row - 1))}"
                f" to {seconds(2.0**row)}"
            )
            yield (
                f'<g>{title(said)}<rect class="heat-{shade}" x="{per_cent(n * width)}"'
                f' width="{per_cent(width * 0.96)}" y="{number(_TOP + (high - row) * tall)}"'
                f' height="{tall - 1}"/></g>'
            )


def _lengths(low: int, high: int, tall: int) -> Iterator[str]:
    for row in range(high, low - 1, -1 if tall > _LEAST else -2):
        y = number(_TOP + (high - row) * tall + tall / 2 + 4)
        length = " ".join(seconds(2.0**row).split()[:2])
        yield f'<text class="axis end" x="100%" y="{y}">{label(length)}</text>'


def _times(begins: Sequence[datetime], window: timedelta, height: int) -> Iterator[str]:
    for n in time_ticks(begins):
        at = _WIDTH * n / len(begins)
        kind = "axis" if at < 0.04 else "axis middle"
        yield (
            f'<text class="{kind}" x="{per_cent(at)}" y="{height - 4}">'
            f"{moment(begins[n], window)}</text>"
        )
