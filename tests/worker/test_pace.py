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
