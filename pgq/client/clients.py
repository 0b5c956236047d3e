"""The clients: every SQL function and every lookup as a method, blocking or async.

    with pgq.Client("postgresql://…") as client:
        client.enqueue("send", {"user_id": 1}, queue="mail")

What a client is made from decides about transactions:

- a DSN: one connection of the client's own, opened by the first call, and by the next call after
  it broke. Every call is a transaction. Calls from several threads or tasks take turns.
- a pool: every call borrows a connection and is a transaction.
- a connection: every call runs in that connection's current transaction, whatever its state, and
  the client never commits nor rolls back. A job so enqueued exists if and only if the caller
  commits.
- a Connection or a Session of SQLAlchemy's, or their async likes, whose engine is
  postgresql+psycopg: the same, in its transaction, which a call begins where there is none.

In a child made by `fork` a client made from a DSN opens a connection of its own. A pool or a
connection of yours is the parent's: there the client refuses to use it.

A DSN may lead through a transaction pooler; then there is no session state. Otherwise the client's
own connection is read committed, whatever the database's default is, and prepares `enqueue` after
a few calls, as does a connection that was given, by its prepare_threshold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from datetime import timedelta
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar, cast

import psycopg

from pgq.calls import batches as flow_calls
from pgq.calls import health as health_calls
from pgq.calls import jobs as calls
from pgq.calls import look as lookups
from pgq.calls import operate as operator_calls
from pgq.calls import schedules as schedule_calls
from pgq.calls.call import Call
from pgq.calls.send import send, send_async
from pgq.client import waiting
from pgq.client.alchemy import (
    ASYNC_SOURCES,
    SOURCES,
    borrowed,
    borrowed_async,
    is_alchemy,
    is_pool,
    refused,
)
from pgq.client.connections import AsyncOwnConnection, OwnConnection
from pgq.errors import InvalidArgument
from pgq.jobs import JobResult
from pgq.lib.checks import check_given, needed_by
from pgq.lib.forks import tell_of_fork
from pgq.rows import BatchProgress
from pgq.schema.names import Names

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session

    Source = str | ConnectionPool[Any] | psycopg.Connection[Any] | Connection | Session
    AsyncSource = (
        str | AsyncConnectionPool[Any] | psycopg.AsyncConnection[Any] | AsyncConnection
        | AsyncSession
    )  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """Make the method of Client that sends what `build` returns."""

    needed = needed_by(build)

    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        check_given(needed, args, kwargs)
        return self.run(build(*args, **kwargs))

    return _presented(method, build)


def _awaited(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """Make the method of AsyncClient that sends what `build` returns."""

    needed = needed_by(build)

    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        check_given(needed, args, kwargs)
        return await self.run(build(*args, **kwargs))

    return _presented(method, build)


M = TypeVar("M", bound=Callable[..., Any])


def _presented(method: M, build: Callable[..., Any]) -> M:
    """Give a method the signature that help() and tools shall show: with self, without Call."""
    signature = inspect.signature(build)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    answer = str(signature.return_annotation).removeprefix("Call[").removesuffix("]")
    presented: Any = method
    presented.__signature__ = signature.replace(
        parameters=[this, *signature.parameters.values()], return_annotation=answer
    )
    return method


def _is_open(source: Any) -> bool:
    return not isinstance(source, str) and not getattr(source, "closed", False)


def _inherited() -> InvalidArgument:
    return InvalidArgument(
        "the client's pool or connection was opened in another process, before a fork",
        "Open one after the fork, or make the client from a DSN.",
    )


class Client:
    """Blocking client; the module's text says what it may be made from. Safe in several threads."""

    def __init__(self, source: Source, *, schema: str = "pgq") -> None:
        self.schema = Names(schema).schema
        if not isinstance(source, str | psycopg.Connection) and not (
            is_alchemy(source, SOURCES) or is_pool(source, is_async=False)
        ):
            raise refused(source, is_async=False)
        self._source = source
        self._lent = OwnConnection(source) if isinstance(source, str) else None
        self._is_inherited = False
        tell_of_fork(self, type(self)._note_fork)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection that a DSN made; a pool or connection that was given stays open."""
        if self._lent is not None:
            self._lent.close()

    def run(self, call: Call[T]) -> T:
        """Send a call; errors of ours are raised as such, all others are psycopg's."""
        with call.around(), self.connection() as connection:
            return send(connection, call, self.schema)

    def connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Lend the connection that calls are sent on, alone in this thread while it is lent.

        The one of a DSN is read committed, unless you begin a transaction that is not.
        """
        if self._lent is not None:
            return self._lent
        if self._is_inherited:
            raise _inherited()
        if isinstance(self._source, psycopg.Connection):
            return nullcontext(self._source)
        if is_alchemy(self._source, SOURCES):
            return borrowed(self._source)
        pool: ConnectionPool[Any] = cast("Any", self._source)
        return pool.connection()

    def wait(
        self, ids: Iterable[int] | int, timeout: timedelta | float | None = None
    ) -> list[JobResult]:
        """Wait until all of these jobs have ended; return how, in the order of the ids.

        An unknown or pruned job counts as ended, with the state None: enqueue and commit first.
        Without a timeout (seconds) it waits for ever; over it, WaitTimeout names those that
        have not ended. A client made from a DSN opens a connection for it, and is told; any other
        one asks now and then.
        """
        return waiting.wait(self.run, self._dsn, self.schema, ids, timeout)

    def wait_batch(self, batch_id: int, timeout: timedelta | float | None = None) -> BatchProgress:
        """Wait until a batch has finished, which takes a close_batch; return its numbers.

        Raises WaitTimeout like `wait`, and InvalidArgument for an unknown batch.
        """
        return waiting.wait_batch(self.run, self._dsn, self.schema, batch_id, timeout)

    def _note_fork(self) -> None:
        self._is_inherited = _is_open(self._source)

    @property
    def _dsn(self) -> str | None:
        return self._source if isinstance(self._source, str) else None

    enqueue = _blocking(calls.enqueue)
    enqueue_many = _blocking(calls.enqueue_many)
    result = _blocking(calls.result)

    create_batch = _blocking(flow_calls.create_batch)
    close_batch = _blocking(flow_calls.close_batch)
    batch_progress = _blocking(flow_calls.batch_progress)
    parent_results = _blocking(flow_calls.parent_results)
    results = _blocking(flow_calls.results)
    await_jobs = _blocking(flow_calls.await_jobs)
    await_batch = _blocking(flow_calls.await_batch)

    register_worker = _blocking(calls.register_worker)
    workers_beside = _blocking(calls.workers_beside)
    deregister_worker = _blocking(calls.deregister_worker)
    heartbeat = _blocking(calls.heartbeat)
    claim_batch = _blocking(calls.claim_batch)
    complete_batch = _blocking(calls.complete_batch)
    fail_batch = _blocking(calls.fail_batch)
    snooze_batch = _blocking(calls.snooze_batch)
    release_batch = _blocking(calls.release_batch)
    release_unanswered = _blocking(calls.release_unanswered)
    set_progress = _blocking(calls.set_progress)

    promote_due = _blocking(calls.promote_due)
    rescue_lost_workers = _blocking(calls.rescue_lost_workers)
    maintain = _blocking(calls.maintain)

    cancel = _blocking(operator_calls.cancel)
    is_cancelled = _blocking(operator_calls.is_cancelled)
    retry = _blocking(operator_calls.retry)
    discard = _blocking(operator_calls.discard)
    reprioritise = _blocking(operator_calls.reprioritise)
    run_now = _blocking(operator_calls.run_now)
    enqueue_again = _blocking(operator_calls.enqueue_again)
    find_jobs = _blocking(operator_calls.find_jobs)
    count_jobs = _blocking(operator_calls.count_jobs)
    pause_queue = _blocking(operator_calls.pause_queue)
    resume_queue = _blocking(operator_calls.resume_queue)
    queue_latency = _blocking(operator_calls.queue_latency)
    configure_queue = _blocking(operator_calls.configure_queue)
    clear_queue = _blocking(operator_calls.clear_queue)
    order_worker = _blocking(operator_calls.order_worker)
    report_lost_worker = _blocking(operator_calls.report_lost_worker)
    configure = _blocking(operator_calls.configure)
    configure_semaphore = _blocking(operator_calls.configure_semaphore)
    release_semaphore = _blocking(operator_calls.release_semaphore)
    unique_key_owner = _blocking(operator_calls.unique_key_owner)
    release_unique_key = _blocking(operator_calls.release_unique_key)
    prune = _blocking(operator_calls.prune)
    verify = _blocking(operator_calls.verify)
    version = _blocking(calls.version)
    health = _blocking(health_calls.health)
    connection_budget = _blocking(health_calls.connection_budget)

    schedule = _blocking(schedule_calls.schedule)
    unschedule = _blocking(schedule_calls.unschedule)
    pause_schedule = _blocking(schedule_calls.pause_schedule)
    resume_schedule = _blocking(schedule_calls.resume_schedule)
    run_schedule_now = _blocking(schedule_calls.run_schedule_now)
    prune_schedule_history = _blocking(schedule_calls.prune_schedule_history)
    fire_due_schedules = _blocking(schedule_calls.fire_due_schedules)
    sync_schedules = _blocking(schedule_calls.sync_schedules)
    cron_next = _blocking(schedule_calls.cron_next)
    cron_preview = _blocking(schedule_calls.cron_preview)

    job = _blocking(lookups.job)
    jobs = _blocking(lookups.jobs)
    failed_jobs = _blocking(lookups.failed_jobs)
    queue_stats = _blocking(lookups.queue_stats)
    worker_status = _blocking(lookups.worker_status)
    schedule_status = _blocking(lookups.schedule_status)
    schedule_history = _blocking(lookups.schedule_history)
    blocked_jobs = _blocking(lookups.blocked_jobs)
    job_links = _blocking(lookups.job_links)
    semaphore_status = _blocking(lookups.semaphore_status)
    queue_limits = _blocking(lookups.queue_limits)
    batch_status = _blocking(lookups.batch_status)


class AsyncClient:
    """Async client; the module's text says what it may be made from. For one event loop."""

    def __init__(
        self,
        source: AsyncSource,
        *,
        schema: str = "pgq",
    ) -> None:
        self.schema = Names(schema).schema
        if not isinstance(source, str | psycopg.AsyncConnection) and not (
            is_alchemy(source, ASYNC_SOURCES) or is_pool(source, is_async=True)
        ):
            raise refused(source, is_async=True)
        self._source = source
        self._lent = AsyncOwnConnection(source) if isinstance(source, str) else None
        self._is_inherited = False
        tell_of_fork(self, type(self)._note_fork)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection that a DSN made; a pool or connection that was given stays open."""
        if self._lent is not None:
            await self._lent.close()

    async def run(self, call: Call[T]) -> T:
        """Send a call; errors of ours are raised as such, all others are psycopg's."""
        with call.around():
            async with self.connection() as connection:
                return await send_async(connection, call, self.schema)

    def connection(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        """Lend the connection that calls are sent on, alone in this task while it is lent.

        The one of a DSN is read committed, unless you begin a transaction that is not.
        """
        if self._lent is not None:
            return self._lent
        if self._is_inherited:
            raise _inherited()
        if isinstance(self._source, psycopg.AsyncConnection):
            return nullcontext(self._source)
        if is_alchemy(self._source, ASYNC_SOURCES):
            return borrowed_async(self._source)
        pool: AsyncConnectionPool[Any] = cast("Any", self._source)
        return pool.connection()

    async def wait(
        self,
        ids: Iterable[int] | int,
        timeout: timedelta | float | None = None,  # noqa: ASYNC109 (as in Client)
    ) -> list[JobResult]:
        """Wait until all of these jobs have ended; return how, in the order of the ids.

        An unknown or pruned job counts as ended, with the state None: enqueue and commit first.
        Without a timeout (seconds) it waits for ever; over it, WaitTimeout names those that
        have not ended. A client made from a DSN opens a connection for it, and is told; any other
        one asks now and then.
        """
        return await waiting.wait_async(self.run, self._dsn, self.schema, ids, timeout)

    async def wait_batch(
        self,
        batch_id: int,
        timeout: timedelta | float | None = None,  # noqa: ASYNC109 (as in Client)
    ) -> BatchProgress:
        """Wait until a batch has finished, which takes a close_batch; return its numbers.

        Raises WaitTimeout like `wait`, and InvalidArgument for an unknown batch.
        """
        return await waiting.wait_batch_async(self.run, self._dsn, self.schema, batch_id, timeout)

    def _note_fork(self) -> None:
        self._is_inherited = _is_open(self._source)

    @property
    def _dsn(self) -> str | None:
        return self._source if isinstance(self._source, str) else None

    enqueue = _awaited(calls.enqueue)
    enqueue_many = _awaited(calls.enqueue_many)
    result = _awaited(calls.result)

    create_batch = _awaited(flow_calls.create_batch)
    close_batch = _awaited(flow_calls.close_batch)
    batch_progress = _awaited(flow_calls.batch_progress)
    parent_results = _awaited(flow_calls.parent_results)
    results = _awaited(flow_calls.results)
    await_jobs = _awaited(flow_calls.await_jobs)
    await_batch = _awaited(flow_calls.await_batch)

    register_worker = _awaited(calls.register_worker)
    workers_beside = _awaited(calls.workers_beside)
    deregister_worker = _awaited(calls.deregister_worker)
    heartbeat = _awaited(calls.heartbeat)
    claim_batch = _awaited(calls.claim_batch)
    complete_batch = _awaited(calls.complete_batch)
    fail_batch = _awaited(calls.fail_batch)
    snooze_batch = _awaited(calls.snooze_batch)
    release_batch = _awaited(calls.release_batch)
    release_unanswered = _awaited(calls.release_unanswered)
    set_progress = _awaited(calls.set_progress)

    promote_due = _awaited(calls.promote_due)
    rescue_lost_workers = _awaited(calls.rescue_lost_workers)
    maintain = _awaited(calls.maintain)

    cancel = _awaited(operator_calls.cancel)
    is_cancelled = _awaited(operator_calls.is_cancelled)
    retry = _awaited(operator_calls.retry)
    discard = _awaited(operator_calls.discard)
    reprioritise = _awaited(operator_calls.reprioritise)
    run_now = _awaited(operator_calls.run_now)
    enqueue_again = _awaited(operator_calls.enqueue_again)
    find_jobs = _awaited(operator_calls.find_jobs)
    count_jobs = _awaited(operator_calls.count_jobs)
    pause_queue = _awaited(operator_calls.pause_queue)
    resume_queue = _awaited(operator_calls.resume_queue)
    queue_latency = _awaited(operator_calls.queue_latency)
    configure_queue = _awaited(operator_calls.configure_queue)
    clear_queue = _awaited(operator_calls.clear_queue)
    order_worker = _awaited(operator_calls.order_worker)
    report_lost_worker = _awaited(operator_calls.report_lost_worker)
    configure = _awaited(operator_calls.configure)
    configure_semaphore = _awaited(operator_calls.configure_semaphore)
    release_semaphore = _awaited(operator_calls.release_semaphore)
    unique_key_owner = _awaited(operator_calls.unique_key_owner)
    release_unique_key = _awaited(operator_calls.release_unique_key)
    prune = _awaited(operator_calls.prune)
    verify = _awaited(operator_calls.verify)
    version = _awaited(calls.version)
    health = _awaited(health_calls.health)
    connection_budget = _awaited(health_calls.connection_budget)

    schedule = _awaited(schedule_calls.schedule)
    unschedule = _awaited(schedule_calls.unschedule)
    pause_schedule = _awaited(schedule_calls.pause_schedule)
    resume_schedule = _awaited(schedule_calls.resume_schedule)
    run_schedule_now = _awaited(schedule_calls.run_schedule_now)
    prune_schedule_history = _awaited(schedule_calls.prune_schedule_history)
    fire_due_schedules = _awaited(schedule_calls.fire_due_schedules)
    sync_schedules = _awaited(schedule_calls.sync_schedules)
    cron_next = _awaited(schedule_calls.cron_next)
    cron_preview = _awaited(schedule_calls.cron_preview)

    job = _awaited(lookups.job)
    jobs = _awaited(lookups.jobs)
    failed_jobs = _awaited(lookups.failed_jobs)
    queue_stats = _awaited(lookups.queue_stats)
    worker_status = _awaited(lookups.worker_status)
    schedule_status = _awaited(lookups.schedule_status)
    schedule_history = _awaited(lookups.schedule_history)
    blocked_jobs = _awaited(lookups.blocked_jobs)
    job_links = _awaited(lookups.job_links)
    semaphore_status = _awaited(lookups.semaphore_status)
    queue_limits = _awaited(lookups.queue_limits)
    batch_status = _awaited(lookups.batch_status)
