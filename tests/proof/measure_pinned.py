"""Measure how fast jobs of each kind are at first and at last, while a session holds a snapshot.

`python -m tests.proof.measure_pinned DSN [KIND ...]`, on a database with nothing but the schema.
"""

from __future__ import annotations

import sys
import time

import psycopg

from tests.sql.calls import register, rows
from tests.sql.test_held_snapshot import KINDS, Pile

JOBS, BATCH, MARK_EVERY = 20_000, 100, 2_000
CLEAN = "truncate pgq.jobs, pgq.ready, pgq.scheduled, pgq.blocked, pgq.running, pgq.slots"


def measure(dsn: str, kind: str) -> float:
    """Return the speed of the last tenth of the jobs by that of the first."""
    with (
        psycopg.connect(dsn, autocommit=True) as conn,
        psycopg.connect(dsn) as reader,
    ):
        register(conn, queues=["default"])
        pile = Pile(conn, kind)
        pile.run(MARK_EVERY)
        conn.execute("vacuum")
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select pg_current_snapshot()")
        began, times = pile.count, []
        while pile.count - began < JOBS:
            before, at = pile.count, time.perf_counter()
            pile.run(BATCH)
            times.append((time.perf_counter() - at) / (pile.count - before))
            if (pile.count - began) % MARK_EVERY < BATCH:
                # A worker maintains all the time, and its statistics are never far behind.
                conn.execute("select pg_stat_force_next_flush()")
                conn.execute("update pgq.maintenance set due_at = '-infinity' where every = '1 s'")
                rows(conn, "maintain")
        tenth = len(times) // 10
        return sum(times[:tenth]) / sum(times[-tenth:])


if __name__ == "__main__":
    for name in sys.argv[2:] or KINDS:
        print(f"{name}: {measure(sys.argv[1], name):.2f}", flush=True)
        with psycopg.connect(sys.argv[1], autocommit=True) as cleaner:
            cleaner.execute(CLEAN)
            cleaner.execute("vacuum")
