"""When a worker claims next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest

from pgq.worker.pace import SOON, Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = 1000.0

    def move(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    return move


@pytest.mark.usefixtures("clock")
def test_a_stream_is_looked_at_again_soon_and_promoted_meanwhile() -> None:
    pace = Pace(2.0)
    for _ in range(5):
        assert pace.claimed(3, 10, pace.hints) == 1000.05
        assert pace.claim_at == 1000 + SOON


@pytest.mark.usefixtures("clock")
def test_a_full_claim_is_followed_by_another_at_once() -> None:
    pace = Pace(2.0)
    assert pace.claimed(10, 10, 0) == math.inf
    assert pace.claim_at == 0.0


@pytest.mark.usefixtures("clock")
def test_once_more_at_once_when_it_has_just_become_idle() -> None:
    pace = Pace(2.0)
    pace.claimed(1, 10, 0)
    pace.claimed(0, 10, 0)
    assert pace.claim_at == 0.0
    pace.claimed(0, 10, 0)
    assert 1000.025 <= pace.claim_at <= 1000.05


def test_then_less_and_less_often_until_the_poll_interval(clock: Callable[[float], None]) -> None:
    pace = Pace(2.0)
    pace.claimed(0, 10, 0)
    waits: list[float] = []
    for _ in range(12):
        promote_at = pace.claimed(0, 10, 0)
        assert promote_at == (time.monotonic() + 0.05 if not waits else math.inf)
        waits.append(pace.claim_at - time.monotonic())
        clock(waits[-1])
    assert waits[0] <= 0.05 and 0.1 <= waits[3] <= 0.4
    assert all(1.0 <= wait <= 2.0 for wait in waits[-4:])


@pytest.mark.usefixtures("clock")
def test_a_hint_that_came_during_the_claim_is_followed_at_once() -> None:
    for found in (0, 3, 10):
        pace = Pace(2.0)
        pace.claimed(0, 10, 0)
        before = pace.hints
        pace.hint()
        pace.claimed(found, 10, before)
        assert pace.claim_at == 0.0


@pytest.mark.usefixtures("clock")
def test_a_hint_wakes_at_once_and_makes_polls_frequent_again() -> None:
    pace = Pace(2.0)
    for _ in range(10):
        pace.claimed(0, 10, 0)
    pace.hint()
    assert pace.claim_at == 0.0
    pace.claimed(0, 10, pace.hints)
    assert pace.claim_at <= 1000.05


def after_a_gap(pace: Pace, clock: Callable[[float], None], gap: float) -> None:
    """Let a claim find nothing, and a notification call for the next one after a while."""
    pace.claimed(0, 100, pace.hints)
    clock(gap)
    pace.hint()
    pace.claimed(1, 100, pace.hints)


def test_commits_that_come_together_do_not_find_it_idle_each_time(
    clock: Callable[[float], None],
) -> None:
    pace = Pace(2.0)
    pace.claimed(8, 100, 0)
    after_a_gap(pace, clock, 0.002)
    # The others' notifications are still under way: what they call for says nothing.
    for _ in range(3):
        pace.hint()
        pace.claimed(1, 100, pace.hints)
    for _ in range(100):
        assert pace.claim_at - time.monotonic() == pytest.approx(0.012)
        clock(0.012)
        pace.claimed(32, 100, pace.hints)


def test_one_session_gets_its_jobs_looked_at_soon(clock: Callable[[float], None]) -> None:
    pace = Pace(2.0)
    pace.claimed(1, 100, 0)
    late = 0
    for _ in range(100):
        after_a_gap(pace, clock, 0.0025)
        if pace.claim_at - time.monotonic() > 2 * SOON:
            late += 1
            clock(0.012)
            pace.claimed(5, 100, pace.hints)
        assert pace.claim_at - time.monotonic() == pytest.approx(SOON)
    assert 1 <= late <= 3


def test_a_worker_that_was_idle_for_long_looks_soon(clock: Callable[[float], None]) -> None:
    pace = Pace(2.0)
    pace.claimed(1, 100, 0)
    for _ in range(10):
        after_a_gap(pace, clock, 0.02)
        assert pace.claim_at - time.monotonic() == pytest.approx(SOON)


def test_the_end_of_a_stream_is_found_soon_after(clock: Callable[[float], None]) -> None:
    pace = Pace(2.0)
    pace.claimed(8, 100, 0)
    after_a_gap(pace, clock, 0.002)
    clock(0.012)
    pace.claimed(0, 100, pace.hints)
    clock(0.005)
    pace.hint()
    pace.claimed(1, 100, pace.hints)
    assert pace.claim_at - time.monotonic() == pytest.approx(SOON)
