"""A short run of the chaos: keyed jobs while sessions are killed and limits change."""

from __future__ import annotations

from tests.chaos_semaphores import Chaos


def test_no_key_is_held_too_often_and_no_waiter_is_forgotten(dsn: str) -> None:
    report = Chaos(dsn, seconds=5, claimers=6, keys=20, seed=1).run()
    assert report.passed, report
    assert report.kills and report.limit_changes
    assert all(report.settles.values())
