"""Threads for handlers that are not async."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Up to `size` daemon threads, started as they are needed.

    The standard library's executor would keep the process alive while a handler hangs. But after
    a second signal, a worker must exit at once.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._busy = 0
        self._threads: list[threading.Thread] = []
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function that does not raise in a thread, and return what it does.

        It sees the context variables of this place. Nobody else sees those that it sets.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def settle(value: T) -> None:
            self._busy -= 1
            if not future.done():
                future.set_result(value)

        def work() -> None:
            value = context.run(function)
            # Once the loop is closed, nobody waits any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, value)

        self._busy += 1
        self._waiting.put(work)
        if len(self._threads) < min(self._busy, self._size):
            thread = threading.Thread(target=self._work, name="pgq handler", daemon=True)
            self._threads.append(thread)
            thread.start()
        return await future

    def close(self) -> None:
        """Let the threads end when their functions do, without waiting for them."""
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while work := self._waiting.get():
            work()
