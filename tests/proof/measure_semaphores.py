"""Measure semaphores: enqueues in open transactions, and a keyed job beside a plain one."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import psycopg


def measure_enqueues(dsn: str, sessions: int) -> float:
    """Return in how many seconds so many open one-second transactions enqueue the same key."""
    ready = threading.Barrier(sessions + 1)

    def enqueue() -> None:
        with psycopg.connect(dsn) as conn:
            # Work that a session does only once, such as planning, is not measured.
            conn.execute("select pgq.enqueue('work', concurrency_key => 'hot')")
            conn.rollback()
            ready.wait()
            conn.execute("select pgq.enqueue('work', concurrency_key => 'hot'), pg_sleep(1)")

    with ThreadPoolExecutor(max_workers=sessions) as threads:
        calls = [threads.submit(enqueue) for _ in range(sessions)]
        ready.wait()
        began = time.monotonic()
        for call in calls:
            call.result()
    return time.monotonic() - began


def measure_cost(dsn: str, batches: int = 60, size: int = 100) -> tuple[float, float]:
    """Return jobs per second, plain and keyed: enqueued, promoted, claimed and completed."""
    plain = [{"task": "work"}] * size
    keyed = [
        {"task": "work", "concurrency_key": f"cost-{n % 20}", "concurrency_limit": 5}
        for n in range(size)
    ]
    spent: dict[str, list[float]] = {"plain": [], "keyed": []}
    with psycopg.connect(dsn, autocommit=True) as conn:
        for turn in range(batches):
            for name, jobs in (("plain", plain), ("keyed", keyed)):
                began = time.perf_counter()
                conn.execute("select count(*) from pgq.enqueue_many(%s)", (json.dumps(jobs),))
                conn.execute("select pgq.promote_due()")
                query = "select job_id, claim_id from pgq.claim_batch('{default}', null, %s)"
                held = conn.execute(query, (size,)).fetchall()
                assert len(held) == size
                ids, claim_ids = [row[0] for row in held], [row[1] for row in held]
                conn.execute("select count(*) from pgq.complete_batch(%s, %s)", (ids, claim_ids))
                spent[name].append(time.perf_counter() - began)
            if turn % 20 == 0:
                conn.execute("vacuum pgq.blocked, pgq.ready, pgq.running, pgq.slots, pgq.releases")
    return size / median(spent["plain"]), size / median(spent["keyed"])
