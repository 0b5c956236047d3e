"""The child processes of a worker that run handlers, and what is done when one of them dies."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

from pgq.tasks import AnyTask
from pgq.values import JsonText
from pgq.worker.child import Completing, Ended, Order, Progress, serve
from pgq.worker.handler import Elsewhere, Held
from pgq.worker.outcome import Continued, Failed, Released, Snoozed

# How long (seconds) a process that was killed may take to be gone.
_DYING: Final = 5.0
_START: Final = "forkserver" if sys.platform.startswith("linux") else "spawn"


class _Child:
    """A process, and the pipe to it."""

    def __init__(self, dsn: str, schema: str) -> None:
        context: Any = multiprocessing.get_context(_START)
        self.pipe: Connection
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(theirs, dsn, schema), name="pgq handler", daemon=True
        )
        self.process.start()
        theirs.close()

    def kill(self) -> None:
        """End the process. Who waits for it reads the end of the pipe, and closes that."""
        with contextlib.suppress(Exception):
            if self.process.is_alive():
                self.process.kill()

    def how_it_ended(self) -> str:
        """Say why it has ended, for people; waits a moment for that."""
        self.process.join(_DYING)
        code = self.process.exitcode
        if code is None:
            return "does not answer any more"
        if code >= 0:
            return f"ended itself, with code {code}"
        if code == -signal.SIGKILL:
            return "was killed (SIGKILL), as the kernel does when memory runs out"
        return f"was killed by {signal.Signals(-code).name}"


class Children:
    """Runs handlers in child processes; those that have nothing to do wait for the next job."""

    def __init__(self, dsn: str, schema: str, most: int) -> None:
        self._dsn = dsn
        self._schema = schema
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        # One waits for each process, for as long as a handler runs.
        self._threads = ThreadPoolExecutor(most, "pgq children")
        self._is_closed = False

    async def run(self, held: Held, task: AnyTask) -> JsonText | None:
        """Run a handler and return its result as JSON; raises Elsewhere for any other end.

        Cancelled, it kills the process. The job counts as completed where the handler did that.
        """
        assert task.limits is not None
        order = Order(
            module=task.handler.__module__,
            name=task.handler.__qualname__,
            wants_context=task.wants_context,
            retry_rule=task.retry_rule,
            limits=task.limits,
            job=tuple(held.job),
        )
        child: _Child = self._idle.pop() if self._idle else await self._in_thread(self._start)
        self._busy.add(child)
        is_reusable = False
        try:
            ended: Ended | None = await self._in_thread(partial(_follow, child, order, held))
            is_reusable = ended is not None and not ended.is_spent
        finally:
            self._busy.discard(child)
            if is_reusable and not self._is_closed:
                self._idle.append(child)
            else:
                child.kill()
        if ended is None:
            raise Elsewhere(await self._in_thread(partial(_death, child, task)))
        if ended.outcome is None:
            held.context.completed = True
            return None
        if isinstance(ended.outcome, Failed | Snoozed | Continued | Released):
            raise Elsewhere(ended.outcome)
        return ended.outcome.result

    def close(self) -> None:
        """End all processes at once."""
        self._is_closed = True
        for child in [*self._idle, *self._busy]:
            child.kill()
        self._idle.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> _Child:
        return _Child(self._dsn, self._schema)

    async def _in_thread(self, function: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _follow(child: _Child, order: Order, held: Held) -> Ended | None:
    """Hand over a job, and hear of it until it has ended; None: the process has died."""
    try:
        child.pipe.send(order)
        while True:
            match child.pipe.recv():
                case Progress(progress):
                    held.note_progress(progress)
                case Completing(is_completing):
                    held.context.completing = is_completing
                case Ended() as ended:
                    return ended
                case other:
                    raise AssertionError(other)
    except (EOFError, OSError):
        child.pipe.close()
        return None


def _death(child: _Child, task: AnyTask) -> Failed:
    how = child.how_it_ended()
    limits = task.limits
    if limits and limits.cpu_time is not None and how.endswith("SIGXCPU"):
        return Failed(f"used more than {limits.cpu_time:g} s of processor time", "CpuTimeExceeded")
    return Failed(f"the process of the handler {how}", "ProcessDied")
