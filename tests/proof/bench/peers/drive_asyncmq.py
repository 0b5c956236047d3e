"""AsyncMQ on its Postgres backend: one worker with concurrency 10."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

os.environ.setdefault("ASYNCMQ_POSTGRES_BACKEND_URL", os.environ["PGQ_BENCH_DSN"])

import driving
from asyncmq.backends.postgres import PostgresBackend
from asyncmq.core.utils.postgres import install_or_drop_postgres_backend
from asyncmq.queues import Queue
from asyncmq.tasks import task

count: Any = None


@task(queue="bench")
async def bench(n: int, email: str) -> None:
    count(n)


async def produce(what: dict[str, Any]) -> None:
    backend = PostgresBackend(dsn=driving.DSN)
    await backend.connect()
    queue = Queue("bench", backend=backend)

    async def one(n: int) -> None:
        await queue.add(bench.task_id, kwargs=driving.payload(n))

    async def many(numbers: range) -> None:
        await queue.add_bulk(
            [{"task_id": bench.task_id, "kwargs": driving.payload(n)} for n in numbers]
        )

    await driving.produce(what, one, many)
    sys.stdout.flush()
    os._exit(0)


async def work() -> None:
    global count
    count = driving.counter()
    backend = PostgresBackend(dsn=driving.DSN)
    await backend.connect()
    await Queue("bench", backend=backend, concurrency=10).run()


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "work":
        driving.until_sigterm(work())
    elif what["do"] == "setup":
        asyncio.run(install_or_drop_postgres_backend(driving.DSN))
    else:
        asyncio.run(produce(what))
