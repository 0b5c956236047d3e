"""The workload of many jobs and large payloads, on few."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgq.bench.bench import Bench
from pgq.bench.place import open_place
from pgq.bench.sizes import TINY
from tests.proof.bench.long import Case, run_case

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.slow
def test_jobs_are_enqueued_while_others_run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    with open_place(dsn) as place, Bench(place, TINY, print).queue() as queue:
        found = run_case(queue, Case(100, 10_000))
    assert found["jobs/s"] > 0 and found["growth of a lane"] == 1
    assert found["lanes at most, MB"] == found["lanes at first, MB"] > 0.5


@pytest.mark.parametrize(
    ("case", "ahead"),
    [
        (Case(2_000_000), 20_000),
        (Case(100_000, 10_000), 5_000),
        (Case(5_000, 500_000), 209),
        (Case(40, 500_000), 10),
    ],
)
def test_how_many_jobs_wait_is_bounded_by_their_bytes(case: Case, ahead: int) -> None:
    assert case.ahead == ahead
