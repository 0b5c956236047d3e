"""Chase keyed jobs through every accident: python -m tests.proof.chaos_semaphores [--seconds 20].

Claimers promote, claim and settle jobs of some twenty semaphores in every way there is, while
their sessions are ended at random, limits change, queues pause, jobs are cancelled and time out.
Triggers write each start and each end to a ledger, in the transactions that claim, settle or take a
claim away. At the end the ledger is replayed: how many ran at once, against the largest limit in
force then. Exits 1 if that was ever above it, or if a waiter was forgotten, a
job stranded, or verify() finds anything. Also prints how long 200 enqueues of one key in open
transactions take, and what a keyed job costs beside a plain one.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg

from pgq import embedded
from tests.proof.chaos_ledger import (
    LEDGER,
    SETTLES,
    Replay,
    Row,
    Semaphore,
    claim,
    configure,
    replay,
    settle,
)
from tests.proof.measure_semaphores import measure_cost, measure_enqueues
from tests.servers import SETTINGS, install

QUEUES = ("a", "b")
# After so many seconds everybody stops, and waiters beside free slots are counted.
ROUND = 1.0
# Jobs that wait although there is room for the first in line, by the limit that counts.
FORGOTTEN = """
    select waiter.concurrency_key
    from (
      select distinct on (lane.concurrency_key) lane.concurrency_key,
        (job.concurrency ->> 'weight')::bigint as weight,
        (job.concurrency ->> 'limit')::bigint as max_slots
      from pgq.blocked as lane
      join pgq.jobs as job on job.id = lane.job_id
      where not lane.has_parents
      order by lane.concurrency_key, lane.priority, lane.waiting_xid, lane.job_id
    ) as waiter
    left join pgq.semaphores as configured using (concurrency_key)
    left join lateral (
      select coalesce(sum(slot.weight), 0) as slots
      from pgq.slots as slot
      where slot.concurrency_key = waiter.concurrency_key
    ) as used on true
    where coalesce(configured.max_slots, waiter.max_slots) > 0
      and (
        used.slots = 0
        or used.slots + waiter.weight <= coalesce(configured.max_slots, waiter.max_slots)
      )
"""


@dataclass
class Report:
    """What came of it."""

    ledger: Replay = field(default_factory=Replay)
    kills: int = 0
    rescued: int = 0
    limit_changes: int = 0
    settles: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    forgotten: int = 0
    stranded: int = 0
    violations: list[Row] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        bad = self.ledger.over or self.forgotten or self.stranded or self.violations or self.errors
        return self.ledger.starts > 0 and not bad


def make_semaphores(chance: random.Random, keys: int) -> list[Semaphore]:
    made = []
    for number in range(keys):
        limit = 1 + number % 5
        weights = (1,) if number % 3 else tuple({1, chance.randint(1, limit)})
        made.append(Semaphore(f"key-{number:02}", limit, weights))
    return made


class Chaos:
    """The jobs, the claimers and those who disturb them, all on one database."""

    def __init__(self, dsn: str, seconds: float, claimers: int, keys: int, seed: int) -> None:
        self._dsn = dsn
        self._claimers = claimers
        self._until = self._end = time.monotonic() + seconds
        self._chance = random.Random(seed)
        self._semaphores = make_semaphores(self._chance, keys)
        self._lock = threading.Lock()
        self.report = Report()

    def run(self) -> Report:
        with self._connect() as conn:
            conn.execute(LEDGER.encode())
            for semaphore in self._semaphores:
                configure(conn, semaphore.key, None)
            try:
                while (left := self._until - time.monotonic()) > 0:
                    self._end = time.monotonic() + min(ROUND, left)
                    self._round()
                    self._look(conn)
                self._settle_down(conn)
            except psycopg.Error as error:
                self._note_error(error)
            self._judge(conn)
        return self.report

    def _round(self) -> None:
        """Let everybody do their worst for a while."""
        steps = [self._claimer] * self._claimers + [self._produce] * 2
        steps += [self._operate, self._kill]
        chances = [random.Random(self._chance.random()) for _ in steps]
        with ThreadPoolExecutor(max_workers=len(steps)) as threads:
            for task in [
                threads.submit(self._guard, *pair) for pair in zip(steps, chances, strict=True)
            ]:
                task.result()

    def _look(self, conn: psycopg.Connection) -> None:
        """Count the keys whose best waiter still waits beside free slots after two promotions.

        A killed session may hold its locks for a moment longer than its client knows. On a slow
        machine transactions are open for more than a second: what they noted may be before a mark,
        until the next second's maintenance takes that back.
        """
        sessions = "select from pg_stat_activity where application_name = 'claimer'"
        while conn.execute(f"{sessions} and datname = current_database()".encode()).fetchall():
            time.sleep(0.01)
        conn.execute("select pgq._advance_id_marks()")
        for _ in range(2):
            conn.execute("select pgq.promote_due(100000)")
        self.report.forgotten += len(conn.execute(FORGOTTEN.encode()).fetchall())

    def _connect(self, **options: Any) -> psycopg.Connection:
        return psycopg.connect(self._dsn, autocommit=True, **options)

    def _guard(self, step: Callable[[random.Random], None], chance: random.Random) -> None:
        """Repeat a step until the end; a session that was killed is the only excuse."""
        while time.monotonic() < self._end:
            try:
                step(chance)
            except psycopg.OperationalError as error:
                # Deadlocks and timeouts are operational errors too, and no excuse.
                if error.sqlstate not in (None, "57P01"):
                    self._note_error(error)
            except psycopg.Error as error:
                # A claimer that a busy machine kept silent for a second was given up.
                if error.sqlstate != "JQ004":
                    self._note_error(error)

    def _note_error(self, error: Exception) -> None:
        with self._lock:
            self.report.errors.append(f"{type(error).__name__}: {error}")

    def _claimer(self, chance: random.Random) -> None:
        """Promote, claim and settle on one session until it is killed."""
        with self._connect(application_name="claimer") as conn:
            query = "select pgq.register_worker('chaos', '{*}', lease => '1 second')"
            ((worker_id,),) = conn.execute(query).fetchall()
            while time.monotonic() < self._end:
                conn.execute("select pgq.heartbeat(%s)", (worker_id,))
                self._promote(conn, chance)
                if chance.random() < 0.2:
                    conn.execute("select pgq.maintain()")
                held = claim(conn, worker_id, chance.randint(1, 8))
                time.sleep(chance.choice([0.0, 0.005, 0.04]))
                chance.shuffle(held)
                while held:
                    size = chance.randint(1, len(held))
                    self._settle(conn, chance, held[:size])
                    held = held[size:]
            # If a function forgets a waiter now, no later event hides that.
            for _ in range(4):
                self._promote(conn, chance)

    def _promote(self, conn: psycopg.Connection, chance: random.Random) -> None:
        """Promote in a transaction that stays open for a moment, so that others meet it."""
        with conn.transaction():
            conn.execute("select pgq.promote_due(%s)", (chance.choice([1, 5, 1000]),))
            time.sleep(chance.choice([0.0, 0.0, 0.01]))

    def _settle(self, conn: psycopg.Connection, chance: random.Random, held: list[Row]) -> None:
        """End runs in some way, and note it; at times in a transaction that is given up."""
        ids, claim_ids = [row[0] for row in held], [row[1] for row in held]
        how = chance.choices(list(SETTLES), [10, 3, 1, 2, 2, 1])[0]
        delays = [chance.choice(["0 s", "0.05 s", "0.3 s"]) for _ in ids]
        with self._lock:
            self.report.settles[how] += 1
        with conn.transaction(force_rollback=how == "rollback"):
            settle(conn, how, ids, claim_ids, delays)
            time.sleep(chance.choice([0.0, 0.0, 0.005]))
        if how == "rollback":
            self._settle(conn, chance, held)

    def _produce(self, chance: random.Random) -> None:
        """Enqueue now and later, alone and many, in transactions that stay open for a moment."""
        with self._connect() as conn:
            while time.monotonic() < self._end:
                with conn.transaction(force_rollback=chance.random() < 0.1):
                    for _ in range(chance.randint(1, 40)):
                        self._enqueue(conn, chance)
                    time.sleep(chance.choice([0.0, 0.0, 0.05]))
                time.sleep(chance.uniform(0, 0.04))

    def _enqueue(self, conn: psycopg.Connection, chance: random.Random) -> None:
        semaphore = chance.choice(self._semaphores)
        conn.execute(
            "select pgq.enqueue('work', queue => %s, priority => %s, delay => %s::interval,"
            " max_attempts => 6, backoff => '0.05', expires_in => %s::interval,"
            " concurrency_key => %s, concurrency_limit => %s, concurrency_weight => %s,"
            " concurrency_on_conflict => %s)",
            (
                chance.choice(QUEUES),
                chance.randint(-1, 1),
                chance.choice([None, None, None, "0.1 s", "0.5 s"]),
                chance.choice([None, None, None, "1 s"]),
                semaphore.key,
                semaphore.limit,
                chance.choice(semaphore.weights),
                chance.choice([None] * 9 + ["discard"]),
            ),
        )

    def _operate(self, chance: random.Random) -> None:
        """Change limits, pause queues, cancel, retry and discard jobs, call maintain()."""
        with self._connect() as conn:
            while time.monotonic() < self._end:
                time.sleep(chance.uniform(0, 0.06))
                jobs = "array(select id from pgq.jobs order by random() limit 3)"
                past = "array(select id from pgq.job_history order by random() limit 2)"
                match chance.randint(0, 6):
                    case 0 | 1:
                        key = chance.choice(self._semaphores).key
                        configure(conn, key, chance.choice([None, None, 0, 1, 2, 4, 7]))
                        self.report.limit_changes += 1
                    case 2:
                        name = chance.choice(QUEUES)
                        conn.execute("select pgq.pause_queue(%s)", (name,))
                        time.sleep(chance.uniform(0, 0.2))
                        conn.execute("select pgq.resume_queue(%s)", (name,))
                    case 3:
                        conn.execute(f"select pgq.cancel({jobs})".encode())
                    case 4:
                        conn.execute(f"select pgq.retry({jobs} || {past})".encode())
                    case 5:
                        conn.execute(f"select pgq.discard({jobs})".encode())
                    case 6:
                        conn.execute("select pgq.maintain()")

    def _kill(self, chance: random.Random) -> None:
        """End the sessions of claimers, wherever they are."""
        with self._connect() as conn:
            while time.monotonic() < self._end:
                time.sleep(chance.uniform(0.1, 0.6))
                killed = conn.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'claimer' and datname = current_database()"
                    " order by random() limit 1"
                ).fetchall()
                self.report.kills += len(killed)

    def _settle_down(self, conn: psycopg.Connection) -> None:
        """Lift what holds jobs up, and work until nothing is left or nothing moves any more."""
        for semaphore in self._semaphores:
            configure(conn, semaphore.key, None)
        for name in QUEUES:
            conn.execute("select pgq.resume_queue(%s)", (name,))
        patience = time.monotonic() + 30
        while time.monotonic() < patience:
            self._look(conn)
            conn.execute("select pgq.maintain()")
            held = claim(conn, None, 1000)
            if held:
                settle(conn, "complete", [row[0] for row in held], [row[1] for row in held], [])
            elif not conn.execute("select from pgq.jobs limit 1").fetchall():
                break
            else:
                time.sleep(0.05)

    def _judge(self, conn: psycopg.Connection) -> None:
        report = self.report
        report.stranded = len(conn.execute("select from pgq.jobs").fetchall())
        report.violations = conn.execute("select * from pgq.verify()").fetchall()
        lost = (
            "select count(*) from pgq.job_history"
            " where errors @? '$[*] ? (@.type == \"WorkerLost\")'"
        )
        ((report.rescued,),) = conn.execute(lost.encode()).fetchall()
        ended = "select state, count(*)::int from pgq.job_history group by state"
        report.ended.update(dict(conn.execute(ended).fetchall()))
        report.ledger = replay(conn, self._semaphores)


def tell(report: Report) -> None:
    print("key         slots in use at most / allowed then")
    for key, (largest, allowed) in sorted(report.ledger.overlaps.items()):
        print(f"  {key}     {largest:3} / {allowed}{'   ABOVE' if largest > allowed else ''}")
    print(
        f"runs {report.ledger.starts:,}; settled {dict(report.settles)}; ended {dict(report.ended)}"
    )
    print(f"sessions killed {report.kills}, jobs rescued {report.rescued},", end=" ")
    print(f"limits changed {report.limit_changes}")
    print(f"starts above the limit {report.ledger.over}")
    print(f"lost wake-ups          {report.forgotten}")
    print(f"jobs stranded          {report.stranded}")
    print(f"violations             {report.violations}")
    for error in sorted(set(report.errors)):
        print(f"error: {error}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--claimers", type=int, default=8)
    parser.add_argument("--keys", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="what happens when  [random]")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    print(f"{given.claimers} claimers, {given.keys} keys, {given.seconds:g} s, seed {seed}")
    with embedded.start(None, settings=SETTINGS | {"max_connections": "260"}) as server:
        install(server.dsn)
        report = Chaos(server.dsn, given.seconds, given.claimers, given.keys, seed).run()
        tell(report)
        seconds = measure_enqueues(server.dsn, 200)
        print(f"200 enqueues of one key in open one-second transactions: {seconds:.2f} s")
        with psycopg.connect(server.dsn, autocommit=True) as conn:
            conn.execute("truncate pgq.jobs, pgq.blocked, pgq.releases")
            conn.execute("drop trigger note_run on pgq.running")
        plain, keyed = measure_cost(server.dsn)
        print(f"plain {plain:,.0f} jobs/s, keyed {keyed:,.0f} jobs/s: {keyed / plain:.2f} of plain")
    sys.exit(not report.passed)


if __name__ == "__main__":
    main()
