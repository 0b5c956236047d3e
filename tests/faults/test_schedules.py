"""A short run of the soak: schedules fire while workers die."""

from __future__ import annotations

from pathlib import Path

from tests.proof.soak_schedules import soak


def test_no_tick_is_missed_or_doubled_while_workers_die(dsn: str, tmp_path: Path) -> None:
    log = tmp_path / "workers.log"
    report = soak(dsn, seconds=8, schedules=20, workers=3, seed=1, log=log)
    assert report.passed, f"{report}\n{log.read_text()[-3000:]}"
    assert report.kills and report.seconds_without
    assert report.fired == report.jobs_run == report.expected
