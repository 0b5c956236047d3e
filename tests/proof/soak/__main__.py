"""Soak the queue in accidents: python -m tests.proof.soak [--seconds 60] [--seed N] [--pg 18].

Producers enqueue, workers that are SQL alone and processes of `pgq worker` run what is there, all
through a proxy that cuts, delays, falls silent, and swallows the answers of commits. Meanwhile
processes are killed and frozen, sessions are ended, the server crashes, is away, or takes only
reads, connections are used up, queues pause and limits change. Then all drains, and the checker
compares every job that was asked for with its effects. It reads nothing of pgq. Exits 1 if a job
was lost, an effect doubled, a limit overrun, a child too early, a job or a session left, or if
verify() finds anything.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import psycopg

from pgq import embedded
from pgq.processes.tied import tied_environment
from tests.proof.soak.actors import LIMITS, Actor, Producer, SqlWorker, drained, every
from tests.proof.soak.ledger import TABLES, Ledger, Verdict, check
from tests.proof.soak.proxy import BadProxy
from tests.servers import SETTINGS, Target, find_targets, install

ROOT: Final = Path(__file__).parents[3]
SESSIONS: Final = """
    select application_name, state, query from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
DRAIN_S: Final = 90


class Fleet:
    """`pgq worker` with two processes, started again if it is killed."""

    def __init__(self, dsn: str, log: Path) -> None:
        self.dsn, self.log = dsn, log
        self.process = self._start()

    def pids(self) -> list[int]:
        """Return the supervisor and its children."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with suppress(OSError):
            return [self.process.pid, *map(int, path.read_text().split())]
        return []

    def keep(self) -> None:
        """Start it again if it is gone."""
        if self.process.poll() is not None:
            self.process = self._start()

    def end(self) -> None:
        """Let running jobs end, and kill what does not obey."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        options = (
            "--processes",
            "2",
            "--concurrency",
            "4",
            "--lease",
            "2",
            "--shutdown-timeout",
            "5",
        )
        return subprocess.Popen(
            [sys.executable, "-m", "pgq", "worker", "tests.proof.soak.handlers", *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            env={**tied_environment(self.dsn), "PYTHONPATH": str(ROOT)},
        )


class Accidents:
    """What happens to everybody, one thing after the other."""

    def __init__(self, server: embedded.Server, proxy: BadProxy, fleet: Fleet, seed: int) -> None:
        self.server, self.proxy, self.fleet = server, proxy, fleet
        self.random = random.Random(seed)
        self.counts = Counter[str]()
        self.kinds = (
            *(self.network_cuts, self.network_slows, self.network_is_silent),
            *(self.answers_get_lost, self.answers_get_lost, self.answers_get_lost),
            *(self.session_ends, self.session_ends, self.process_dies, self.process_freezes),
            *(self.server_crashes, self.server_only_reads, self.connections_run_out),
            *(self.queue_pauses, self.limit_changes, self.house_is_kept),
        )

    def go_on(self, until: float) -> None:
        """Let one thing after the other happen until then."""
        while time.monotonic() < until:
            kind = self.random.choice(self.kinds)
            self.counts[kind.__name__.replace("_", " ")] += 1
            with suppress(psycopg.Error, ProcessLookupError):
                kind()
            self.fleet.keep()
            time.sleep(self.random.uniform(0.1, 0.5))

    def network_cuts(self) -> None:
        self.proxy.cuts += 1

    def network_slows(self) -> None:
        self.proxy.delay_s = 0.05
        time.sleep(1)
        self.proxy.delay_s = 0

    def network_is_silent(self) -> None:
        self.proxy.silent.set()
        time.sleep(self.random.uniform(0.5, 4))
        self.proxy.silent.clear()

    def answers_get_lost(self) -> None:
        self.proxy.swallows += self.random.randrange(5, 25)

    def session_ends(self) -> None:
        self._do(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            " order by random() limit 2"
        )

    def process_dies(self) -> None:
        os.kill(self.random.choice(self.fleet.pids()), signal.SIGKILL)

    def process_freezes(self) -> None:
        pid = self.random.choice(self.fleet.pids())
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(1, 5))
        os.kill(pid, signal.SIGCONT)

    def server_crashes(self) -> None:
        self.server.restart("immediate")

    def server_only_reads(self) -> None:
        self._do("alter system set default_transaction_read_only = on", "select pg_reload_conf()")
        time.sleep(2)
        self._do(
            "set default_transaction_read_only = off",
            "alter system reset default_transaction_read_only",
            "select pg_reload_conf()",
        )

    def connections_run_out(self) -> None:
        with ExitStack() as taken:
            for _ in range(150):
                try:
                    session = psycopg.connect(self.server.dsn)
                except psycopg.OperationalError:
                    break
                taken.callback(session.close)
            time.sleep(1)

    def queue_pauses(self) -> None:
        self._do("select pgq.pause_queue('default', '500 ms')")

    def limit_changes(self) -> None:
        # Below what jobs ask for, and back: it is never above what the checker allows.
        self._do("select pgq.configure_semaphore('three', 2)")
        time.sleep(0.5)
        self._do("select pgq.configure_semaphore('three', null)")

    def house_is_kept(self) -> None:
        self._do("select count(*) from pgq.maintain()")

    def _do(self, *statements: str) -> None:
        with psycopg.connect(self.server.dsn, autocommit=True) as session:
            for statement in statements:
                session.execute(statement.encode())


def soak(
    target: Target,
    seconds: float,
    seed: int,
    log: Path,
    faults: Sequence[str] = (),
    producer: type[Producer] = Producer,
) -> tuple[Verdict, Counter[str]]:
    """Run everything for so long; return what the checker found, and how often what happened.

    faults: what to change in the schema first, so that something must be found.
    """
    ledger = Ledger()
    with ExitStack() as stack:
        server = stack.enter_context(
            embedded.start(
                None, bindir=target.bindir, settings={**SETTINGS, "max_connections": "60"}
            )
        )
        install(server.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            for change in (TABLES, *faults):
                conn.execute(change.encode())
        proxy = BadProxy(server.dsn)
        stack.callback(proxy.close)
        fleet = Fleet(proxy.dsn, log)
        producers: list[Actor] = [producer(proxy.dsn, ledger, seed + n) for n in range(3)]
        workers: list[Actor] = [SqlWorker(proxy.dsn, ledger, seed + 10 + n) for n in range(4)]
        every(producers + workers, lambda actor: actor.start())
        accidents = Accidents(server, proxy, fleet, seed)
        accidents.go_on(time.monotonic() + seconds)
        every(producers, lambda actor: actor.end(10))
        proxy.swallows = 0
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            conn.execute("select pgq.resume_queue('default')")
            empty = drained(conn, DRAIN_S)
            every(workers, lambda actor: actor.end(10))
            fleet.end()
            ledger.count("commits whose answer was lost", proxy.swallowed)
            verdict = check(conn, ledger, LIMITS)
            left = conn.execute("select count(*) from pgq.jobs").fetchall()[0][0]
            verdict.faults["jobs stranded"] = 0 if empty else left
            verdict.faults["violations"] = len(
                conn.execute("select * from pgq.verify()").fetchall()
            )
            verdict.faults["sessions left"] = len(sessions_left(conn, 20))
    return verdict, accidents.counts


def sessions_left(conn: psycopg.Connection, patience_s: float) -> list[tuple[str, ...]]:
    """Wait until nobody else is connected; return who still is, and print it."""
    deadline = time.monotonic() + patience_s
    while (left := conn.execute(SESSIONS.encode()).fetchall()) and time.monotonic() < deadline:
        time.sleep(0.2)
    for session in left:
        print("left: ", *session)
    return left


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="what happens when  [random]")
    parser.add_argument("--pg", type=int, help="the major version; default: the newest here")
    parser.add_argument("--log", type=Path, help="where the workers write")
    given = parser.parse_args()
    seed = random.randrange(1 << 31) if given.seed is None else given.seed
    target = next(each for each in find_targets() if given.pg in (None, each.major))
    print(f"Postgres {target.version}, {given.seconds:g} s, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        verdict, happened = soak(target, given.seconds, seed, given.log or Path(folder) / "log")
    for title, counts in (("figures", verdict.figures), ("accidents", happened)):
        print(f"{title}: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
    for what, number in verdict.faults.items():
        print(f"{number:6} {what}")
    sys.exit(not verdict.passed)


if __name__ == "__main__":
    main()
