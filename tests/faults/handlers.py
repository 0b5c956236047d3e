"""Tasks that leave a trace in a ledger, and the worker process that runs them.

python -m tests.faults.handlers DSN LEASE CONCURRENCY
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys
import time

import psycopg

import pgq

LEDGER = """
create table if not exists starts (job_id bigint, claim_id bigint, pid bigint);
create table if not exists effects (job_id bigint, claim_id bigint);
"""

registry = pgq.Registry()
_dsn = os.environ.get("PGQ_DSN", "")


async def note_start(context: pgq.Context) -> None:
    async with await psycopg.AsyncConnection.connect(_dsn, autocommit=True) as connection:
        await connection.execute(
            "insert into starts values (%s, %s, %s)",
            (context.job_id, context.claim_id, os.getpid()),
        )


@registry.task(context=True)
async def pay(context: pgq.Context, seconds: float) -> None:
    """Write an effect and end the job in one transaction."""
    await asyncio.sleep(seconds)
    async with context.transaction() as connection:
        await connection.execute(
            "insert into effects values (%s, %s)", (context.job_id, context.claim_id)
        )


@registry.task(context=True)
def pay_in_thread(context: pgq.Context, seconds: float) -> None:
    """Do the same in a thread."""
    time.sleep(seconds)
    with context.transaction() as connection:
        connection.execute(
            "insert into effects values (%s, %s)", (context.job_id, context.claim_id)
        )


@registry.task
async def plain(seconds: float) -> str:
    """Leave the end of the job to the worker."""
    await asyncio.sleep(seconds)
    return "done"


@registry.task(context=True)
async def hang(context: pgq.Context) -> None:
    """Say that it has begun, then never end."""
    await note_start(context)
    await asyncio.sleep(3600)


@registry.task(context=True)
def hang_in_thread(context: pgq.Context) -> None:
    """Do the same in a thread, where nothing can stop it."""
    asyncio.run(note_start(context))
    time.sleep(3600)


@registry.task(context=True)
async def slow(context: pgq.Context, seconds: float) -> str:
    """Say that it has begun, and end after a while."""
    await note_start(context)
    await asyncio.sleep(seconds)
    return "done"


@registry.task
async def chance(seconds: float) -> str:
    """End in one of the ways that a handler can choose, or be too late for its timeout."""
    await asyncio.sleep(random.uniform(0, seconds))
    match random.randrange(10):
        case 0 | 1:
            raise ValueError(f"bad luck in room {random.randrange(100)}")
        case 2:
            raise LookupError("worse luck")
        case 3:
            raise pgq.Snooze(0.1)
        case 4:
            raise pgq.Cancel("no luck at all")
    return "done"


@registry.task
def kill_worker() -> None:
    """End the process that runs this."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    global _dsn
    _dsn, lease, concurrency = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(message)s")
    worker = pgq.Worker(
        _dsn, registry=registry, lease=lease, concurrency=concurrency, poll_interval=0.3
    )
    asyncio.run(worker.run())


if __name__ == "__main__":
    main()
