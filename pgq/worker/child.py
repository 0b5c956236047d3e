"""A child process that runs handlers, one after the other, until its worker closes the pipe."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final

from pgq.context import Context
from pgq.isolation import Limits
from pgq.jobs import NewJob
from pgq.lib.report import text_of, traceback_of, type_of
from pgq.retries import RetryRule
from pgq.rows import ClaimedJob
from pgq.tasks import AnyTask, Task
from pgq.values import JsonText
from pgq.worker.handler import Held, run_async, run_blocking
from pgq.worker.outcome import Failed, RunOutcome
from pgq.worker.pools import Pools

_LEAST_CPU: Final = 1


@dataclass(frozen=True, slots=True)
class Order:
    """One run: where the handler is, and for which job."""

    module: str
    name: str
    wants_context: bool
    retry_rule: RetryRule
    limits: Limits
    job: tuple[Any, ...]  # a ClaimedJob, which would be pickled as a class of its own


@dataclass(frozen=True, slots=True)
class Progress:
    """What the handler reported while it runs."""

    progress: JsonText


@dataclass(frozen=True, slots=True)
class Completing:
    """Whether the handler is ending its job in a transaction of its own right now."""

    is_completing: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """How the run ended; outcome None: the handler has completed the job itself.

    is_spent: the process may lack memory by now, and is better replaced.
    """

    outcome: RunOutcome | None
    is_spent: bool


def serve(pipe: Connection, dsn: str, schema: str) -> None:
    """Run what the pipe brings until it is closed. This is a process's whole life."""
    # Ctrl-C reaches all processes of a terminal, and systemd sends SIGTERM to all of a service. The
    # worker decides what becomes of the job. (What a handler starts does not inherit this.)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(each, lambda *_: None)
    _end_with_parent()
    holder = _Holder(pipe, dsn, schema)
    allowance = _Allowance()
    while True:
        try:
            order: Order = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        try:
            allowance.begin(order.limits)
            outcome = _run(order, holder)
        finally:
            allowance.end()
        is_spent = False
        if isinstance(outcome, Failed) and outcome.error_type == "MemoryError":
            is_spent = True
            limit = order.limits.memory
            if limit is not None and not outcome.message:
                outcome = replace(outcome, message=f"needed more than {limit} bytes")
        holder.tell(Ended(outcome, is_spent))


def _run(order: Order, holder: _Holder) -> RunOutcome | None:
    job = ClaimedJob(*order.job)
    try:
        task = _task_of(order, job.task)
    except BaseException as error:  # noqa: BLE001 (it ends the job, never this process)
        return Failed(
            f"{order.module} has no {order.name} in a new process: {text_of(error)}",
            type_of(error),
            traceback_of(error, None),
        )
    held = Held(job, task, holder)
    held.use(_Context(job, holder))
    if not task.is_async:
        return run_blocking(held, task)
    try:
        return asyncio.run(run_async(held, task))
    finally:
        holder.close_idle(0.0)  # a connection belongs to the event loop that has just ended


def _task_of(order: Order, name: str) -> AnyTask:
    found: Any = import_module(order.module)
    for part in order.name.split("."):
        found = getattr(found, part)
    handler: Callable[..., Any] = found.handler if isinstance(found, Task) else found
    task: AnyTask = Task(handler, NewJob(name), wants_context=order.wants_context)
    task.retry_rule = order.retry_rule
    return task


class _Allowance:
    """The limits of the run that goes on."""

    def __init__(self) -> None:
        self._had: int | None = None

    def begin(self, limits: Limits) -> None:
        """Limit what this process may use from now on."""
        if limits.memory is not None:
            self._had = self._had or _address_space()
            _limit(resource.RLIMIT_AS, self._had + limits.memory)
        if limits.cpu_time is not None:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            used = usage.ru_utime + usage.ru_stime
            # Whole seconds; at the limit the kernel ends the process by SIGXCPU.
            _limit(resource.RLIMIT_CPU, max(_LEAST_CPU, round(used + limits.cpu_time + 0.5)))

    def end(self) -> None:
        """Take the limits back: what is left to do is ours."""
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
            _limit(kind, None)


def _limit(kind: int, soft: int | None) -> None:
    _, hard = resource.getrlimit(kind)
    most = soft is not None and (hard == resource.RLIM_INFINITY or soft < hard)
    resource.setrlimit(kind, (soft if soft is not None and most else hard, hard))


def _address_space() -> int:
    """Return how many bytes of addresses this process has; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _end_with_parent() -> None:
    """End this process with the worker, whatever it does.

    The kernel does that on Linux: at the end of the pipe from the worker it sends a signal that
    ends a process. Elsewhere a thread does, unless the handler lets no other thread run.
    """
    parent = parent_process()
    if parent is None:
        return
    if sys.platform.startswith("linux"):
        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _Context(Context):
    """A context whose worker is another process."""

    _holding: _Holder

    @property
    def completing(self) -> bool:
        """Whether it is completing the job itself; the worker is told of each change."""
        return self._completing

    @completing.setter
    def completing(self, now: bool) -> None:
        if now != getattr(self, "_completing", False):
            self._holding.tell(Completing(now))
        self._completing = now


class _Holder:
    """The holder of the one job of this process, which has one connection for it."""

    def __init__(self, pipe: Connection, dsn: str, schema: str) -> None:
        self.schema = schema
        self._pipe = pipe
        self._turn = threading.Lock()
        pools = Pools(dsn, 1)
        self.lend = pools.lend
        self.lend_async = pools.lend_async
        self.close_idle = pools.close_idle

    def tell(self, message: object) -> None:
        """Send the worker a message; called in any thread."""
        with self._turn:
            self._pipe.send(message)

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        """Have the progress written soon; called in any thread."""
        self.tell(Progress(progress))
