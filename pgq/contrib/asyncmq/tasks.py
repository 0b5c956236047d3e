"""The decorator `task`: a handler that a Queue's worker runs, and that adds its own jobs.

@task(queue="emails", retries=2, progress=True)
async def send(address: str, *, report_progress) -> None:
    report_progress(50, {"to": address})

await send.enqueue("alice@example.com", delay=10)
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast

from pgq import tasks as our_tasks
from pgq.contrib.asyncmq._json import with_json
from pgq.contrib.asyncmq._new_job import backoff_of
from pgq.contrib.asyncmq.events import event_emitter
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import JobId
from pgq.lib.shapes import is_async

if TYPE_CHECKING:
    from pgq.context import Context
    from pgq.contrib.asyncmq._backend import Source

P = ParamSpec("P")
R = TypeVar("R")

# As in AsyncMQ's Job.
_BACKOFF = 1.5


class ProgressReporter(Protocol):
    """The `report_progress` of a task with progress."""

    def __call__(self, pct: float, data: Any | None = None) -> None:
        """Note how far the job has come, with anything that is JSON."""
        ...


class TaskWrapper(Generic[P, R]):
    """A handler with its queue. To await a call runs the handler here, without any queue."""

    def __init__(
        self,
        func: Callable[P, R],
        task_id: str,
        queue: str,
        retries: int = 0,
        ttl: float | None = None,
        progress_enabled: bool = False,
    ) -> None:
        functools.update_wrapper(cast("Any", self), func)
        self.func = func
        self.task_id = task_id
        self.queue = queue
        self.retries = retries
        self.ttl = ttl
        self.progress_enabled = progress_enabled

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run the handler: in this event loop, or in a thread if it is not async."""
        given: dict[str, Any] = dict(kwargs)
        if self.progress_enabled:
            given.setdefault("report_progress", _ignore)
        handler = cast("Callable[..., Any]", self.func)
        if is_async(handler):
            return await handler(*args, **given)
        return await asyncio.to_thread(handler, *args, **given)

    async def enqueue(
        self,
        *args: Any,
        backend: Source = None,
        delay: float = 0,
        priority: int = 5,
        depends_on: Sequence[JobId] | None = None,
        repeat_every: float | None = None,
        **kwargs: Any,
    ) -> int:
        """Add a job of this task, with these arguments, and return its id. Raises like Queue.add.

        InvalidArgument for `repeat_every`, which AsyncMQ stores and never uses.
        """
        from pgq.contrib.asyncmq.queues import Queue

        if repeat_every is not None:
            raise InvalidValue(
                "a job cannot repeat itself", "Use Queue.upsert_repeatable or add_repeatable."
            )
        return await Queue(self.queue, backend).add(
            self.task_id,
            args=args,
            kwargs=kwargs,
            retries=self.retries,
            ttl=self.ttl,
            backoff=_BACKOFF,
            priority=priority,
            delay=delay or None,
            depends_on=depends_on,
        )

    delay = enqueue
    send = enqueue


def task(
    queue: str,
    retries: int = 0,
    ttl: float | None = None,
    progress: bool = False,
    *,
    name: str | None = None,
    registry: our_tasks.Registry | None = None,
) -> Callable[[Callable[P, R]], TaskWrapper[P, R]]:
    """Register a function as a task named "module.function", or `name`, for jobs of a queue.

    With `progress` it is called with `report_progress`. It is a task of `registry`, by default
    that of `pgq.task`. So every worker can run it, and every client can enqueue it.
    """

    def register(function: Callable[P, R]) -> TaskWrapper[P, R]:
        task_id = name or f"{function.__module__}.{getattr(function, '__name__', 'task')}"
        handler = with_json(_with_progress(function) if progress else function, after=int(progress))
        make: Any = (our_tasks.registry if registry is None else registry).task
        make(
            task_id,
            context=progress,
            queue=queue,
            max_attempts=retries + 1,
            backoff=backoff_of(_BACKOFF, retries),
            expires_in=ttl,
        )(handler)
        return TaskWrapper(function, task_id, queue, retries, ttl, progress)

    return register


def _with_progress(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that takes a Context and passes `report_progress` on."""
    if is_async(function):

        async def run_async(context: Context, /, *args: Any, **kwargs: Any) -> Any:
            report = _reporter(context, asyncio.get_running_loop())
            return await function(*args, report_progress=report, **kwargs)

        return _named(run_async, function)

    def run(context: Context, /, *args: Any, **kwargs: Any) -> Any:
        return function(*args, report_progress=_reporter(context, None), **kwargs)

    return _named(run, function)


def _named(run: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler with the name of a function, and with the arguments that its jobs carry."""
    named: Any = functools.wraps(function, assigned=_NAMES)(run)
    given = signature(function)
    context = Parameter("context", Parameter.POSITIONAL_ONLY)
    carried = [each for name, each in given.parameters.items() if name != "report_progress"]
    named.__signature__ = given.replace(parameters=[context, *carried])
    return cast("Callable[..., Any]", named)


_NAMES = ("__module__", "__name__", "__qualname__", "__doc__")


def _reporter(context: Context, loop: asyncio.AbstractEventLoop | None) -> ProgressReporter:
    def report(pct: float, data: Any | None = None) -> None:
        context.progress({"progress": pct, "data": data})
        event = {"id": context.job_id, "queue": context.queue, "progress": pct, "data": data}
        emission = event_emitter.emit("job:progress", event)
        if loop is None:
            asyncio.run(emission)
        else:
            _running.add(emitting := loop.create_task(emission))
            emitting.add_done_callback(_running.discard)

    return report


# The event loop keeps only weak references to tasks.
_running: set[asyncio.Task[None]] = set()


def _ignore(pct: float, data: Any | None = None) -> None:
    """Take the progress of a task that runs without a queue."""
