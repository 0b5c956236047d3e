"""What `make quick` runs: everything at home in pgq/ and sql/, each test once, on one Postgres.

Left out are the places below, the tests that are marked `slow`, all cases of a parametrized test
but the first, and the verify() after each test of a SQL function, a third of what such a test
costs. `make test` leaves out nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

# Tests of everything together, which take longer or seldom fail, and packages beside the core.
LEFT_OUT = (
    *("bench", "contrib", "demo", "docs", "drivers", "embedded", "faults", "packaging", "proof"),
    *("property", "schema", "sql/races"),
)


def leaves_out(config: pytest.Config, path: Path) -> bool:
    """Tell whether no test of this file or folder is for `make quick`."""
    return any(path == config.rootpath / "tests" / place for place in LEFT_OUT)


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests, and further cases of one test."""
    seen = set[str]()
    kept, dropped = [], []
    for item in items:
        test = item.nodeid.partition("[")[0]
        further = test in seen
        seen.add(test)
        (dropped if further or item.get_closest_marker("slow") else kept).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
