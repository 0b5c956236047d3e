"""PgQueuer over asyncpg with uvloop: batches of 500, its table of live jobs and its log."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import driving
import uvloop
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgDriver

uvloop.install()


async def connect() -> Any:
    return await asyncpg.connect(driving.DSN)


async def setup() -> None:
    await Queries(AsyncpgDriver(await connect())).install()


async def produce(what: dict[str, Any]) -> None:
    queries = Queries(AsyncpgDriver(await connect()))

    def body(n: int) -> bytes:
        return json.dumps(driving.payload(n)).encode()

    async def one(n: int) -> None:
        await queries.enqueue("bench", body(n))

    async def many(numbers: range) -> None:
        await queries.enqueue(
            ["bench"] * len(numbers), [body(n) for n in numbers], [0] * len(numbers)
        )

    await driving.produce(what, one, many)


async def work() -> None:
    count = driving.counter()
    queue = PgQueuer(AsyncpgDriver(await connect()))

    @queue.entrypoint("bench")
    async def handle(job: Any) -> None:
        count(json.loads(job.payload)["n"])

    await queue.run(batch_size=500)


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "work":
        driving.until_sigterm(work())
    else:
        asyncio.run(setup() if what["do"] == "setup" else produce(what))
