"""Procrastinate over psycopg, async worker with concurrency 20, finished jobs kept."""

from __future__ import annotations

import asyncio
from typing import Any

import driving
from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=driving.DSN))
count: Any = None


@app.task(name="bench")
async def bench(n: int, email: str) -> None:
    count(n)


async def setup() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def produce(what: dict[str, Any]) -> None:
    async with app.open_async():

        async def one(n: int) -> None:
            await bench.defer_async(**driving.payload(n))

        async def many(numbers: range) -> None:
            await bench.batch_defer_async(*(driving.payload(n) for n in numbers))

        await driving.produce(what, one, many)


async def work() -> None:
    global count
    count = driving.counter()
    async with app.open_async():
        await app.run_worker_async(concurrency=20, install_signal_handlers=False)


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "work":
        driving.until_sigterm(work())
    else:
        asyncio.run(setup() if what["do"] == "setup" else produce(what))
