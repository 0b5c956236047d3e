"""Measure how late delayed jobs start: python -m tests.proof.measure_latency [--dsn DSN].

A hundred jobs, each due at a random moment, for one idle worker in this process: (a) all enqueued
beforehand, (b) one by one, each a moment before it is due, while the worker sleeps and knows of
none. Prints the time from run_at to the start of the handler; judges nothing. Without --dsn on a
temporary server of its own; with --dsn in a database of its own on that server, dropped at the end.
Takes about a minute.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import pgq
from tests.proof.measure_engine import database

JOBS = 100
WITHIN = 20.0
registry = pgq.Registry()
_lateness: asyncio.Queue[float] = asyncio.Queue()


@registry.task
async def start(due_at: str) -> None:
    """Note how many milliseconds late this is."""
    late = datetime.now(UTC) - datetime.fromisoformat(due_at)
    _lateness.put_nowait(1000 * late.total_seconds())


def due_in(seconds: float) -> pgq.NewJob:
    due_at = datetime.now(UTC) + timedelta(seconds=seconds)
    return start.job(due_at.isoformat()).changed(run_at=due_at)


async def beforehand(client: pgq.AsyncClient) -> list[float]:
    await client.enqueue_many(due_in(random.uniform(1, 1 + WITHIN)) for _ in range(JOBS))
    return [await _lateness.get() for _ in range(JOBS)]


async def one_by_one(client: pgq.AsyncClient) -> list[float]:
    late: list[float] = []
    while len(late) < JOBS:
        await client.enqueue(due_in(random.uniform(0.05, 0.5)))
        late.append(await _lateness.get())
    return late


async def measure(
    dsn: str, what: str, run_jobs: Callable[[pgq.AsyncClient], Awaitable[list[float]]]
) -> None:
    """Print how many milliseconds late the jobs started."""
    worker = pgq.Worker(dsn, registry=registry)
    working = asyncio.create_task(worker.run())
    await asyncio.sleep(3)  # until it has nothing to do but to wait
    async with pgq.AsyncClient(dsn) as client:
        late = await run_jobs(client)
    worker.stop()
    await working
    cuts = quantiles(late, n=100)
    print(f"{what:40} {cuts[49]:8.1f} ms {cuts[94]:8.1f} ms {max(late):8.1f} ms")


async def measure_both(dsn: str) -> None:
    print(f"from run_at to the start of the handler, {JOBS} jobs     p50         p95        most")
    await measure(dsn, "(a) enqueued beforehand", beforehand)
    await measure(dsn, "(b) enqueued while the worker sleeps", one_by_one)
    print("    wanted: p95 at most 50 ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a server to measure, instead of a temporary one")
    with database(parser.parse_args().dsn) as connect:
        asyncio.run(measure_both(connect().info.dsn))


if __name__ == "__main__":
    main()
