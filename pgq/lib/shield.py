"""Waiting for the end of a task, even if the one that waits is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

from pgq.lib.owners import GuardedTask


async def wait_out(task: asyncio.Future[Any], on_cancel: Callable[[], object]) -> None:
    """Wait until a task has ended, then raise CancelledError if the waiting task was cancelled.

    At the first cancellation `on_cancel` is called, which should end the task soon. If a job has
    cancelled all tasks, the waiting task goes on, as the other one does.
    """
    me = asyncio.current_task()
    requests = me.cancelling() if me is not None else 0
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            with contextlib.nullcontext() if cancelled is None else _shield():
                await asyncio.wait([task])
        except asyncio.CancelledError as error:
            if cancelled is None and isinstance(task, GuardedTask) and task.was_spared:
                while me is not None and me.cancelling() > requests:
                    me.uncancel()
            elif cancelled is None:
                cancelled = error
                on_cancel()
    if cancelled is not None:
        raise cancelled


def _shield() -> contextlib.AbstractContextManager[Any]:
    """Return a shield against a cancel scope of anyio, which cancels at every turn of the loop."""
    anyio = sys.modules.get("anyio")
    if anyio is None:
        return contextlib.nullcontext()
    scope: contextlib.AbstractContextManager[Any] = anyio.CancelScope(shield=True)
    return scope
