"""When the end of a run makes a busy worker's loop look again, and when it claims: not for each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import pgq
from pgq.worker.budget import Budget
from pgq.worker.executor import Runner
from pgq.worker.outcome import Succeeded
from pgq.worker.settler import Settler
from pgq.worker.work import Work


def runner_of(concurrency: int, prefetch: int) -> Runner:
    nothing: Any = None
    runner = Runner(
        pgq.Registry(), nothing, Budget(concurrency), prefetch, lambda *_: None, lambda: None
    )
    runner._usual_seconds = 0.01
    return runner


def hold(runner: Runner, jobs: int) -> None:
    unstarted: Any = runner._unstarted
    unstarted.extend([None] * jobs)


def test_it_claims_again_when_half_of_what_starts_soon_is_used_up() -> None:
    runner = runner_of(2, 4)
    assert (runner.room(), runner.is_short) == (6, True)
    hold(runner, 4)
    assert (runner.room(), runner.is_short) == (0, False)
    runner._unstarted.pop()
    assert (runner.room(), runner.is_short) == (3, True)


@pytest.mark.parametrize("ahead", [0, 1])
def test_with_one_job_ahead_it_claims_as_soon_as_that_is_gone(ahead: int) -> None:
    runner = runner_of(1, ahead)
    assert runner.room() == 1 + ahead
    hold(runner, 1 + ahead)
    assert runner.room() == 0
    runner._unstarted.pop()
    assert runner.room() == 1


def outcome(settler: Settler, size: int = 0) -> bool:
    job: Any = None
    settler.add(job, Succeeded("x" * size))
    return settler.is_news


def test_only_the_first_outcome_and_the_one_that_is_enough_are_news() -> None:
    settler = Settler(lambda: 4)
    assert [outcome(settler) for _ in range(4)] == [True, False, False, True]


def test_a_large_outcome_is_news() -> None:
    settler = Settler(lambda: 4)
    assert [outcome(settler), outcome(settler), outcome(settler, 5 << 20)] == [True, False, True]


@pytest.mark.parametrize(
    ("news", "idle", "wants", "short", "wakes"),
    [
        (False, False, False, False, False),
        (True, False, False, False, True),
        (False, True, False, False, True),
        # It sleeps until the next claim is due: a free slot changes nothing.
        (False, False, False, True, False),
        (False, False, True, False, False),
        (False, False, True, True, True),
    ],
)
def test_an_end_wakes_the_loop_where_it_changes_what_the_loop_waits_for(
    news: bool, idle: bool, wants: bool, short: bool, wakes: bool
) -> None:
    woken: list[bool] = []
    work: Any = SimpleNamespace(
        settler=SimpleNamespace(is_news=news),
        _engine=SimpleNamespace(runner=SimpleNamespace(is_idle=idle, is_short=short)),
        _wants_room=wants,
        wake=lambda: woken.append(True),
    )
    Work.note_end(work)
    assert bool(woken) == wakes
