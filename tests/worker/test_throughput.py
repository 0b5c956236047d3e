"""How many jobs a worker takes ahead follows from how many really end."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import pgq
from pgq.worker.budget import Budget
from pgq.worker.executor import Runner
from pgq.worker.throughput import Throughput


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = 1000.0

    def move(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    return move


def end(throughput: Throughput, clock: Callable[[float], None], jobs: int, each: float) -> None:
    throughput.took_over()
    for n in range(jobs):
        clock(each)
        throughput.ended(was_last=n == jobs - 1)


def test_time_without_jobs_does_not_count(clock: Callable[[float], None]) -> None:
    throughput = Throughput()
    for _ in range(10):
        end(throughput, clock, 10, 0.001)
        clock(60)
    assert throughput.seconds_per_job == pytest.approx(0.001)


def test_a_long_moment_counts_by_its_length(clock: Callable[[float], None]) -> None:
    throughput = Throughput()
    for n in range(201):
        end(throughput, clock, 50, 0.001 if n % 10 == 5 else 0.0001)
    assert 0.00011 < throughput.seconds_per_job < 0.0003


def test_few_slow_jobs_are_a_sample_at_the_next_claim(clock: Callable[[float], None]) -> None:
    throughput = Throughput()
    throughput.took_over()
    for _ in range(3):
        clock(0.1)
        throughput.ended(was_last=False)
    assert throughput.seconds_per_job == 0
    throughput.took_over()
    assert throughput.seconds_per_job == pytest.approx(0.1)


def test_a_worker_that_gets_little_of_the_processor_claims_little_ahead() -> None:
    nothing: Any = None
    runner = Runner(pgq.Registry(), nothing, Budget(100), 1000, lambda *_: None, lambda: None)
    runner._usual_seconds = 0.0001  # handlers are quick
    assert runner.room() == 1100
    runner._throughput.seconds_per_job = 0.004  # but their turn comes late
    assert runner.room() == 150


def test_jobs_whose_turn_comes_soon_are_not_handed_back_while_slots_are_free(
    clock: Callable[[float], None],
) -> None:
    nothing: Any = None
    runner = Runner(pgq.Registry(), nothing, Budget(2), 1000, lambda *_: None, lambda: None)
    held: Any = SimpleNamespace(began=1000.0)
    runner._unstarted.extend([held] * 100)
    runner._throughput.seconds_per_job = 0.02
    assert runner.release_at() == pytest.approx(1003)
    runner._throughput.seconds_per_job = 0.05  # too slow: others should have them
    assert runner.release_at() == 1001
    runner._throughput.seconds_per_job = 0.02
    runner._busy.update({object(), object()})  # type: ignore[arg-type]
    assert runner.release_at() == 1001
