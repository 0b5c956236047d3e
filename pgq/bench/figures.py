"""Contests: what is compared, how the contestants take turns, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from pgq.errors import PgqError

Metrics = dict[str, float]
"""What one run of one contestant measured, by column."""

Contestant = Callable[[], Metrics]


class BenchFailed(PgqError):
    """A run was not valid, so its figures are worth nothing."""


@dataclass(frozen=True)
class Contest:
    """One workload that each contestant runs; all are compared with `against`."""

    title: str
    against: str
    contestants: Mapping[str, Contestant]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """All runs of one contestant in one column."""

    runs: tuple[float, ...]
    ratio: float | None = None  # the median of the ratios run by run

    @property
    def median(self) -> float:
        """Return the run in the middle."""
        return median(self.runs)


@dataclass(frozen=True)
class Line:
    """One contestant's figures by column, or the reason why there are none."""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict[str, Figure])
    missing: str | None = None


@dataclass(frozen=True)
class Table:
    """A contest's outcome."""

    workload: str
    title: str
    against: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    seconds: float

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "workload": self.workload,
            "title": self.title,
            "against": self.against,
            "columns": list(self.columns),
            "lines": [_line_record(line) for line in self.lines],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 1),
        }


def _line_record(line: Line) -> dict[str, Any]:
    figures = {
        column: {"median": figure.median, "runs": list(figure.runs), "ratio": figure.ratio}
        for column, figure in line.figures.items()
    }
    return {"name": line.name, "missing": line.missing, "figures": figures}


def in_turns(
    contestants: Mapping[str, Contestant], runs: int, tell: Callable[[str], None]
) -> dict[str, list[Metrics]]:
    """Let each contestant run `runs` times, in turns, in another order each time.

    So if something disturbs the machine for a while, it disturbs all of them.
    """
    names = list(contestants)
    measured: dict[str, list[Metrics]] = {name: [] for name in names}
    for turn in range(runs):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            tell(f"run {turn + 1} of {runs}: {name}")
            try:
                measured[name].append(contestants[name]())
            except BenchFailed as error:
                raise BenchFailed(f"{name}: {error.message}", error.hint, error.detail) from error
    return measured


def lines_of(measured: Mapping[str, Sequence[Metrics]], against: str) -> tuple[Line, ...]:
    """Make figures of what was measured."""
    reference = measured.get(against, ())

    def line(name: str, runs: Sequence[Metrics]) -> Line:
        figures = {}
        for column in runs[0]:
            values = tuple(run[column] for run in runs)
            floor = [run[column] for run in reference if run.get(column)]
            ratio = None
            if len(floor) == len(values):
                ratio = median(value / base for value, base in zip(values, floor, strict=True))
            figures[column] = Figure(values, ratio)
        return Line(name, figures)

    return tuple(line(name, runs) for name, runs in measured.items())


def columns_of(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return all columns of these lines, in the order of their first appearance."""
    return tuple(dict.fromkeys(column for line in lines for column in line.figures))
