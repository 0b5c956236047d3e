"""Count through every accident: python -m tests.proof.chaos_statistics [--seconds 60] [--seed N].

Worker processes run jobs that end in every way. Meanwhile workers and sessions of the server are
killed with SIGKILL, the server is restarted as after a crash, and other sessions settle and
enqueue in transactions that stay open, roll back or are prepared. In the middle a dump is taken
under all that, and restored on a younger server, where ids of transactions begin lower; all goes on
there. At the end the statistics are compared with the history: jobs, times and histograms by queue,
task and outcome, in all and by the minute. Exits 1 if anything differs, or verify() finds
anything.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

import pgq
from pgq import embedded
from pgq.schema.migrate import upgrade
from tests.faults.conftest import Workshop
from tests.proof.chaos_counts import differences, fold_all, outcomes
from tests.servers import SETTINGS, install

WORKERS = 2
QUEUES = ("a", "b", "c")
# How many transactions the first server had before; a younger one has not.
TRANSACTIONS = 20_000
AGE = f"do $$ begin for i in 1..{TRANSACTIONS} loop perform pg_current_xact_id(); commit;"
# Rows of stat_deltas from a restore; here, their transactions are in the future.
OF_THE_FUTURE = """
    select count(*) from pgq.stat_deltas
    where xid >= pg_snapshot_xmax(pg_current_snapshot())
"""


@dataclass
class Report:
    """What came of it."""

    accidents: Counter[str] = field(default_factory=Counter)
    counted: dict[str, int] = field(default_factory=dict)
    from_the_future: int = 0
    differences: list[tuple[Any, ...]] = field(default_factory=list)
    violations: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return bool(self.counted) and not (self.differences or self.violations or self.errors)


class Chaos:
    """The jobs, the workers and those who disturb them; on one server, then on the other."""

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        self._dump = folder / "dump"
        self._logs = folder / "logs"
        self._logs.mkdir()
        self._seconds = seconds
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.report = Report()

    def run(self, first: embedded.Server, second: embedded.Server) -> Report:
        """Disturb both servers for half of the time each; the schema is installed on the first."""
        with psycopg.connect(first.dsn, autocommit=True) as conn:
            conn.execute(f"{AGE} end loop; end $$".encode())
        with self._at_work(first) as workshop:
            self._disturb(first, workshop)
            command = [str(first.bindir / "pg_dump"), "-Fc", "-d", first.dsn, "-f", str(self._dump)]
            subprocess.run(command, check=True)
        # The roles are missing until the upgrade.
        command = [str(second.bindir / "pg_restore"), "-d", second.dsn, str(self._dump)]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
        upgrade(second.dsn)
        with psycopg.connect(second.dsn, autocommit=True) as conn:
            ((self.report.from_the_future,),) = conn.execute(OF_THE_FUTURE.encode()).fetchall()
        with self._at_work(second) as workshop:
            self._disturb(second, workshop)
            self._end_threads()
            with psycopg.connect(second.dsn, autocommit=True) as conn:
                self._commit_prepared(conn)
            workshop.wait_until_done()
        with psycopg.connect(second.dsn, autocommit=True) as conn:
            fold_all(conn)
            self.report.counted = outcomes(conn)
            self.report.differences = differences(conn)
            self.report.violations = conn.execute("select * from pgq.verify()").fetchall()
        return self.report

    @contextmanager
    def _at_work(self, server: embedded.Server) -> Iterator[Workshop]:
        """Workers, those who enqueue, and those who settle late."""
        self._stop.clear()
        workshop = Workshop(server.dsn, self._logs)
        steps = [self._enqueue, self._enqueue, self._settle_late, self._settle_late, self._prepare]
        self._threads = [
            threading.Thread(
                target=self._guard, args=(step, server.dsn, random.Random(self._chance.random()))
            )
            for step in steps
        ]
        try:
            for _ in range(WORKERS):
                workshop.start(lease=2)
            for thread in self._threads:
                thread.start()
            workshop.wait_for(lambda: workshop.count("pgq.job_history") > 0, "the first job")
            yield workshop
        finally:
            self._end_threads()
            workshop.close()

    def _end_threads(self) -> None:
        self._stop.set()
        while self._threads:
            self._threads.pop().join()

    def _guard(
        self, step: Callable[[str, random.Random], None], dsn: str, chance: random.Random
    ) -> None:
        """Repeat a step until the end; a session that was ended is the only excuse."""
        while not self._stop.is_set():
            try:
                step(dsn, chance)
            except psycopg.OperationalError as error:
                # Deadlocks and timeouts are operational errors too, and no excuse.
                if error.sqlstate is not None and not error.sqlstate.startswith("57P"):
                    self._note_error(error)
            except psycopg.Error as error:
                # One that held a transaction open for longer than its lease was given up.
                if error.sqlstate != "JQ004":
                    self._note_error(error)
            except pgq.errors.PgqError as error:
                self._note_error(error)

    def _note_error(self, error: Exception) -> None:
        with self._lock:
            self.report.errors.append(f"{type(error).__name__}: {error}")

    def _note(self, accident: str) -> None:
        with self._lock:
            self.report.accidents[accident] += 1

    # Those who enqueue and settle

    def _enqueue(self, dsn: str, chance: random.Random) -> None:
        """Enqueue jobs of all kinds and cancel some, at times in a transaction that stays open."""
        with psycopg.connect(dsn, autocommit=True) as conn, pgq.Client(conn) as client:
            while not self._stop.wait(chance.uniform(0, 0.2)):
                with conn.transaction(force_rollback=chance.random() < 0.1):
                    ids = [new.id for new in client.enqueue_many(self._jobs(chance))]
                    # Of a parent that may fail.
                    if chance.random() < 0.2:
                        client.enqueue("chance", [0.01], queue="c", depends_on=ids[:1])
                    if chance.random() < 0.1:
                        self._stop.wait(chance.uniform(0, 0.5))
                if chance.random() < 0.3:
                    client.cancel(chance.sample(ids, 2))

    def _jobs(self, chance: random.Random) -> list[pgq.NewJob]:
        return [
            pgq.NewJob(
                chance.choice(["chance", "chance", "chance", "plain", "pay"]),
                [chance.choice([0.0, 0.05, 0.3])],
                queue=chance.choice(QUEUES),
                max_attempts=chance.choice([1, 3, 10]),
                backoff=0.05,
                delay=chance.choice([None, None, 0.2]),
                expires_in=chance.choice([None, None, None, 0.05]),
                timeout=chance.choice([None, None, 0.1]),
            )
            for _ in range(chance.randint(3, 10))
        ]

    def _settle_late(self, dsn: str, chance: random.Random) -> None:
        """Claim, and settle in a transaction that stays open; some are rolled back."""
        with psycopg.connect(dsn, autocommit=True) as conn, self._held(conn) as claim:
            while not self._stop.is_set():
                if held := claim(chance.randint(1, 5)):
                    with conn.transaction(force_rollback=chance.random() < 0.2):
                        self._settle(conn, chance, held)
                        conn.execute("select pgq.enqueue('plain', '[0]', queue => 'c')")
                        self._stop.wait(chance.uniform(0, 3))
                    self._note("late transaction")
                    self._settle(conn, chance, held)
                self._stop.wait(0.05)

    def _prepare(self, dsn: str, chance: random.Random) -> None:
        """Claim, and complete in a transaction that is prepared; it outlives restarts."""
        with psycopg.connect(dsn, autocommit=True) as conn, self._held(conn) as claim:
            self._commit_prepared(conn)
            while not self._stop.is_set():
                if held := claim(chance.randint(1, 5)):
                    name = f"settle {time.monotonic_ns()}"
                    with contextlib.suppress(psycopg.errors.FeatureNotSupported):
                        conn.execute("begin")
                        self._complete(conn, held)
                        # Refused where it has woken somebody.
                        conn.execute(f"prepare transaction '{name}'".encode())
                    if conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                        self._stop.wait(chance.uniform(0, 3))
                    if self._prepared(conn):
                        end = chance.choice(["commit", "commit", "rollback"])
                        conn.execute(f"{end} prepared '{name}'".encode())
                        self._note(f"{end} prepared")
                    self._complete(conn, held)
                self._stop.wait(0.05)

    def _commit_prepared(self, conn: psycopg.Connection) -> None:
        """Commit what a session that was killed has prepared."""
        for name in self._prepared(conn):
            conn.execute(f"commit prepared '{name}'".encode())

    def _prepared(self, conn: psycopg.Connection) -> list[str]:
        query = "select gid from pg_prepared_xacts where database = current_database()"
        return [gid for (gid,) in conn.execute(query)]

    @contextmanager
    def _held(self, conn: psycopg.Connection) -> Iterator[Callable[[int], list[Any]]]:
        """Yield a way to claim jobs as a worker that lives as long as its session."""
        query = "select pgq.register_worker('late', '{*}', lease => '5 seconds')"
        ((worker_id,),) = conn.execute(query).fetchall()

        def claim(size: int) -> list[Any]:
            conn.execute("select pgq.heartbeat(%s)", (worker_id,))
            query = "select job_id, claim_id from pgq.claim_batch('{*}', %s, %s)"
            return conn.execute(query, (worker_id, size)).fetchall()

        yield claim
        conn.execute("select pgq.deregister_worker(%s)", (worker_id,))

    def _settle(self, conn: psycopg.Connection, chance: random.Random, held: list[Any]) -> None:
        ids, claim_ids = [row[0] for row in held], [row[1] for row in held]
        match chance.randrange(5):
            case 0:
                query = "select pgq.fail_batch(%s, %s, array_fill('late'::text, '{5}'))"
                conn.execute(query.encode(), (ids, claim_ids))
            case 1:
                delays = ["0.1 s"] * len(ids)
                query = "select pgq.snooze_batch(%s, %s, %s::interval[])"
                conn.execute(query.encode(), (ids, claim_ids, delays))
            case 2:
                conn.execute("select pgq.release_batch(%s, %s)", (ids, claim_ids))
            case _:
                self._complete(conn, held)

    def _complete(self, conn: psycopg.Connection, held: list[Any]) -> None:
        ids, claim_ids = [row[0] for row in held], [row[1] for row in held]
        conn.execute("select pgq.complete_batch(%s, %s)", (ids, claim_ids))

    # Those who disturb them

    def _disturb(self, server: embedded.Server, workshop: Workshop) -> None:
        """Let one accident after the other happen, each at least once, and count in between."""
        until = time.monotonic() + self._seconds / 2
        accidents = list(ACCIDENTS)
        while accidents or time.monotonic() < until:
            accident = accidents.pop() if accidents else self._chance.choice(ACCIDENTS)
            time.sleep(self._chance.uniform(0.3, 1.0))
            accident(self, server, workshop)
            self._note(accident.__name__.strip("_").replace("_", " "))
            workshop.wait_for(lambda: workshop.rows("select pgq.maintain()"), "the server")

    def _kill_worker(self, server: embedded.Server, workshop: Workshop) -> None:
        """Kill a worker that has runs, once it has some; start another one."""
        busy = "select pid from pgq.worker_status where running > 0 and name not like 'late%'"
        pids = workshop.wait_for(lambda: workshop.rows(busy), "a busy worker")
        victims = [each for each in workshop.processes if (each.pid,) in pids]
        if victims:
            victims[0].kill()
            victims[0].wait()
            workshop.start(lease=2)

    def _kill_session(self, server: embedded.Server, workshop: Workshop) -> None:
        """Kill a worker's session on the server, which then ends all and recovers."""
        query = "select pid from pg_stat_activity where application_name = 'pgq worker'"
        ((pid,), *_) = workshop.wait_for(lambda: workshop.rows(query), "a session")
        os.kill(pid, signal.SIGKILL)

    def _restart(self, server: embedded.Server, workshop: Workshop) -> None:
        """Restart the server as after a crash."""
        server.restart("immediate")


ACCIDENTS = (Chaos._kill_worker, Chaos._kill_session, Chaos._restart)


def tell(report: Report) -> None:
    print(f"accidents {dict(report.accidents)}")
    print(f"counted {report.counted}, {report.from_the_future} of transactions yet to come")
    for title in ("differences", "violations", "errors"):
        found = getattr(report, title)
        print(f"{title}: {len(found)}")
        for each in found[:20]:
            print(f"  {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="what happens when  [random]")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    print(f"{given.seconds:g} s, seed {seed}")
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.start(None, settings=SETTINGS) as first,
        embedded.start(None, settings=SETTINGS) as second,
    ):
        install(first.dsn)
        report = Chaos(Path(folder), given.seconds, seed).run(first, second)
        tell(report)
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
