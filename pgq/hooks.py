"""Hooks: what else runs when a worker or a supervisor starts, stops and ends, or meets an error.

    @pgq.on_start
    async def open_pool(process: pgq.Process) -> None: ...

    @pgq.on_exit(kind="supervisor")
    def say_goodbye(process: pgq.Process) -> None: ...

    @pgq.on_infrastructure_error
    def count(error: BaseException, where: str) -> None: ...

A hook is async or not; in a worker those that are not run in a thread, so that none holds up the
heartbeats. They run one after the other, in the order in which they were added. One that raises is
logged with its traceback; the next ones and the worker go on.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, TypeVar, cast, overload

from pgq.errors import InvalidArgument
from pgq.lib.owners import of_program
from pgq.lib.shapes import is_async
from pgq.lib.threads import Threads
from pgq.logs import log_error, log_event

Kind = Literal["worker", "supervisor"]
Event = Literal["start", "stop", "exit"]

_KINDS: Final = ("worker", "supervisor")
_ON_ERROR: Final = "on_infrastructure_error"
# Errors that wait for a hook which hangs; what is more is dropped.
_MOST_ERRORS: Final = 1000


@dataclass(frozen=True, slots=True)
class Process:
    """Who starts, stops or ends: one Worker, or a supervisor of several processes."""

    kind: Kind
    name: str
    queues: tuple[str, ...] = ()
    worker_id: int | None = None
    schema: str = "pgq"
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)


LifecycleHook = Callable[[Process], Awaitable[None] | None]
ErrorHook = Callable[[BaseException, str], Awaitable[None] | None]
L = TypeVar("L", bound=LifecycleHook)
E = TypeVar("E", bound=ErrorHook)
_Hook = Callable[..., Any]


class Hooks:
    """Hooks by event. A Registry has some, a Worker may be given others."""

    def __init__(self) -> None:
        self._hooks: dict[tuple[str, str], list[_Hook]] = {}
        self._on_error: list[_Hook] = []

    @overload
    def on_start(self, hook: L, /) -> L: ...
    @overload
    def on_start(self, /, *, kind: Kind) -> Callable[[L], L]: ...
    def on_start(self, hook: Any = None, /, *, kind: Kind = "worker") -> Any:
        """Add a hook for the start: registered with the database, nothing claimed yet."""
        return self._add("start", hook, kind)

    @overload
    def on_stop(self, hook: L, /) -> L: ...
    @overload
    def on_stop(self, /, *, kind: Kind) -> Callable[[L], L]: ...
    def on_stop(self, hook: Any = None, /, *, kind: Kind = "worker") -> Any:
        """Add a hook for the moment when stopping begins; jobs may still be running."""
        return self._add("stop", hook, kind)

    @overload
    def on_exit(self, hook: L, /) -> L: ...
    @overload
    def on_exit(self, /, *, kind: Kind) -> Callable[[L], L]: ...
    def on_exit(self, hook: Any = None, /, *, kind: Kind = "worker") -> Any:
        """Add a hook for the end: every job is settled or given up, every connection is closed."""
        return self._add("exit", hook, kind)

    def on_infrastructure_error(self, hook: E, /) -> E:
        """Add a hook for errors that belong to no job, such as lost connections; told where."""
        self._on_error.append(hook)
        return hook

    def extend(self, others: Hooks) -> None:
        """Add all hooks of another set, after those that are here."""
        for key, hooks in others._hooks.items():
            self._hooks.setdefault(key, []).extend(hooks)
        self._on_error.extend(others._on_error)

    async def run(self, event: Event, process: Process) -> None:
        """Run the hooks of an event, one after the other. Raises nothing of theirs."""
        for hook in self._of(event, process):
            await _run(hook, f"on_{event}", process)

    def run_blocking(self, event: Event, process: Process) -> None:
        """Do the same in a thread without an event loop; async hooks get one for themselves."""
        for hook in self._of(event, process):
            try:
                answer = hook(process)
                if inspect.isawaitable(answer):
                    asyncio.run(_awaited(answer))
            except (Exception, SystemExit) as error:  # noqa: BLE001 (hooks are isolated)
                _complain(hook, f"on_{event}", error)

    def report_blocking(self, error: BaseException, where: str) -> None:
        """Tell the error hooks right now, in a thread without an event loop."""
        for hook in self._on_error:
            try:
                answer = hook(error, where)
                if inspect.isawaitable(answer):
                    asyncio.run(_awaited(answer))
            except (Exception, SystemExit) as broken:  # noqa: BLE001 (hooks are isolated)
                _complain(hook, _ON_ERROR, broken)

    def _add(self, event: Event, hook: Any, kind: Kind) -> Any:
        if kind not in _KINDS:
            raise InvalidArgument(f"kind is {kind!r}", 'It is "worker" or "supervisor".')
        if hook is None:
            return partial(self._add, event, kind=kind)
        if not callable(hook):
            raise InvalidArgument(f"the hook {hook!r} cannot be called", "Pass a function.")
        self._hooks.setdefault((event, kind), []).append(hook)
        return hook

    @property
    def error_hooks(self) -> list[_Hook]:
        """The hooks for infrastructure errors, in order."""
        return list(self._on_error)

    def _of(self, event: Event, process: Process) -> list[_Hook]:
        return list(self._hooks.get((event, process.kind), ()))


class ErrorReports:
    """Tells error hooks of one event loop's errors, in order, while the loop goes on."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._errors: deque[tuple[BaseException, str]] = deque()
        self._telling: asyncio.Task[None] | None = None

    def add(self, error: BaseException, where: str) -> None:
        """Have the hooks told; returns at once. For the event loop's thread."""
        if not self._hooks.error_hooks:
            return
        if len(self._errors) >= _MOST_ERRORS:
            log_event(logging.ERROR, "hook.hangs", hook=_ON_ERROR, dropped=where)
            return
        self._errors.append((error, where))
        if self._telling is None or self._telling.done():
            self._telling = of_program(self._tell())

    async def flush(self, patience: float) -> None:
        """Wait until the hooks were told of everything, for at most `patience` seconds."""
        if self._telling is not None:
            await asyncio.wait([self._telling], timeout=patience)

    async def _tell(self) -> None:
        while self._errors:
            error, where = self._errors.popleft()
            for hook in self._hooks.error_hooks:
                await _run(hook, _ON_ERROR, error, where)


async def _run(hook: _Hook, event: str, *args: Any) -> None:
    """Call a hook, one that is not async in a thread; log what it raises."""
    try:
        answer = hook(*args) if is_async(hook) else await _in_thread(hook, args)
        if inspect.isawaitable(answer):
            await answer
    except asyncio.CancelledError as error:
        # Ours must go on, one that the hook made up must not.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        _complain(hook, event, error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (hooks are isolated)
        _complain(hook, event, error)


async def _in_thread(hook: _Hook, args: tuple[Any, ...]) -> Any:
    # Of its own, and a daemon: a hook that hangs must not keep the process from ending.
    threads = Threads(1)
    try:
        answer, error = await threads.run(partial(_ending, hook, args))
    finally:
        threads.close()
    if error is not None:
        raise error
    return answer


def _ending(hook: _Hook, args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    try:
        return hook(*args), None
    except BaseException as error:  # noqa: BLE001 (raised again in the event loop)
        return None, error


async def _awaited(answer: Any) -> None:
    await cast("Awaitable[Any]", answer)


def _complain(hook: _Hook, event: str, error: BaseException) -> None:
    name = getattr(hook, "__qualname__", repr(hook))
    log_error("hook.failed", error, hook=event, function=name)
