"""Tasks: handlers under a name, with the options that their jobs have by default.

    @pgq.task
    async def send(user_id: int, *, subject: str = "") -> None: ...

    @pgq.task("resize", queue="images", timeout=30, context=True)
    def resize(context: pgq.Context, path: str) -> None: ...

    @pgq.task(cron="0 3 * * *", timezone="Europe/Berlin")
    def clean_up() -> None: ...

    @pgq.task(concurrency_key="account:{account_id}", concurrency_limit=2)
    def sync(account_id: int) -> None: ...

A handler is found by the name alone, wherever it is defined; nothing that a job says is imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    Unpack,
    overload,
)

from pgq.chunks import ITEM, Ends, chunking, item_of
from pgq.errors import InvalidArgument, InvalidJob
from pgq.hooks import Hooks
from pgq.isolation import Isolation, limits
from pgq.jobs import NewJob
from pgq.lib.checks import as_listed, check_text, shown
from pgq.lib.shapes import is_async, is_generator
from pgq.middleware import M, Middleware
from pgq.options import KEYS, OF_TASKS, Args
from pgq.retries import ErrorTypes, RetryRule
from pgq.schedules import (
    NewSchedule,
    Recurrence,
    ScheduleOptions,
    new_schedule,
)
from pgq.task_args import BY_PLACE, as_args, call_arguments, is_telling, signature_of
from pgq.task_keys import Key, Keys, TaskOptions
from pgq.values import Duration, json_text

if TYPE_CHECKING:
    from pgq.context import Context

H = ParamSpec("H")
"""The arguments of the handler."""
J = ParamSpec("J")
"""The arguments that a job carries: the handler's, without the context."""
T = TypeVar("T")
"""What a job carries whose handler gets many of them."""
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Task(Generic[H, J, R_co]):
    """A handler, its name, and its jobs' default options. A call of it calls the handler."""

    def __init__(
        self,
        handler: Callable[H, R_co],
        defaults: NewJob,
        *,
        wants_context: bool = False,
        retry_on: ErrorTypes | None = None,
        no_retry_on: ErrorTypes | None = None,
        keys: Mapping[str, Key] | None = None,
        isolation: Isolation | None = None,
        memory: str | int | None = None,
        cpu_time: Duration | None = None,
        on_exhausted: str | None = None,
        batch_size: int | None = None,
        batch_wait: Duration | None = None,
    ) -> None:
        if is_generator(handler):
            raise InvalidArgument(
                f"the handler {handler!r} is a generator, and nobody would run its body",
                "Return a list, or enqueue a job for each item.",
            )
        if defaults.unique_by is not None and keys and "unique_key" in keys:
            raise InvalidArgument(
                f"task {defaults.task!r} has both unique_by and unique_key",
                "Leave out one of the two.",
            )
        self.handler = handler
        self.defaults = _declaring(defaults)
        self.wants_context = wants_context
        self.retry_rule = RetryRule(retry_on, no_retry_on)
        if on_exhausted is not None:
            check_text(on_exhausted, f"task {defaults.task!r}: on_exhausted")
        self.limits = limits(defaults.task, handler, isolation, memory, cpu_time, self.retry_rule)
        self.on_exhausted = on_exhausted
        self.chunking = chunking(
            defaults.task, handler, batch_size, batch_wait, wants_context, isolation
        )
        # Whether a worker calls the handler for one job, and in its own process.
        self.is_plain = self.limits is None and self.chunking is None
        self.schedule: NewSchedule | None = None
        self.is_async = is_async(handler)
        self.__doc__ = handler.__doc__
        self._signature = ITEM if self.chunking else signature_of(handler, wants_context)
        self.keys = Keys(defaults.task, keys or {}, self._signature)

    @property
    def name(self) -> str:
        """The name that jobs carry."""
        return self.defaults.task

    def __call__(self, *args: H.args, **kwargs: H.kwargs) -> R_co:
        """Call the handler as it is, without any queue; in tests, for instance."""
        return self.handler(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"

    def job(self, *args: J.args, **kwargs: J.kwargs) -> NewJob:
        """Return a job of this task with these arguments; TypeError where they do not fit."""
        self.check(args, kwargs)
        job = self.defaults.changed(args=as_args(args, kwargs))
        return self.keys.add_to(job, *self._bound(args, kwargs))

    def with_args(self, args: Args | None, **options: Any) -> NewJob:
        """Return a job of this task with args as they are sent, and with its keys.

        Options that are not None win over the task's. Raises InvalidJob if a key is made of the
        args and they do not fit; otherwise the args are not checked.
        """
        job = self.defaults.changed(args=args, **options)
        positional, keyword = call_arguments(job.args)
        try:
            return self.keys.add_to(job, *self._bound(positional, keyword))
        except TypeError as error:
            raise InvalidJob(f"the args do not fit {self.name!r}: {error}") from error

    def declaration(self) -> dict[str, Any]:
        """Return what the database is told of the task, as sync_tasks takes it."""
        parameters = [] if self._signature is None else [*self._signature.parameters.values()]
        options = self.defaults.as_json()
        return {
            "task": self.name,
            "options": {name: options[name] for name in OF_TASKS if name in options}
            | self.keys.templates()
            | ({} if self.on_exhausted is None else {"on_exhausted": self.on_exhausted}),
            "names": [each.name for each in parameters if each.kind in BY_PLACE],
            "defaults": {
                each.name: each.default for each in parameters if is_telling(each.default)
            },
        }

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise TypeError where the handler cannot be called with these arguments of a job."""
        if self._signature is not None:
            positional, keyword = self._bound(args, kwargs)
            self._signature.bind(*positional, **keyword)

    def _bound(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return these arguments of a job as its keys are made of them."""
        return (args, kwargs) if self.chunking is None else ((item_of(args, kwargs),), {})


AnyTask = Task[Any, Any, Any]
TaskOf = Task[..., ..., R]
"""A task whose handler returns this."""
AsyncTaskOf = Task[..., ..., Coroutine[Any, Any, R]]
"""A task whose handler is async, and returns this when it is awaited."""


def _declaring(defaults: NewJob) -> NewJob:
    """Return them so that the database knows which options only the task says."""
    given = vars(defaults)
    declared = [name for name in OF_TASKS if given.get(name) is not None]
    return defaults.changed(declared=declared) if declared else defaults


def tasks_text(tasks: Iterable[AnyTask], what: str) -> str:
    """Return tasks as the JSON array that sync_tasks takes; InvalidArgument names a wrong one."""
    told: list[dict[str, Any]] = []
    for task in as_listed(tasks, what):
        if not isinstance(task, Task):
            raise InvalidArgument(f"{what} has {shown(task)}, no task", "See Registry.task.")
        try:
            told.append(task.declaration())
        except (InvalidArgument, InvalidJob) as error:
            raise InvalidArgument(f"task {task.name}: {error.message}", error.hint) from None
    return json_text(told, what)


class Registry:
    """Tasks by name. A worker claims jobs of these tasks only, so that others wait for theirs.

    With `accept_all` it claims jobs of any task, and fails the jobs that have no handler here.
    Before that it asks `resolve` for the task of that name, once if there is one. Its hooks and its
    middleware are those of every worker that it is given to.
    """

    def __init__(
        self,
        *,
        accept_all: bool = False,
        resolve: Callable[[str], AnyTask | None] | None = None,
    ) -> None:
        """`resolve` returns None for a name that it does not know, and raises nothing."""
        self.accept_all = accept_all
        self._resolve = resolve
        self.hooks = Hooks()
        self.middleware: list[Middleware] = []
        self._tasks: dict[str, AnyTask] = {}
        self._schedules: dict[str, NewSchedule] = {}

    def __iter__(self) -> Iterator[AnyTask]:
        return iter(self._tasks.values())

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def names(self) -> list[str]:
        """The names of the tasks, in order."""
        return sorted(self._tasks)

    def get(self, name: str) -> AnyTask | None:
        """Return the task of that name; None: there is none, and nothing resolves it."""
        found = self._tasks.get(name)
        if found is None and self._resolve is not None:
            found = self._resolve(name)
            if found is not None:
                self._tasks[name] = found
        return found

    def add_middleware(self, middleware: M) -> M:
        """Surround the handlers of all jobs; see pgq.middleware. May be used as a decorator."""
        self.middleware.append(middleware)
        return middleware

    def add(self, task: AnyTask) -> None:
        """Add a task; InvalidArgument where another function has its name already.

        The same function, loaded once more from the same place, replaces itself.
        """
        known = self._tasks.get(task.name)
        if known is not None and _place(known) != _place(task):
            raise InvalidArgument(
                f"two tasks are called {task.name!r}: {_place(known)} and {_place(task)}",
                'Give one of them another name: @pgq.task("name").',
            )
        added = self._schedules.get(task.name)
        if task.schedule is not None and added not in (None, task.schedule):
            raise InvalidArgument(
                f"two schedules are called {task.name!r}", "Give the added one another name."
            )
        self._tasks[task.name] = task

    @property
    def schedules(self) -> list[NewSchedule]:
        """The schedules of the tasks that have their own and those added, in order of names."""
        own = {task.name: task.schedule for task in self if task.schedule is not None}
        return [each for _, each in sorted({**own, **self._schedules}.items())]

    def schedule(
        self, name: str, task: str | AnyTask | NewJob, **options: Unpack[ScheduleOptions]
    ) -> NewSchedule:
        """Declare a schedule, which a worker with this registry makes when it starts.

        The options are those of Client.schedule. Raises InvalidArgument if they are not valid, if
        the args do not fit the task's handler, or if another schedule has the name.
        """
        declared = _declared(name, task, options)
        self.add_schedule(declared)
        return declared

    def add_schedule(self, declared: NewSchedule) -> None:
        """Add a schedule; InvalidArgument where another one, not just its like, has its name."""
        if any(each.name == declared.name and each != declared for each in self.schedules):
            raise InvalidArgument(
                f"two schedules are called {declared.name!r}", "Give one of them another name."
            )
        self._schedules[declared.name] = declared

    @overload
    def task(self, handler: Callable[H, R], /) -> Task[H, H, R]: ...

    @overload
    def task(
        self,
        name: str | None = None,
        /,
        *,
        batch_size: int,
        batch_wait: Duration | None = None,
        context: Literal[True],
        **options: Unpack[TaskOptions],
    ) -> Callable[
        [Callable[[list[Context], list[T]], Ends]], Task[[list[Context], list[T]], [T], Any]
    ]: ...

    @overload
    def task(
        self,
        name: str | None = None,
        /,
        *,
        batch_size: int,
        batch_wait: Duration | None = None,
        context: Literal[False] = False,
        **options: Unpack[TaskOptions],
    ) -> Callable[[Callable[[list[T]], Ends]], Task[[list[T]], [T], Any]]: ...

    @overload
    def task(
        self,
        name: str | None = None,
        /,
        *,
        context: Literal[True],
        **options: Unpack[TaskOptions],
    ) -> Callable[[Callable[Concatenate[Context, J], R]], Task[Concatenate[Context, J], J, R]]: ...

    @overload
    def task(
        self,
        name: str | None = None,
        /,
        *,
        context: Literal[False] = False,
        **options: Unpack[TaskOptions],
    ) -> Callable[[Callable[H, R]], Task[H, H, R]]: ...

    def task(
        self,
        handler: Callable[..., Any] | str | None = None,
        /,
        *,
        context: bool = False,
        retry_on: ErrorTypes | None = None,
        no_retry_on: ErrorTypes | None = None,
        isolation: Isolation | None = None,
        memory: str | int | None = None,
        cpu_time: Duration | None = None,
        on_exhausted: str | None = None,
        batch_size: int | None = None,
        batch_wait: Duration | None = None,
        **options: Any,
    ) -> Any:
        """Register a function as the handler of a task, by default under its own name.

        The options are those of enqueue and become the defaults of the task's jobs; keys are format
        strings such as "account:{account_id}", or functions of the handler's arguments. With
        `context` the handler's first positional argument is a Context. Only errors of the classes
        in `retry_on` are retried, those in `no_retry_on` never; Retry, Fail, Snooze, Cancel and
        JobTimeout only where they are named themselves. With `cron` or `every` the task has a
        schedule of its own name, whose jobs have no arguments; for any other see `schedule`. Raises
        InvalidArgument for an empty name, or one that another function has.

        With `isolation="process"` the handler runs in a child process, which is killed at its
        timeout and when the job is cancelled. `memory` (bytes, or "512MB"; Linux) and `cpu_time`
        (seconds) limit it there. Another process must find the handler by its module and name.

        `on_exhausted` names the task of the job that is enqueued when a job of this one ends as
        failed. Its args are {"job": what failed}. Workers tell the database when they start.

        With `batch_size` the handler gets a list of what up to so many jobs carry, one value of
        each; with `context` a list of their contexts before it. It returns a list with the result
        of each, or the exception that is its failure; None means that all of them succeeded. The
        first job waits for the others for up to `batch_wait`, by default a second.
        """
        of_schedule = [(key, options.pop(key, None)) for key in Recurrence.__annotations__]
        recurrence = {key: given for key, given in of_schedule if given is not None}
        of_keys = [(key, options.pop(key, None)) for key in KEYS]
        keys = {key: given for key, given in of_keys if given is not None}

        def register(function: Callable[..., Any]) -> AnyTask:
            name = handler if isinstance(handler, str) else getattr(function, "__name__", "")
            if not name:
                raise InvalidArgument("the task's name is empty")
            task: AnyTask = Task(
                function,
                NewJob(name, **options),
                wants_context=context,
                retry_on=retry_on,
                no_retry_on=no_retry_on,
                keys=keys,
                isolation=isolation,
                memory=memory,
                cpu_time=cpu_time,
                on_exhausted=on_exhausted,
                batch_size=batch_size,
                batch_wait=batch_wait,
            )
            if recurrence:
                task.schedule = _declared(name, task, recurrence)
            self.add(task)
            return task

        if handler is None or isinstance(handler, str):
            return register
        if not callable(handler):
            raise InvalidArgument(f"the handler {handler!r} cannot be called", "Pass a function.")
        return register(handler)


def _declared(name: str, task: str | AnyTask | NewJob, options: Mapping[str, Any]) -> NewSchedule:
    """Return a schedule; InvalidArgument for what can be refused without a database."""
    if isinstance(task, Task):
        positional, keyword = call_arguments(options.get("args") or task.defaults.args or {})
        try:
            task.check(positional, keyword)
        except TypeError as error:
            raise InvalidArgument(
                f"schedule {name!r}: its args do not fit {_place(task)}: {error}",
                "Declare it with registry.schedule(name, task, args=...), with args that fit.",
            ) from error
    return new_schedule(name, task, **options)


def _place(task: AnyTask) -> str:
    handler = inspect.unwrap(task.handler)
    module = getattr(handler, "__module__", None)
    return f"{module}.{getattr(handler, '__qualname__', repr(handler))}"


registry = Registry()
"""The default registry, which `pgq.task` fills and workers use unless told otherwise."""

task = registry.task

add_middleware = registry.add_middleware
on_start = registry.hooks.on_start
on_stop = registry.hooks.on_stop
on_exit = registry.hooks.on_exit
on_infrastructure_error = registry.hooks.on_infrastructure_error
