"""Our figures beside the best peer's, and the check of the published ratios."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.proof.bench.beside import beside, measured, published, ratios, worse
from tests.proof.bench.peers import HERE
from tests.proof.bench.write_docs import pages, write_tables

FIGURES = {
    "bare INSERT": {"jobs/s": [900.0], "p50 ms": [0.1]},
    "pgq, async handlers": {"jobs/s": [300.0], "p50 ms": [2.0]},
    "pgqueuer 1.6.0": {"jobs/s": [100.0], "p50 ms": [4.0]},
    "pgmq 1.1.4": {"jobs/s": [200.0], "p50 ms": [8.0]},
    "procrastinate 3.10.0": {},
}


def table(**runs: list[float]) -> dict[str, Any]:
    """The figures above with our rate and latency in several runs."""
    ours = {"jobs/s": runs.get("rate", [300.0]), "p50 ms": runs.get("ms", [2.0])}
    figures = {**FIGURES, "pgq, async handlers": ours}
    return {
        "workload": "drain",
        "title": "Drain",
        "against": "",
        "columns": ["jobs/s", "p50 ms"],
        "notes": ["one run"],
        "lines": [
            {
                "name": name,
                "missing": None if columns else "could not be installed",
                "figures": {
                    column: {"median": sorted(found)[len(found) // 2], "runs": found, "ratio": None}
                    for column, found in columns.items()
                },
            }
            for name, columns in figures.items()
        ],
    }


def page_of(found: dict[str, Any]) -> str:
    return write_tables("<!-- drain -->\nold\n<!-- end -->\n", {"tables": [found]})


def test_ours_is_compared_with_the_best_peer_and_not_with_the_floor() -> None:
    assert ratios(FIGURES) == {
        ("pgq, async handlers", "jobs/s"): 1.5,
        ("pgq, async handlers", "p50 ms"): 0.5,
    }
    assert beside(table()) == ["pgq, async handlers: 1.50 jobs/s, 0.50 p50 ms"]


def test_ratios_are_those_of_each_run() -> None:
    figures = {
        "pgq": {"jobs/s": [100.0, 20.0, 300.0]},
        "pgmq 1.1.4": {"jobs/s": [100.0, 10.0, 100.0]},
        "chancy 0.26.0": {"jobs/s": [50.0, 5.0, 300.0]},
    }
    assert ratios(figures) == {("pgq", "jobs/s"): 1.0}


def test_a_page_is_read_as_it_is_written() -> None:
    found = published(page_of(table()), "drain")
    assert {row: columns for row, columns in found.items() if columns} == {
        row: columns for row, columns in measured(table()).items() if columns
    }
    assert published(page_of(table()), "latency") == {}


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({}, 0),
        ({"rate": [271.0], "ms": [2.2]}, 0),
        ({"rate": [269.0]}, 1),
        ({"ms": [2.3]}, 1),
        ({"rate": [100.0], "ms": [9.0]}, 2),
        ({"rate": [900.0], "ms": [0.5]}, 0),
    ],
)
def test_a_ratio_that_got_worse_by_a_tenth_is_said(runs: dict[str, list[float]], said: int) -> None:
    assert len(worse(page_of(table()), [table(**runs)])) == said


def test_the_published_tables_can_be_checked() -> None:
    page = pages()[0].read_text()
    for workload in ("enqueue", "bulk", "drain", "latency"):
        assert ratios(published(page, workload)), workload


def test_the_drivers_of_peers_find_the_ledger() -> None:
    code = "import driving; print(driving._load_ledger().SLOTS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE / "peers",
        env={**os.environ, "PGQ_BENCH_DSN": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "64\n"
