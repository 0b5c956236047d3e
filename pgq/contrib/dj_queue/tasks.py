"""Tasks as Django's framework has them, over a registry of pgq: `task`, `using`, `enqueue`.

    from pgq.contrib.dj_queue.tasks import task

    @task(queue_name="email", priority=10)
    def welcome(user_id): ...

    welcome.enqueue(7)

A task's name is its import path, as in dj-queue, and `pgq worker myapp.tasks` runs it. Priorities
are dj-queue's: -100 to 100, and higher runs first. A job is only retried if `max_attempts` says so.
Beside Django's options, all options of `pgq.task` are valid.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import (
    Any,
    Concatenate,
    Final,
    Generic,
    Literal,
    ParamSpec,
    Self,
    TypeVar,
    cast,
    overload,
)

from pgq import tasks
from pgq.client.clients import Client
from pgq.context import Context
from pgq.contrib.dj_queue._backends import DEFAULT, client_of
from pgq.contrib.dj_queue._checks import check_arguments, check_priority, check_whole
from pgq.contrib.dj_queue.exceptions import EnqueueError, refusal
from pgq.contrib.dj_queue.results import TaskResult, result_of
from pgq.errors import InvalidArgument, InvalidJob, UniqueKeyTaken
from pgq.jobs import NewJob

H = ParamSpec("H")
"""The arguments of the function."""
J = ParamSpec("J")
"""The arguments that a job carries: the function's, without the context."""
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
TaskCall = tuple["Task[Any, Any, Any]", Iterable[Any], Mapping[str, Any]]

_REFUSED: Final = (InvalidJob, InvalidArgument, UniqueKeyTaken, TypeError)


class Task(Generic[H, J, R_co]):
    """A function with its options. `func` is the function; its attributes may limit it."""

    def __init__(
        self,
        func: Callable[H, R_co],
        *,
        priority: int = 0,
        queue_name: str = "default",
        backend: str = DEFAULT,
        takes_context: bool = False,
        registry: tasks.Registry | None = None,
        **options: Any,
    ) -> None:
        self.func = func
        self.priority = check_priority(priority)
        self.queue_name = queue_name
        self.backend = backend
        self.takes_context = takes_context
        self.run_after: datetime | None = None
        known = tasks.registry if registry is None else registry
        options.setdefault("max_attempts", 1)
        register = cast(Any, known.task)(
            f"{func.__module__}.{func.__qualname__}",
            context=takes_context,
            queue=queue_name,
            priority=-priority,
            **options,
        )
        self.task: tasks.AnyTask = register(func)

    @property
    def module_path(self) -> str:
        """The import path, which jobs carry as their task."""
        return self.task.name

    @property
    def name(self) -> str:
        """The function's name."""
        return self.func.__name__

    def __call__(self, *args: H.args, **kwargs: H.kwargs) -> R_co:
        """Call the function as it is, without any queue."""
        return self.func(*args, **kwargs)

    call = __call__

    def using(
        self,
        *,
        priority: int | None = None,
        queue_name: str | None = None,
        run_after: datetime | None = None,
        backend: str | None = None,
    ) -> Self:
        """Return the same task with other options for its jobs; None changes nothing."""
        changed = copy.copy(self)
        if priority is not None:
            changed.priority = check_priority(priority)
        changed.queue_name = queue_name or self.queue_name
        changed.run_after = run_after or self.run_after
        changed.backend = backend or self.backend
        return changed

    def enqueue(self, *args: J.args, **kwargs: J.kwargs) -> TaskResult:
        """Add a job; over a connection, in its transaction. Raises EnqueueError."""
        return self.get_backend().enqueue(self, args, kwargs)

    async def aenqueue(self, *args: J.args, **kwargs: J.kwargs) -> TaskResult:
        """Do the same in a thread. A pgq.AsyncClient needs no thread."""
        return await asyncio.to_thread(self.enqueue, *args, **kwargs)

    def get_result(self, result_id: str | int) -> TaskResult:
        """Look up a job; DjQueueError for an unknown or pruned one."""
        return self.get_backend().get_result(result_id)

    async def aget_result(self, result_id: str | int) -> TaskResult:
        """Do the same in a thread."""
        return await asyncio.to_thread(self.get_result, result_id)

    def get_backend(self) -> Backend:
        """Return where the task's jobs go."""
        return Backend(self.backend)

    def new_job(self, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None) -> NewJob:
        """Return what is enqueued, for pgq's own clients. Raises EnqueueError."""
        given, named = tuple(args), dict(kwargs or {})
        check_arguments(given, named)
        try:
            job = self.task.job(*given, **named).changed(
                queue=self.queue_name, priority=-self.priority, run_at=self.run_after
            )
            return self._limited(job, given, named)
        except _REFUSED as error:
            raise refusal(error) from error

    def _limited(self, job: NewJob, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NewJob:
        """Return the job with the semaphore that the function's attributes describe."""
        key = getattr(self.func, "concurrency_key", None)
        if key in (None, ""):
            return job
        limit = getattr(self.func, "concurrency_limit", None)
        if limit is None:
            raise EnqueueError(
                "concurrency_limit is required when concurrency_key is set",
                f"Set it on {self.module_path}, or use pgq.contrib.dj_queue.concurrency.",
            )
        check_whole(limit, "concurrency_limit", 1, 2**31 - 1)
        duration = getattr(self.func, "concurrency_duration", None)
        if isinstance(duration, bool):
            raise EnqueueError("concurrency_duration is a bool", "Pass seconds or a timedelta.")
        # It is made each time, because the attributes are usually set after the decorator has run.
        keyed: tasks.AnyTask = tasks.Task(
            self.func,
            self.task.defaults,
            wants_context=self.takes_context,
            keys={"concurrency_key": key},
        )
        return keyed.keys.add_to(job, args, kwargs).changed(
            concurrency_limit=limit,
            concurrency_duration=duration,
            concurrency_on_conflict=getattr(self.func, "on_conflict", None),
        )


class Backend:
    """Where jobs go: the backend of an alias, as `connect` made it."""

    def __init__(self, alias: str = DEFAULT) -> None:
        self.alias = alias

    @property
    def client(self) -> Client:
        """The client of the alias. It has all calls."""
        return client_of(self.alias)

    def enqueue(
        self, task: Task[Any, Any, Any], args: Iterable[Any], kwargs: Mapping[str, Any]
    ) -> TaskResult:
        """Add one job. Raises EnqueueError."""
        return self.enqueue_all([(task, args, kwargs)])[0]

    def enqueue_all(self, task_calls: Iterable[TaskCall]) -> list[TaskResult]:
        """Add jobs in one statement: all of them, or none and EnqueueError."""
        return enqueue_calls(self.client, task_calls, self.alias)

    def get_result(self, result_id: str | int) -> TaskResult:
        """Look up a job; DjQueueError for an unknown or pruned one."""
        return result_of(self.client, result_id, self.alias)


def enqueue_calls(
    client: Client, task_calls: Iterable[TaskCall], backend_alias: str = DEFAULT
) -> list[TaskResult]:
    """Add jobs over a client in one statement: all of them, or none and EnqueueError."""
    jobs = [task.new_job(args, kwargs) for task, args, kwargs in task_calls]
    try:
        made = client.enqueue_many(jobs)
    except _REFUSED as error:
        raise refusal(error) from error
    return [
        TaskResult.fresh(client, each.id, job, backend_alias)
        for each, job in zip(made, jobs, strict=True)
    ]


@overload
def task(func: Callable[H, R], /) -> Task[H, H, R]: ...
@overload
def task(
    func: None = None, /, *, takes_context: Literal[True], **options: Any
) -> Callable[[Callable[Concatenate[Context, J], R]], Task[Concatenate[Context, J], J, R]]: ...
@overload
def task(
    func: None = None, /, *, takes_context: Literal[False] = False, **options: Any
) -> Callable[[Callable[H, R]], Task[H, H, R]]: ...
def task(func: Any = None, /, **options: Any) -> Any:
    """Make a function a task: with Django's options, and those of pgq.task."""

    def register(function: Callable[..., Any]) -> Task[..., ..., Any]:
        return Task(function, **options)

    return register if func is None else register(func)
