"""Measure many workers on one server: python -m tests.proof.measure_workers; judges nothing.

Starts 10, then 100, then 500 real workers, each with its own sessions, and prints what they cost
the server while they are idle, and while jobs come at a steady rate: processor time, transactions,
WAL, and how evenly the workers share the jobs. The workers are objects in a few processes, because
500 processes would measure this machine and not the server. --json FILE keeps the figures. Takes
about five minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

import pgq
from pgq import embedded
from pgq.bench import machine
from pgq.processes.tied import end_with_parent, tied_environment
from tests.servers import install

_IN_ONE_PROCESS: Final = 100
_SESSIONS_EACH: Final = 3  # an idle one: 2
_CONCURRENCY: Final = 5
_JOB_SECONDS: Final = 0.05
_BURSTS_A_SECOND: Final = 20
_PATIENCE: Final = 300.0
_SESSIONS: Final = "select count(*) from pg_stat_activity where datname = current_database()"
registry = pgq.Registry()


@registry.task
async def nap() -> None:
    """Take the time that an ordinary handler waits for something."""
    await asyncio.sleep(_JOB_SECONDS)


class Counted(NamedTuple):
    """What the server has done so far: seconds of processor time, transactions, bytes, jobs."""

    cpu: float
    transactions: int
    wal: int
    ended: int
    at: float


class Figures(NamedTuple):
    """What a second cost, and for busy workers how the jobs were shared."""

    workers: int
    jobs_a_second: float
    cpu_a_second: float
    transactions_a_second: float
    wal_a_second: float
    sessions: int
    fewest: int
    median: float
    most: int


def main() -> None:
    """Print a line for each number of workers, idle and busy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 500])
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is measured")
    parser.add_argument("--rate", type=int, default=500, help="jobs a second while they are busy")
    parser.add_argument("--json", type=Path, help="keep the figures there")
    parser.add_argument("--serve", type=int, metavar="COUNT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        end_with_parent()
        asyncio.run(_serve(os.environ["PGQ_DSN"], given.serve))
        return
    settings = {
        "max_connections": f"{_SESSIONS_EACH * max(given.workers) + 50}",
        "shared_buffers": "512MB",
        "max_wal_size": "8GB",
    }
    found = []
    with embedded.start(None, settings=settings) as server:
        install(server.dsn)
        for number in given.workers:
            with _workers(server.dsn, number):
                for rate in (0, given.rate):
                    figures = _measure(server.dsn, number, rate, given.seconds)
                    found.append(figures)
                    print(_said(figures), flush=True)
    if given.json:
        given.json.write_text(json.dumps([each._asdict() for each in found], indent=2) + "\n")


async def _serve(dsn: str, number: int) -> None:
    """Run workers until the process is told to end."""
    workers = [
        pgq.Worker(dsn, registry=registry, concurrency=_CONCURRENCY, name=f"w{os.getpid()}-{n}")
        for n in range(number)
    ]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@contextmanager
def _workers(dsn: str, number: int) -> Generator[None, None, None]:
    """Run so many workers; the block begins when all of them are idle."""
    started = []
    try:
        left = number
        while left:
            count = min(left, _IN_ONE_PROCESS)
            command = [sys.executable, "-m", "tests.proof.measure_workers", "--serve"]
            started.append(subprocess.Popen([*command, f"{count}"], env=tied_environment(dsn)))
            left -= count
        with psycopg.connect(dsn, autocommit=True) as conn:
            idle = "select count(*) from pgq.workers where idle"
            _wait_for(conn, idle, number)
        time.sleep(5)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute("select pgq.report_lost_worker(id) from pgq.workers")


def _wait_for(conn: psycopg.Connection[Any], query: str, wanted: int) -> None:
    until = time.monotonic() + _PATIENCE
    while (row := conn.execute(query.encode()).fetchone()) != (wanted,):
        if time.monotonic() > until:
            raise TimeoutError(f"{query}: {row}, not {wanted}")
        time.sleep(0.2)


def _measure(dsn: str, workers: int, rate: int, seconds: float) -> Figures:
    with psycopg.connect(dsn, autocommit=True) as conn, pgq.Client(dsn) as client:
        pid = machine.postmaster(conn)
        first = conn.execute("select coalesce(max(id), 0) from pgq.job_history").fetchone()
        before = _count(conn, pid)
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            if rate:
                client.enqueue_many([pgq.NewJob("nap")] * (rate // _BURSTS_A_SECOND))
            pause = 1 / _BURSTS_A_SECOND if rate else seconds
            time.sleep(max(0.0, now + pause - time.monotonic()))
        if rate:
            _wait_for(conn, "select count(*) from pgq.jobs", 0)
        after = _count(conn, pid)
        shares = _shares(conn, workers, first[0] if first else 0) if rate else [0]
        sessions = conn.execute(_SESSIONS.encode()).fetchone()
    took = after.at - before.at
    return Figures(
        workers,
        (after.ended - before.ended) / took,
        (after.cpu - before.cpu) / took,
        (after.transactions - before.transactions) / took,
        (after.wal - before.wal) / took,
        sessions[0] - 2 if sessions else 0,
        min(shares),
        statistics.median(shares),
        max(shares),
    )


def _count(conn: psycopg.Connection[Any], pid: int | None) -> Counted:
    # Sessions tell their transactions a second late.
    time.sleep(1.5)
    row = conn.execute(
        "select xact_commit + xact_rollback, pg_current_wal_insert_lsn() - '0/0',"
        " (select count(*) from pgq.job_history)"
        " from pg_stat_database where datname = current_database()"
    ).fetchone()
    assert row
    return Counted(machine.server_seconds(pid), row[0], int(row[1]), row[2], time.monotonic())


def _shares(conn: psycopg.Connection[Any], workers: int, after: int) -> list[int]:
    """Return how many jobs each worker ran, those that ran none included."""
    rows = conn.execute(
        "select count(*) from pgq.job_history where id > %s group by worker_id", [after]
    ).fetchall()
    found = [count for (count,) in rows]
    return found + [0] * (workers - len(found))


def _said(each: Figures) -> str:
    what = f"{each.jobs_a_second:,.0f} jobs/s" if each.jobs_a_second else "idle"
    shares = f"; shares {each.fewest} / {each.median:.0f} / {each.most}" if each.most else ""
    return (
        f"{each.workers} workers, {what}: server {1000 * each.cpu_a_second:,.1f} ms/s"
        f" ({1000 * each.cpu_a_second / each.workers:.2f} a worker),"
        f" {each.transactions_a_second / each.workers:.2f} transactions/s a worker,"
        f" {each.wal_a_second / 1024:,.0f} kB/s of WAL, {each.sessions} sessions{shares}"
    )


if __name__ == "__main__":
    main()
