"""PGMQ, its SQL-only install, over asyncpg: batches of 500 read by long poll, then archived.

It has messages and no jobs: no outcome, no retry with a backoff, no worker. The loop below is ours.
"""

from __future__ import annotations

import asyncio
from typing import Any

import driving
from pgmq import install
from pgmq.async_queue import PGMQueue

QUEUE = "bench"
BATCH = 500


async def connect() -> Any:
    queue = PGMQueue(conn_string=driving.DSN, init_extension=False, pool_size=2)
    await queue.init()
    return queue


async def setup() -> None:
    install.install_pgmq_sql(install.get_embedded_install_sql(), dsn=driving.DSN)
    await (await connect()).create_queue(QUEUE)


async def produce(what: dict[str, Any]) -> None:
    queue = await connect()

    async def one(n: int) -> None:
        await queue.send(QUEUE, driving.payload(n))

    async def many(numbers: range) -> None:
        await queue.send_batch(QUEUE, [driving.payload(n) for n in numbers])

    await driving.produce(what, one, many)


async def work() -> None:
    count = driving.counter()
    queue = await connect()
    while True:
        found = await queue.read_with_poll(QUEUE, vt=60, qty=BATCH, poll_interval_ms=10)
        for message in found:
            count(message.message["n"])
        if found:
            await queue.archive_batch(QUEUE, [message.msg_id for message in found])


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "work":
        driving.until_sigterm(work())
    else:
        asyncio.run(setup() if what["do"] == "setup" else produce(what))
