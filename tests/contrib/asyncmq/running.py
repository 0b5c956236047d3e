"""Running a Queue's worker inside of a test's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pgq.contrib.asyncmq import Queue

T = TypeVar("T")
PATIENCE = 20.0


@asynccontextmanager
async def working(queue: Queue) -> AsyncGenerator[None, None]:
    """Run the queue's worker for the time of the block, then stop it in order."""
    run = asyncio.create_task(queue.run())
    try:
        yield
    except BaseException:
        # A handler that never ends must not hide what the test found out.
        queue.stop()
        queue.stop()
        await asyncio.gather(run, return_exceptions=True)
        raise
    if not run.done():
        queue.stop()
    await asyncio.wait_for(run, PATIENCE)


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Look again and again until the answer is true; return it."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):  # noqa: ASYNC110 (the database tells nobody)
            await asyncio.sleep(0.01)
    return found


async def ended(queue: Queue, *ids: int) -> list[str | None]:
    """Wait for the end of jobs and return their states in AsyncMQ's words."""
    await queue.client.wait(ids, PATIENCE)
    return [await queue.get_job_state(each) for each in ids]
