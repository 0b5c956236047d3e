"""What `ps` shows of a process, where the optional package setproctitle is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgq.processes.lasting import LastingWorker
    from pgq.worker.worker import Worker

_EVERY = 1.0


def _find_setter() -> Callable[[str], object] | None:
    try:
        from setproctitle import setproctitle
    except ImportError:
        return None
    return setproctitle


_set_title = _find_setter()


def set_title(title: str) -> None:
    """Show the title, if that is possible."""
    if _set_title is not None:
        _set_title(f"pgq: {title}")


async def show_workers(workers: Sequence[Worker | LastingWorker]) -> None:
    """Keep the title up to date until cancelled; returns at once where titles cannot be set."""
    if _set_title is None:
        return
    shown = ""
    while True:
        title = "; ".join(
            f"worker {worker.name} [{','.join(worker.queues)}] {worker.running} running"
            for worker in workers
        )
        if title != shown:
            set_title(title)
            shown = title
        await asyncio.sleep(_EVERY)
