"""Tasks that would end the process that runs them, for pgq worker."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any, NoReturn

import pgq

registry = pgq.Registry()


def leave(*_: Any) -> NoReturn:
    sys.exit(3)


def interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def too_late(*_: Any) -> NoReturn:
    raise ValueError("too late")


@registry.task
async def exits_in_a_task() -> None:
    async def nested() -> None:
        leave()

    await asyncio.create_task(nested())


@registry.task
async def interrupts_in_a_task() -> None:
    async def nested() -> None:
        interrupt()

    await asyncio.create_task(nested())


@registry.task
async def exits_in_callbacks() -> str:
    for wrong in (leave, interrupt) * 10:
        asyncio.get_running_loop().call_soon(wrong)
        await asyncio.sleep(0)
    return "done"


@registry.task
async def cancels_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(60)


@registry.task
async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()


@registry.task
async def raises_at_an_alarm() -> str:
    """What many write for a timeout; it may hit the loop, or anything else in this thread."""
    before = signal.signal(signal.SIGALRM, too_late)
    try:
        # Not when the worker's own timers are due: it would hit the worker's code.
        signal.setitimer(signal.ITIMER_REAL, 0.37)
        await asyncio.sleep(1)
    finally:
        signal.signal(signal.SIGALRM, before)
    return "done"


@registry.task
async def ends_at_an_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    await asyncio.sleep(60)


@registry.task
def ends_at_an_alarm_in_a_thread() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    time.sleep(60)


@registry.task
async def exits_at_once() -> None:
    os._exit(0)


@registry.task
def exits_at_once_in_a_thread() -> None:
    os._exit(3)


@registry.task
async def closes_all_files() -> None:
    os.closerange(3, 1000)
    await asyncio.sleep(60)


@registry.task
def closes_all_files_in_a_thread() -> None:
    os.closerange(3, 1000)
    time.sleep(60)


@registry.task
async def neighbour() -> str:
    await asyncio.sleep(1.5)
    return "done"
