"""Let bulk calls of all kinds overlap: python -m tests.proof.deadlocks [--seconds 60].

Each client has one session and sends calls at random, about the same few hundred jobs, in an order
of its own: it enqueues, claims, settles, cancels, retries, discards, reprioritises, prunes, limits
and so on. Counts the calls, how many were deadlocked, and what else they were refused for. Exits 1
after a deadlock, an error that is not one of ours, or a violation. Each call is a transaction: of
several calls in one transaction the caller decides the order, so these may deadlock as with any
tables.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg
from psycopg import errors

from pgq import embedded
from tests.servers import SETTINGS, install

QUEUES: Final = ("a", "b", "c")
KEYS: Final = ("k", "l", "m", "n")
# What a call may be refused for, here: states of ours, and a snapshot that is too old.
OURS: Final = "JQ"


class Client:
    """One session and its calls; each is a statement with its parameters."""

    def __init__(self, dsn: str, seed: int) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.random = random.Random(seed)
        self.held: list[tuple[int, int]] = []
        self.sent = ""
        self.worker = self._value(
            "select pgq.register_worker(%s, '{*}', lease => '1 minute')", f"client-{seed}"
        )
        self.calls: tuple[Callable[[], None], ...] = (
            *(self.enqueue, self.enqueue, self.claim, self.claim, self.settle, self.settle),
            *(self.by_ids, self.by_ids, self.by_ids, self.keep_house, self.limit, self.flow),
            *(self.filtered, self.schedule),
        )

    def run(self, until: float) -> Counter[str]:
        """Send calls until then; count what came of them."""
        counted = Counter[str]()
        while time.monotonic() < until:
            try:
                self.random.choice(self.calls)()
                counted["calls"] += 1
            except errors.DeadlockDetected as error:
                counted["deadlocks"] += 1
                print(f"deadlock: {self.sent}\n{error.diag.message_detail}\n{error.diag.context}")
            except psycopg.Error as error:
                state = error.sqlstate or "none"
                counted[f"refused {state}" if state.startswith(OURS) else f"error {error}"] += 1
        self.conn.close()
        return counted

    def enqueue(self) -> None:
        """Enqueue jobs: plain, unique, keyed, in order, of a fair queue."""
        jobs = [
            {
                "task": "work",
                "queue": self.random.choice(QUEUES),
                **self.random.choice(
                    (
                        {},
                        {"unique_key": f"u{self.random.randrange(200)}", "on_conflict": "discard"},
                        {"concurrency_key": self.random.choice(KEYS), "concurrency_limit": 2},
                        {"partition_key": self.random.choice(KEYS)},
                        {"delay": "1 second"},
                    )
                ),
            }
            for _ in range(self.random.randrange(1, 40))
        ]
        self._send("select count(*) from pgq.enqueue_many(%s)", json.dumps(jobs))

    def claim(self) -> None:
        """Claim some."""
        query = "select job_id, claim_id from pgq.claim_batch('{*}', %s, %s)"
        self.held += self._send(query, self.worker, self.random.randrange(1, 30))

    def settle(self) -> None:
        """Settle what was claimed, in any order, and now and then twice."""
        taken = self.random.sample(self.held, min(len(self.held), self.random.randrange(1, 30)))
        if self.random.random() < 0.9:
            self.held = [claim for claim in self.held if claim not in taken]
        if taken:
            ids, claims = map(list, zip(*taken, strict=True))
            call = self.random.choice(("complete", "complete", "fail", "release", "snooze"))
            more = [["1 second"] * len(ids)] if call == "snooze" else []
            arguments = ", ".join(["%s::bigint[]"] * 2 + ["%s::interval[]"] * len(more))
            self._send(f"select count(*) from pgq.{call}_batch({arguments})", ids, claims, *more)

    def by_ids(self) -> None:
        """Change jobs by their ids, in any order."""
        rows = self._send("select id from pgq.all_jobs order by id desc limit 300")
        ids = [row[0] for row in self.random.sample(rows, min(len(rows), 40))]
        call = self.random.choice(
            (
                *("cancel(%s)", "retry(%s)", "discard(%s)", "run_now(%s)", "redrive(%s)"),
                *("reprioritise(%s, 3)", "reprioritise(%s, -2)"),
            )
        )
        self._send(f"select count(*) from pgq.{call}", ids)

    def keep_house(self) -> None:
        """Do what workers and maintenance do."""
        call = ("promote_due()", "maintain()", "rescue_lost_workers()", "fire_due_schedules()")
        self._send(f"select count(*) from pgq.{self.random.choice(call)}")
        if self.random.random() < 0.1:
            self._send("select pgq.prune('0 seconds')")

    def limit(self) -> None:
        """Change a limit, or pause a queue for a moment."""
        queue, key = self.random.choice(QUEUES), self.random.choice(KEYS)
        call, value = self.random.choice(
            (
                ("configure_semaphore(%s, 3)", key),
                ("release_semaphore(%s)", key),
                ("configure_queue(%s, max_running => 50)", queue),
                ("configure_queue(%s, fair => true)", queue),
                ("configure_queue(%s, fair => false)", queue),
                ("pause_queue(%s, '50 ms')", queue),
                ("resume_queue(%s)", queue),
                ("release_unique_key(%s)", f"u{self.random.randrange(200)}"),
            )
        )
        self._send(f"select pgq.{call}", value)

    def flow(self) -> None:
        """Enqueue parents and a child of them, or a batch."""
        parents = self._send(
            "select id from pgq.enqueue_many(%s)", json.dumps([{"task": "work"}] * 3)
        )
        ids = [row[0] for row in parents]
        self.random.shuffle(ids)
        self._send("select pgq.enqueue('work', depends_on => %s::bigint[])", ids)
        batch = self._value("select pgq.create_batch(on_finish => %s)", '{"task": "work"}')
        self._send("select pgq.enqueue('work', batch_id => %s)", batch)
        self._send("select pgq.close_batch(%s)", batch)

    def filtered(self) -> None:
        """Do something to all that match: at once, or as a bulk operation."""
        if self.random.random() < 0.3:
            self._send("select pgq.clear_queue(%s, true)", self.random.choice(QUEUES))
            return
        found = self._send(
            "select id from pgq.bulk_start(%s, queue => %s, starts_in => '0 seconds')",
            self.random.choice(("cancel", "retry", "discard")),
            self.random.choice(QUEUES),
        )
        for row in found:
            self._send("select pgq.bulk_work(%s)", row[0])

    def schedule(self) -> None:
        """Make a schedule that fires at once, or take one away."""
        name = f"s{self.random.randrange(5)}"
        if self.random.random() < 0.3:
            self._send("select pgq.unschedule(%s)", name)
        else:
            self._send("select pgq.schedule(%s, 'work', every => '1 second')", name)

    def _send(self, query: str, *values: Any) -> list[Any]:
        self.sent = query
        return self.conn.execute(query.encode(), values).fetchall()

    def _value(self, query: str, *values: Any) -> Any:
        return self._send(query, *values)[0][0]


def soak(dsn: str, seconds: float, clients: int, seed: int) -> tuple[Counter[str], list[Any]]:
    """Let the clients send calls for so long; return what came of them, and what verify() finds."""
    started = threading.Barrier(clients)

    def run_one(number: int) -> Counter[str]:
        client = Client(dsn, seed + number)
        started.wait()
        return client.run(time.monotonic() + seconds)

    with ThreadPoolExecutor(clients) as threads:
        counted = sum(threads.map(run_one, range(clients)), Counter[str]())
    with psycopg.connect(dsn) as conn:
        return counted, conn.execute("select * from pgq.verify()").fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None, help="what is called  [random]")
    given = parser.parse_args()
    seed = random.randrange(1 << 31) if given.seed is None else given.seed
    print(f"{given.clients} clients, {given.seconds:g} s, seed {seed}", flush=True)
    with embedded.start(None, settings={**SETTINGS, "deadlock_timeout": "100ms"}) as server:
        install(server.dsn)
        counted, violations = soak(server.dsn, given.seconds, given.clients, seed)
    for what, number in counted.most_common():
        print(f"{number:8,} {what}")
    print(f"{len(violations):8,} violations {violations[:3] if violations else ''}")
    bad = counted["deadlocks"] + sum(counted[what] for what in counted if what.startswith("error"))
    sys.exit(bool(bad or violations or not counted["calls"]))


if __name__ == "__main__":
    main()
