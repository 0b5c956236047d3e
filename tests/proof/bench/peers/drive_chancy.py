"""Chancy over psycopg: its executor in the event loop with concurrency 100, finished jobs kept.

It writes outcomes once a second unless it is told to do so more often.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import driving
from chancy import Chancy, Job, Queue, Worker
from chancy.plugins.leadership import Leadership
from chancy.plugins.recovery import Recovery

count: Any = None


async def bench(n: int, email: str) -> None:
    count(n)


def app() -> Chancy:
    # Without the plugin that deletes finished jobs, and those for metrics and workflows.
    return Chancy(
        driving.DSN,
        plugins=[Leadership(), Recovery()],
        no_default_plugins=True,
        log=logging.getLogger("quiet"),
    )


def job(n: int) -> Job:
    # By the name of this module, which a worker runs under another one.
    return Job(func="drive_chancy.bench", kwargs=driving.payload(n))


async def setup() -> None:
    async with app() as chancy:
        await chancy.migrate()
        await chancy.declare(
            Queue(
                "default",
                concurrency=100,
                executor=Chancy.Executor.Async,
                polling_interval=1,
                eager_polling=True,
            )
        )


async def produce(what: dict[str, Any]) -> None:
    async with app() as chancy:

        async def one(n: int) -> None:
            await chancy.push(job(n))

        async def many(numbers: range) -> None:
            async for _ in chancy.push_many([job(n) for n in numbers], batch_size=len(numbers)):
                pass

        await driving.produce(what, one, many)


async def work() -> None:
    import drive_chancy  # type: ignore[import-not-found]

    drive_chancy.count = driving.counter()
    async with app() as chancy:
        worker = Worker(chancy, register_signal_handlers=False)
        worker.send_outgoing_interval = 0.05
        async with worker:
            await worker.wait_for_shutdown()


if __name__ == "__main__":
    what = driving.order()
    if what["do"] == "work":
        driving.until_sigterm(work())
    else:
        asyncio.run(setup() if what["do"] == "setup" else produce(what))
