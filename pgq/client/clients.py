# Written by generate.py from clients_async.py: change that one.
"""A client: every SQL function and every lookup as a method.

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

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
from pgq.client import awaited
from pgq.client.awaited import Awaited
from pgq.client.connections import OwnConnection, borrowed
from pgq.client.methods import presented
from pgq.client.send import send
from pgq.client.sources import SOURCES, inherited, is_alchemy, is_open, is_pool, refused
from pgq.client.waiting import waited
from pgq.lib.checks import check_given, needed_by
from pgq.lib.forks import tell_of_fork
from pgq.schema.names import Names

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    Source = (
        str | ConnectionPool[Any] | psycopg.Connection[Any] | Connection
        | Session
    )  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


def _sending(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[Client, P], T]:
    """Make the method that sends what `build` returns."""
    needed = needed_by(build)

    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        check_given(needed, args, kwargs)
        return self.run(build(*args, **kwargs))

    return presented(method, build)


def _waiting(
    build: Callable[P, Awaited[T]],
) -> Callable[Concatenate[Client, P], T]:
    """Make the method that waits for what `build` returns."""

    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return waited(build(*args, **kwargs), self.run, self._dsn, self.schema)

    return presented(method, build)


class Client:
    """Blocking client; the module's text says what it may be made from. For all threads."""

    def __init__(
        self,
        source: Source,
        *,
        schema: str = "pgq",
    ) -> None:
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
            raise inherited()
        if isinstance(self._source, psycopg.Connection):
            return nullcontext(self._source)
        if is_alchemy(self._source, SOURCES):
            return borrowed(self._source)
        pool: ConnectionPool[Any] = cast("Any", self._source)
        return pool.connection()

    def _note_fork(self) -> None:
        self._is_inherited = is_open(self._source)

    @property
    def _dsn(self) -> str | None:
        return self._source if isinstance(self._source, str) else None

    enqueue = _sending(calls.enqueue)
    enqueue_many = _sending(calls.enqueue_many)
    result = _sending(calls.result)

    create_batch = _sending(flow_calls.create_batch)
    close_batch = _sending(flow_calls.close_batch)
    batch_progress = _sending(flow_calls.batch_progress)
    parent_results = _sending(flow_calls.parent_results)
    results = _sending(flow_calls.results)
    await_jobs = _sending(flow_calls.await_jobs)
    await_batch = _sending(flow_calls.await_batch)
    wait = _waiting(awaited.wait)
    wait_batch = _waiting(awaited.wait_batch)

    register_worker = _sending(calls.register_worker)
    workers_beside = _sending(calls.workers_beside)
    deregister_worker = _sending(calls.deregister_worker)
    heartbeat = _sending(calls.heartbeat)
    claim_batch = _sending(calls.claim_batch)
    complete_batch = _sending(calls.complete_batch)
    fail_batch = _sending(calls.fail_batch)
    snooze_batch = _sending(calls.snooze_batch)
    release_batch = _sending(calls.release_batch)
    release_unanswered = _sending(calls.release_unanswered)
    set_progress = _sending(calls.set_progress)

    promote_due = _sending(calls.promote_due)
    rescue_lost_workers = _sending(calls.rescue_lost_workers)
    maintain = _sending(calls.maintain)

    cancel = _sending(operator_calls.cancel)
    is_cancelled = _sending(operator_calls.is_cancelled)
    retry = _sending(operator_calls.retry)
    discard = _sending(operator_calls.discard)
    reprioritise = _sending(operator_calls.reprioritise)
    run_now = _sending(operator_calls.run_now)
    enqueue_again = _sending(operator_calls.enqueue_again)
    find_jobs = _sending(operator_calls.find_jobs)
    count_jobs = _sending(operator_calls.count_jobs)
    pause_queue = _sending(operator_calls.pause_queue)
    resume_queue = _sending(operator_calls.resume_queue)
    queue_latency = _sending(operator_calls.queue_latency)
    configure_queue = _sending(operator_calls.configure_queue)
    clear_queue = _sending(operator_calls.clear_queue)
    order_worker = _sending(operator_calls.order_worker)
    report_lost_worker = _sending(operator_calls.report_lost_worker)
    configure = _sending(operator_calls.configure)
    configure_semaphore = _sending(operator_calls.configure_semaphore)
    release_semaphore = _sending(operator_calls.release_semaphore)
    unique_key_owner = _sending(operator_calls.unique_key_owner)
    release_unique_key = _sending(operator_calls.release_unique_key)
    prune = _sending(operator_calls.prune)
    verify = _sending(operator_calls.verify)
    version = _sending(calls.version)
    health = _sending(health_calls.health)
    connection_budget = _sending(health_calls.connection_budget)

    schedule = _sending(schedule_calls.schedule)
    unschedule = _sending(schedule_calls.unschedule)
    pause_schedule = _sending(schedule_calls.pause_schedule)
    resume_schedule = _sending(schedule_calls.resume_schedule)
    run_schedule_now = _sending(schedule_calls.run_schedule_now)
    prune_schedule_history = _sending(schedule_calls.prune_schedule_history)
    fire_due_schedules = _sending(schedule_calls.fire_due_schedules)
    sync_schedules = _sending(schedule_calls.sync_schedules)
    cron_next = _sending(schedule_calls.cron_next)
    cron_preview = _sending(schedule_calls.cron_preview)

    job = _sending(lookups.job)
    jobs = _sending(lookups.jobs)
    failed_jobs = _sending(lookups.failed_jobs)
    queue_stats = _sending(lookups.queue_stats)
    worker_status = _sending(lookups.worker_status)
    schedule_status = _sending(lookups.schedule_status)
    schedule_history = _sending(lookups.schedule_history)
    blocked_jobs = _sending(lookups.blocked_jobs)
    job_links = _sending(lookups.job_links)
    semaphore_status = _sending(lookups.semaphore_status)
    queue_limits = _sending(lookups.queue_limits)
    batch_status = _sending(lookups.batch_status)
