"""Fire schedules while workers die: python -m tests.proof.soak_schedules [--seconds 60].

Workers are real processes, killed (-9) and started at random; at times none lives. Where `faketime`
is on PATH, one of them believes to be 90 seconds ahead. Then every tick that should have been is
compared with the jobs that there are. Exits 1 unless none is missed, doubled or uncalled for.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg

import pgq
from pgq import embedded
from tests.servers import install

ROOT = Path(__file__).parents[2]
SKEW = "+90s"
PATIENCE = 60.0

Tick = tuple[str, datetime]

registry = pgq.Registry()


@registry.task
async def tick(name: str) -> str:
    return name


@dataclass(frozen=True)
class Rhythm:
    """What is expected of a schedule, worked out without any help of the database."""

    name: str
    starts_at: datetime
    every: timedelta

    def ticks(self, end: datetime) -> list[Tick]:
        return [
            (self.name, self.starts_at + n * self.every)
            for n in range((end - self.starts_at) // self.every + 1)
        ]


@dataclass
class Report:
    """What came of it."""

    expected: int = 0
    fired: int = 0
    missed: int = 0
    doubled: int = 0
    uncalled: int = 0
    jobs_run: int = 0
    starts: int = 0
    kills: int = 0
    skewed: int = 0
    seconds_without: float = 0.0
    delays: tuple[float, ...] = ()

    @property
    def passed(self) -> bool:
        return self.expected > 0 and not (self.missed or self.doubled or self.uncalled)


class Workers:
    """Worker processes in so many places, all on one database."""

    def __init__(self, dsn: str, places: int, log: Path, report: Report) -> None:
        self._log = log.open("wb")
        self._env = os.environ | {"PYTHONPATH": str(ROOT), "PGQ_DSN": dsn}
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * places
        self._skewed = self._env | skewed_clock()
        self._report = report

    def alive(self) -> list[int]:
        places = enumerate(self._processes)
        return [place for place, process in places if process and process.poll() is None]

    def start(self) -> None:
        """Start a worker in every place that has none; the first place's clock is wrong."""
        for place in sorted(set(range(len(self._processes))) - set(self.alive())):
            self._report.starts += 1
            env = self._skewed if place == 0 else self._env
            self._report.skewed += env != self._env
            self._processes[place] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "pgq", "worker", f"{MODULE}:registry"),
                    *("--lease", "2s", "--poll-interval", "1s"),
                ],
                cwd=ROOT,
                env=env,
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, place: int) -> None:
        """Kill one without a word."""
        process = self._processes[place]
        assert process
        self._report.kills += 1
        process.kill()
        process.wait()

    def close(self) -> None:
        for process in self._processes:
            if process:
                process.kill()
                process.wait()
        self._log.close()


def skewed_clock() -> dict[str, str]:
    """Return the environment of a process with a wrong clock; empty where faketime is missing.

    The command itself would stand between us and the process that we kill.
    """
    faketime = shutil.which("faketime")
    if not faketime:
        return {}
    told = subprocess.run(
        [faketime, "-f", SKEW, "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True
    )
    return {"LD_PRELOAD": told.stdout.strip(), "FAKETIME": SKEW}


# As `python -m` it is called __main__, a name that workers cannot import.
MODULE = "tests.proof.soak_schedules"


def soak(dsn: str, *, seconds: float, schedules: int, workers: int, seed: int, log: Path) -> Report:
    """Let workers fire schedules for a while, and compare."""
    chance, report = random.Random(seed), Report()
    crew = Workers(dsn, workers, log, report)
    try:
        crew.start()
        with psycopg.connect(dsn, autocommit=True) as conn:
            rhythms = make_schedules(conn, schedules, chance)
            disturb(crew, seconds, chance, report)
            crew.start()
            end = now(conn)
            wait_until(conn, "select min(next_run_at) > %s from pgq.schedule_status", end)
            for rhythm in rhythms:
                conn.execute("select pgq.unschedule(%s)", (rhythm.name,))
            wait_until(conn, "select count(*) = 0 from pgq.jobs")
            compare(conn, [each for rhythm in rhythms for each in rhythm.ticks(end)], end, report)
    finally:
        crew.close()
    return report


def now(conn: psycopg.Connection) -> datetime:
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row
    moment: datetime = row[0]
    return moment


def make_schedules(conn: psycopg.Connection, count: int, chance: random.Random) -> list[Rhythm]:
    """Make schedules of odd phases and intervals between one and five seconds."""
    client, begin = pgq.Client(conn), now(conn)
    rhythms = [
        Rhythm(
            f"soak-{n}",
            begin + timedelta(seconds=2, microseconds=chance.randrange(2_000_000)),
            timedelta(milliseconds=chance.choice([1000, 1250, 1999, 2000, 3333, 5000])),
        )
        for n in range(count)
    ]
    for each in rhythms:
        client.schedule(
            each.name,
            tick,
            every=each.every,
            args={"name": each.name},
            starts_at=each.starts_at,
            catch_up="all",
        )
    return rhythms


def disturb(crew: Workers, seconds: float, chance: random.Random, report: Report) -> None:
    """Kill and start workers until the time is over; at first, and at times, kill them all."""
    end = time.monotonic() + seconds
    share = 1.0
    time.sleep(min(3, seconds / 3))
    while (left := end - time.monotonic()) > 0:
        for place in crew.alive():
            if chance.random() < share:
                crew.kill(place)
        pause = chance.uniform(0.1, min(2, left))
        if not crew.alive():
            report.seconds_without += pause
        time.sleep(pause)
        crew.start()
        time.sleep(chance.uniform(0.1, 2))
        share = chance.choice([0.3, 0.5, 1.0])


def wait_until(conn: psycopg.Connection, query: str, *values: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    look: Callable[[], Any] = lambda: conn.execute(query.encode(), values).fetchone()  # noqa: E731
    while look() != (True,):
        assert time.monotonic() < deadline, f"in vain: {query}"
        time.sleep(0.1)


def compare(conn: psycopg.Connection, expected: list[Tick], end: datetime, report: Report) -> None:
    """Count the jobs of each tick up to the end, and what the history of fires says."""
    query = (
        "select headers #>> '{schedule,name}',"
        " (headers #>> '{schedule,run_at}')::timestamptz, state"
        " from pgq.all_jobs where task = 'tick'"
    )
    rows = conn.execute(query.encode()).fetchall()
    jobs = Counter((name, run_at) for name, run_at, _ in rows if run_at <= end)
    report.jobs_run = sum(state == "succeeded" for _, run_at, state in rows if run_at <= end)
    report.expected = len(expected)
    report.missed = len(set(expected) - set(jobs))
    report.uncalled = len(set(jobs) - set(expected))
    report.doubled = sum(count - 1 for count in jobs.values())
    fires = conn.execute(
        "select extract(epoch from delay)::float from pgq.schedule_history"
        " where outcome = 'enqueued' and run_at <= %s",
        (end,),
    ).fetchall()
    report.fired = len(fires)
    report.delays = tuple(delay for (delay,) in fires)


def tell(report: Report) -> None:
    print(f"ticks expected  {report.expected:8,}")
    print(f"      fired     {report.fired:8,}")
    print(f"      missed    {report.missed:8,}")
    print(f"      doubled   {report.doubled:8,}")
    print(f"      uncalled  {report.uncalled:8,}")
    print(f"jobs run        {report.jobs_run:8,}")
    print(f"workers started {report.starts:8,}, killed {report.kills:,}")
    print(f"        none for at least {report.seconds_without:.1f} s")
    if report.skewed:
        print(f"        with a clock {SKEW} {report.skewed:,}")
    else:
        print("        no faketime on PATH: every worker's clock was right")
    if len(report.delays) > 1:
        cuts = quantiles(report.delays, n=100)
        print(f"fired late by p50 {cuts[49]:.3f} s, p95 {cuts[94]:.3f} s (kills included)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=None, help="what happens when  [random]")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    print(f"{given.schedules} schedules, {given.workers} workers, {given.seconds:g} s, seed {seed}")
    with tempfile.TemporaryDirectory() as folder, embedded.start(None) as server:
        install(server.dsn)
        log = Path(folder, "workers.log")
        report = soak(
            server.dsn, seconds=given.seconds, schedules=given.schedules, workers=given.workers,
            seed=seed, log=log,
        )  # fmt: skip
        if not report.passed:
            print(log.read_text(errors="replace")[-5000:], file=sys.stderr)
    tell(report)
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
