"""The code of a job cannot end its worker's tasks, other runs, or their event loop.

A context variable says whose code runs; a job's own tasks and callbacks inherit it. A handler that
cancels all tasks of the loop means its own, because it does not know of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")


class Owner(Protocol):
    """Who owns tasks: a job's run, or the worker."""

    def reached_out(self, what: str) -> None:
        """Note that its code has tried to end something of another owner."""
        ...

    def was_reached(self) -> None:
        """Note that code of another owner has tried to cancel its tasks."""
        ...


class _Ours:
    """The worker itself; nothing that it does is refused."""

    def reached_out(self, what: str) -> None:
        pass

    def was_reached(self) -> None:
        pass


_OURS: Final = _Ours()
# None: the program's own code, which may do anything.
_whose: Final[contextvars.ContextVar[Owner | None]] = contextvars.ContextVar(
    "pgq owner", default=None
)
# These calls would end the loop, or something that everybody in it needs.
_ENDINGS: Final = ("stop", "close", "shutdown_default_executor", "shutdown_asyncgens")


class GuardedTask(asyncio.Task[T]):
    """A task that code of another job cannot cancel. `was_spared`: it has just tried."""

    was_spared = False
    if sys.version_info >= (3, 12):

        @property
        def _owner(self) -> Owner | None:
            return self.get_context().get(_whose)
    else:
        _owner: Owner | None = None

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel it if the caller may; otherwise note that somebody tried."""
        caller = _whose.get()
        if caller is None or caller is _OURS or caller is self._owner:
            return super().cancel(msg)
        caller.reached_out("tasks")
        if self._owner is not None:
            self._owner.was_reached()
        self._note()
        return False

    def _note(self) -> None:
        """Go on, until the task that was cancelled together with this one has heard of it."""
        loop = self.get_loop()
        self.was_spared = True
        loop.call_soon_threadsafe(loop.call_soon, setattr, self, "was_spared", False)


def guard(
    loop: asyncio.AbstractEventLoop,
    run: Coroutine[Any, Any, T],
    context: contextvars.Context | None = None,
    **options: Any,
) -> GuardedTask[T]:
    """Start a guarded task; it takes what every task takes."""
    task: GuardedTask[T] = GuardedTask(run, loop=loop, context=context, **options)
    if sys.version_info < (3, 12):
        task._owner = _whose.get() if context is None else context.get(_whose)
    return task


def of_worker(run: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task of the worker; the tasks that it starts are guarded too."""
    return guard(asyncio.get_running_loop(), run, worker_context())


def worker_context() -> contextvars.Context:
    """Return a copy of the context in which the worker's own code runs."""
    return _context_of(_OURS)


def of_program(run: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task with code of the program that belongs to no job, such as a hook."""
    return asyncio.get_running_loop().create_task(run, context=_context_of(None))


def mark(context: contextvars.Context, owner: Owner) -> None:
    """Let the code that runs in a context belong to a job."""
    context.run(_whose.set, owner)


@contextlib.contextmanager
def guarded(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """Within the block, guard the worker's tasks in a loop, and the loop itself."""
    guards = _guards.get(loop) or _guards.setdefault(loop, _Guards(loop))
    guards.blocks += 1
    try:
        yield
    finally:
        guards.blocks -= 1
        if not guards.blocks:
            guards.undo.close()
            _guards.pop(loop, None)


class _Guards:
    """What several workers in one loop set up once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.blocks = 0
        self.undo = contextlib.ExitStack()
        self._guard_tasks(loop)
        for ending in _ENDINGS:
            self._refuse(loop, ending)

    def _guard_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Also guard the tasks that the worker's libraries start."""
        before = loop.get_task_factory()
        plain: Callable[..., Any] = before or (
            lambda loop, run, **o: asyncio.Task(run, loop=loop, **o)
        )

        def make(loop: asyncio.AbstractEventLoop, run: Any, **options: Any) -> Any:
            context = options.get("context")
            whose = _whose.get() if context is None else context.get(_whose)
            return guard(loop, run, **options) if whose is _OURS else plain(loop, run, **options)

        loop.set_task_factory(make)
        self.undo.callback(loop.set_task_factory, before)

    def _refuse(self, loop: asyncio.AbstractEventLoop, ending: str) -> None:
        end = getattr(loop, ending)

        def refuse(*args: Any, **options: Any) -> Any:
            caller = _whose.get()
            if caller is None or caller is _OURS or asyncio._get_running_loop() is not loop:
                return end(*args, **options)
            caller.reached_out(f"loop.{ending}()")
            raise RuntimeError(f"a job may not call {ending}() of its worker's event loop")

        with contextlib.suppress(AttributeError):  # a loop that has no attributes of its own
            setattr(loop, ending, refuse)
            self.undo.callback(delattr, loop, ending)


_guards: Final[dict[asyncio.AbstractEventLoop, _Guards]] = {}


def _context_of(owner: Owner | None) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(_whose.set, owner)
    return context
