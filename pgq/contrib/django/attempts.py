"""How a worker runs a Django task: with Django's signals, context and connections around it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, Signature, iscoroutinefunction, signature
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Protocol

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.core.cache import close_caches
from django.db import close_old_connections, connections, transaction
from django.utils import timezone

from pgq.contrib.django import results
from pgq.contrib.django.compat import (
    TaskContext,
    TaskError,
    TaskResultDoesNotExist,
    TaskResultStatus,
    normalize_json,
    task_finished,
    task_started,
)
from pgq.contrib.django.exceptions import EnqueueError
from pgq.errors import Cancel, Fail, JobLost, Snooze

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.context import Context
    from pgq.contrib.django.compat import Task, TaskResult
    from pgq.tasks import AnyTask


class Backend(Protocol):
    """What a run needs of the backend."""

    alias: str
    database: str
    interrupted: KeyboardInterrupt | None

    @property
    def client(self) -> Client:
        """A client on Django's connection."""
        ...

    def get_result(self, result_id: str) -> TaskResult:
        """Look up a job."""
        ...

    def as_pgq(self, task: Task) -> AnyTask:
        """Return the task as a worker runs it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PgqTaskContext(TaskContext):
    """Django's context of a run; `job` is pgq's: progress, snooze, cancelled and more."""

    job: Context


def handler_of(
    backend: Backend, task: Task, *, atomic: bool = False, here: bool = False
) -> Callable[..., Any]:
    """Return what runs a task as a handler of pgq that wants a context.

    atomic: in a transaction of Django's that ends with the job completed. EnqueueError for an async
    function, because Django has no async transactions. here: in this thread and on its connections,
    which stay as they are: for tests.
    """
    is_async = iscoroutinefunction(task.func)
    if is_async and atomic:
        raise EnqueueError(f"{task.module_path} is async: Django has no async transactions")

    async def run_async(context: Context, /, *args: Any, **kwargs: Any) -> Any:
        async with ThreadSensitiveContext():
            try:
                return await Attempt(backend, task, context, args, kwargs).run_async()
            finally:
                # The thread that Django has for this job ends with it.
                await sync_to_async(_close_all)()

    def run_blocking(context: Context, /, *args: Any, **kwargs: Any) -> Any:
        close_old_connections()
        try:
            return Attempt(backend, task, context, args, kwargs).run_blocking(atomic=atomic)
        finally:
            close_old_connections()
            close_caches()

    def run_here(context: Context, /, *args: Any, **kwargs: Any) -> Any:
        attempt = Attempt(backend, task, context, args, kwargs, here=True)
        try:
            if is_async:
                return async_to_sync(attempt.run_async)()
            return attempt.run_blocking(atomic=atomic)
        except KeyboardInterrupt as error:
            backend.interrupted = error  # a person ends the tests
            raise

    run: Callable[..., Any] = run_here if here else run_async if is_async else run_blocking
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(run, name, getattr(task.func, name))
    vars(run)["__signature__"] = _signature_of(task)
    return run


def _close_all() -> None:
    connections.close_all()
    close_caches()


def _signature_of(task: Task) -> Signature:
    """Return the signature of the function, with a context of pgq's before the job's arguments."""
    found = signature(task.func)
    ours = Parameter("pgq_context", Parameter.POSITIONAL_ONLY)
    theirs = [*found.parameters.values()][1 if task.takes_context else 0 :]
    return found.replace(parameters=[ours, *theirs])


class Attempt:
    """One run of a task."""

    def __init__(
        self,
        backend: Backend,
        task: Task,
        context: Context,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        here: bool = False,
    ) -> None:
        self._here = here
        self._backend = backend
        self._task = task
        self._context = context
        self._args = args
        self._kwargs = kwargs
        self._result: TaskResult

    def run_blocking(self, *, atomic: bool) -> Any:
        """Run a function that is not async."""
        try:
            args = self._begin()
            if atomic:
                backend, context = self._backend, self._context
                block = transaction.atomic(using=backend.database)
                with context.completes_in(block, backend.client.run):
                    context.result = value = self._call(args)
            else:
                value = self._call(args)
        except BaseException as error:
            if self._is_last(error):
                self._failed(error)
            raise
        self._succeeded(value)
        return value

    async def run_async(self) -> Any:
        """Run an async function; what asks the database does it in Django's thread."""
        try:
            args = await sync_to_async(self._begin)()
            value = normalize_json(await self._task.func(*args, **self._kwargs))
        except BaseException as error:
            if self._is_last(error):
                await sync_to_async(self._failed)(error)
            raise
        await sync_to_async(self._succeeded)(value)
        return value

    def _call(self, args: tuple[Any, ...]) -> Any:
        return normalize_json(self._task.func(*args, **self._kwargs))

    def _begin(self) -> tuple[Any, ...]:
        """Send task_started; return the arguments of the function."""
        self._result = self._found() or self._told()
        task_started.send_robust(type(self._backend), task_result=self._result)
        if not self._task.takes_context:
            return self._args
        return PgqTaskContext(task_result=self._result, job=self._context), *self._args

    def _found(self) -> TaskResult | None:
        """Look the job up, if the function or a receiver of a signal will see its result."""
        # One receiver of each is Django's own, for its log.
        is_watched = len(task_started.receivers) > 1 or len(task_finished.receivers) > 1
        if not self._task.takes_context and not is_watched:
            return None
        try:
            return self._backend.get_result(str(self._context.job_id))
        except TaskResultDoesNotExist:
            return None

    def _told(self) -> TaskResult:
        """Return what the claim says: not when the job was enqueued, nor who tried it before."""
        context, now = self._context, timezone.now()
        task = results.task_as(
            context.task, queue_name=context.queue, backend=self._backend.alias, run_after=None
        )
        return results.made(
            task, id=str(context.job_id), status=TaskResultStatus.RUNNING, enqueued_at=None,
            started_at=now, last_attempted_at=now, finished_at=None, args=list(self._args),
            kwargs=self._kwargs, backend=self._backend.alias, errors=[],
            worker_ids=[f"{socket.gethostname()}:{os.getpid()}"] * context.attempt,
        )  # fmt: skip

    def _succeeded(self, value: Any) -> None:
        object.__setattr__(self._result, "_return_value", value)
        self._finished(TaskResultStatus.SUCCESSFUL)

    def _failed(self, error: BaseException) -> None:
        kind = type(error)
        told = TaskError(
            exception_class_path=f"{kind.__module__}.{kind.__qualname__}",
            traceback="".join(format_exception(error)),
        )
        self._result.errors.append(told)
        self._finished(TaskResultStatus.FAILED)

    def _is_last(self, error: BaseException) -> bool:
        """Whether the job has failed with this attempt, and task_finished is to say so."""
        context, kind = self._context, type(error)
        has_begun = hasattr(self, "_result")
        is_told_to_end = self._here and issubclass(kind, KeyboardInterrupt)
        if not has_begun or is_told_to_end or context.cancelled:
            return False
        if issubclass(kind, JobLost | Snooze):
            return False
        if issubclass(kind, Fail | Cancel) or context.attempt >= context.max_attempts:
            return True
        return self._backend.as_pgq(self._task).retry_rule.gives_up_on(kind)

    def _finished(self, status: TaskResultStatus) -> None:
        object.__setattr__(self._result, "finished_at", timezone.now())
        object.__setattr__(self._result, "status", status)
        task_finished.send_robust(type(self._backend), task_result=self._result)
