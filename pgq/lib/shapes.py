"""What a callable is: async, a generator, or neither, however it was decorated or made."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any

from pgq.lib.owners import guard


def is_async(function: Any) -> bool:
    """Return whether a call returns something to await, as far as its definition says.

    A function that is not async may return it, too: see `ended`.
    """
    return any(inspect.iscoroutinefunction(each) for each in _layers(function))


def is_generator(function: Any) -> bool:
    """Return whether a call only makes a generator, whose body nobody would run."""
    return any(
        inspect.isasyncgenfunction(each)
        or (inspect.isgeneratorfunction(each) and not _is_old_coroutine(each))
        for each in _layers(function)
    )


def ended(
    value: Any,
    loop: asyncio.AbstractEventLoop | None = None,
    started: Callable[[asyncio.Task[Any]], None] | None = None,
) -> Any:
    """Return a value; if it must be awaited, this thread waits for it.

    It is awaited in `loop`, and `started` is called with the task. If `loop` is None or runs in
    this thread, it is awaited in a loop of its own.
    """
    if value is None or not inspect.isawaitable(value):
        return value
    if loop is None:
        return asyncio.run(_awaited(value))
    future: Future[Any] = Future()
    if _is_here(loop):
        threading.Thread(target=_run, args=(_awaited(value), future)).start()
    else:
        # It sees the context variables of this place.
        loop.call_soon_threadsafe(_begin, loop, _awaited(value), future, started)
    return future.result()


def _begin(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, Any],
    future: Future[Any],
    started: Callable[[asyncio.Task[Any]], None] | None,
) -> None:
    def end(task: asyncio.Task[Any]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            future.set_result(task.result())
        else:
            future.set_exception(error)

    task = guard(loop, work)
    task.add_done_callback(end)
    if started is not None:
        started(task)


def _run(work: Coroutine[Any, Any, Any], future: Future[Any]) -> None:
    try:
        future.set_result(asyncio.run(work))
    except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
        future.set_exception(error)


def _layers(function: Any) -> list[Any]:
    """Return a callable without partials and staticmethods; for an object, its __call__."""
    for _ in range(100):
        if isinstance(function, partial):
            function = function.func
        elif isinstance(function, staticmethod):
            function = function.__func__
        else:
            break
    called = None if isinstance(function, type) else getattr(type(function), "__call__", None)  # noqa: B004
    return [function, called]


def _is_old_coroutine(function: Any) -> bool:
    """Return whether it is made by types.coroutine."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return bool(code and code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _is_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
