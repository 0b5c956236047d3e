"""Our figures beside the best peer's, and which of those ratios are worse than published."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from tests.proof.bench.peers import PEERS

# A ratio that got worse by so much fails the check.
TOLERANCE = 0.1
_OURS = re.compile(r"pgq(?=$|[:,])")
_NUMBER = re.compile(r"[\d,.]+(?:e[+-]?\d+)?")

# By row and column.
Ratios = dict[tuple[str, str], float]
Figures = Mapping[str, Mapping[str, Sequence[float]]]


def is_peer(row: str) -> bool:
    return row.split()[0] in PEERS


def is_rate(column: str) -> bool:
    """Say whether more is better; else it is a time or a cost."""
    return column.endswith("jobs/s")


def ratios(figures: Figures) -> Ratios:
    """Return our figures as ratios to the best peer's, run by run where there are several."""
    found: Ratios = {}
    for row, columns in figures.items():
        for column, runs in columns.items() if _OURS.match(row) else ():
            peers = [
                figures[name][column]
                for name in figures
                if is_peer(name) and len(figures[name].get(column, ())) == len(runs)
            ]
            best = [(max if is_rate(column) else min)(turn) for turn in zip(*peers, strict=True)]
            pairs = [(ours, peer) for ours, peer in zip(runs, best, strict=False) if peer]
            if pairs:
                found[row, column] = median(ours / peer for ours, peer in pairs)
    return found


def measured(table: Mapping[str, Any]) -> Figures:
    return {
        line["name"]: {column: figure["runs"] for column, figure in line["figures"].items()}
        for line in table["lines"]
    }


def medians(figures: Figures) -> Figures:
    """Return them as a page shows them: what is compared with a page must be made the same way."""
    return {
        row: {column: [median(runs)] for column, runs in columns.items()}
        for row, columns in figures.items()
    }


def published(page: str, workload: str) -> Figures:
    """Read the medians of a table of docs/performance.md."""
    section = re.search(rf"<!-- {workload} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (section[1] if section else "").splitlines()
        if line.startswith("|") and not line.startswith("|--")
    ]
    if not rows:
        return {}
    columns = rows[0][1:]
    return {
        name: {
            column: [float(number[0].replace(",", ""))]
            for column, cell in zip(columns, cells, strict=False)
            if (number := _NUMBER.match(cell))
        }
        for name, *cells in rows[1:]
    }


def beside(table: Mapping[str, Any]) -> list[str]:
    """Return lines that show each of our rows beside the best peer in each column."""
    found = ratios(measured(table))
    rows = dict.fromkeys(row for row, _ in found)
    return [
        f"{row}: " + ", ".join(f"{ratio:.2f} {column}" for (of, column), ratio in found.items()
                               if of == row)
        for row in rows
    ]  # fmt: skip


def worse(page: str, tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what got worse by a tenth, beside the best peer, than the page says."""
    lines = []
    for table in tables:
        before = ratios(published(page, table["workload"]))
        now = ratios(medians(measured(table)))
        for (row, column), was in before.items():
            is_ = now.get((row, column))
            if is_ is None:
                continue
            if is_ < was * (1 - TOLERANCE) if is_rate(column) else is_ * (1 - TOLERANCE) > was:
                lines.append(
                    f"{table['workload']}, {row}, {column}: {is_:.2f} of the best peer,"
                    f" published {was:.2f}"
                )
    return lines
