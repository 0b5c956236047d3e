"""Measure recovery: python -m tests.proof.measure_recovery [--dsn DSN]. Prints, judges nothing.

How long a job waits for its next run after its worker was (a) killed while nobody watched its
process, (b) killed under a supervisor, (c) frozen; and what is answered to (c) when it wakes and
says that it has done the job. All with default settings and two workers, each several times.
Without --dsn on a temporary server of its own; with --dsn in a database of its own on that server,
dropped at the end. Takes about three minutes.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.faults.handlers import LEDGER
from tests.proof.measure_engine import database

ROOT = Path(__file__).parents[2]
RUNS, FREEZES = 8, 2
PATIENCE = 90.0


class Scene:
    """A database, and the processes that work on it."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn

    @contextmanager
    def workers(self, *options: str, count: int = 1) -> Iterator[None]:
        """Start commands `pgq worker` and end them."""
        command = [sys.executable, "-m", "pgq", "worker", "tests.faults.handlers:registry"]
        with ExitStack() as stack:
            for _ in range(count):
                process = subprocess.Popen(
                    [*command, "-c", "1", "--log-level", "error", *options],
                    cwd=ROOT,
                    env=os.environ | {"PYTHONPATH": str(ROOT), "PGQ_DSN": self.conn.info.dsn},
                )
                stack.callback(process.wait)
                stack.callback(process.kill)
            self.wait_for(lambda: self.number("select count(*) from pgq.workers") == 2)
            yield
        self.conn.execute("select pgq.report_lost_worker(id) from pgq.workers")
        self.conn.execute("select pgq.clear_queue('default', include_scheduled => true)")
        self.conn.execute("delete from starts")

    def number(self, query: str) -> int:
        row = self.conn.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def wait_for(self, condition: Callable[[], bool]) -> float:
        """Wait, and return for how long (seconds)."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < began + PATIENCE, "it did not come true"
            time.sleep(0.005)
        return time.monotonic() - began

    def start_job(self, task: str, args: str = "[]") -> int:
        """Enqueue a job; return the process that runs it, at a random time between heartbeats."""
        self.conn.execute("select pgq.enqueue(%s, %s)", (task, args))
        self.wait_for(lambda: self.number("select count(*) from starts") == 1)
        time.sleep(random.uniform(0.2, 5.2))
        return self.number("select pid from starts")

    def second_start(self) -> float:
        return self.wait_for(lambda: self.number("select count(*) from starts") >= 2)


def kill(scene: Scene, *options: str, count: int = 1) -> float:
    with scene.workers(*options, count=count):
        os.kill(scene.start_job("hang"), signal.SIGKILL)
        return scene.second_start()


def freeze(scene: Scene) -> tuple[float, str]:
    """Return how long the next run took to begin, and which claim's result counted."""
    with scene.workers(count=2):
        frozen = scene.start_job("slow", "[8]")
        os.kill(frozen, signal.SIGSTOP)
        took = scene.second_start()
        os.kill(frozen, signal.SIGCONT)
        scene.wait_for(lambda: scene.number("select count(*) from pgq.jobs") == 0)
        query = f"""
            select count(*) from pgq.job_history as job join starts on starts.job_id = job.id
            where starts.claim_id = job.claim_id and starts.pid = {frozen}
        """
        accepted = scene.number(query)
    return took, "accepted" if accepted else "refused"


def show(what: str, seconds: list[float], wanted: str) -> None:
    middle = sorted(seconds)[len(seconds) // 2]
    print(f"{what:45} {middle:8.2f} s {max(seconds):8.2f} s   wanted: {wanted}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a server to measure, instead of a temporary one")
    with database(parser.parse_args().dsn) as connect:
        scene = Scene(connect())
        scene.conn.execute(LEDGER)
        print("from the end of the worker to the next run of its job        median       most")
        alone = [kill(scene, count=2) for _ in range(RUNS)]
        show("(a) kill -9, nobody watches the process", alone, "at most 5 s")
        watched = [kill(scene, "--processes", "2") for _ in range(RUNS)]
        show("(b) kill -9 under a supervisor", watched, "at once")
        frozen = [freeze(scene) for _ in range(FREEZES)]
        show("(c) frozen (SIGSTOP)", [took for took, _ in frozen], "the lease (30 s) and a moment")
        verdicts = sorted({verdict for _, verdict in frozen})
        print(f"    its result when it woke: {', '.join(verdicts)}")


if __name__ == "__main__":
    main()
