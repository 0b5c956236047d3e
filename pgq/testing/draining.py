"""Running the jobs of a queue right here, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Any, TypeVar

import psycopg

from pgq import tasks
from pgq.calls import jobs as job_calls
from pgq.calls import look as lookups
from pgq.calls.call import Call
from pgq.client.clients import Client
from pgq.client.clients_async import AsyncClient
from pgq.errors import InvalidArgument
from pgq.lib.isolation import Surroundings
from pgq.middleware import chain_of
from pgq.rows import ClaimedJob, Job
from pgq.values import JsonText
from pgq.worker.chunks import alone, outcome_alone
from pgq.worker.handler import run_async, run_blocking, start_task
from pgq.worker.outcome import Failed
from pgq.worker.settle_calls import Ended, settle_call

T = TypeVar("T")


def drain(
    client: Client,
    registry: tasks.Registry | None = None,
    *,
    queues: Sequence[str] = ("*",),
    max_jobs: int = 1000,
    raise_errors: bool = True,
) -> list[Job]:
    """Run ready and due jobs one by one in this thread until none is left; return them as they are.

    The registry's middleware surrounds them. Everything goes over the client. So if its connection
    is in a transaction of the test, nothing is ever committed. Retries run as soon as they are due.
    A failed attempt raises AssertionError with the handler's traceback, unless `raise_errors` is
    false. So do more than `max_jobs` jobs. A handler that raises Cancel has not failed. Timeouts
    are not enforced. Inside a running event loop, use `drain_async`.
    """
    known = tasks.registry if registry is None else registry
    ran: list[Job] = []
    steps = _steps(known, queues, max_jobs, raise_errors, ran)
    answer: Any = None
    with suppress(StopIteration):
        while True:
            step = steps.send(answer)
            is_call = isinstance(step, Call)
            answer = client.run(step) if is_call else run_claimed(client, known, step)
    return ran


async def drain_async(
    client: AsyncClient,
    registry: tasks.Registry | None = None,
    *,
    queues: Sequence[str] = ("*",),
    max_jobs: int = 1000,
    raise_errors: bool = True,
) -> list[Job]:
    """Do the same as `drain` with an AsyncClient, inside an event loop.

    Handlers that are not async run in a thread, and cannot borrow a connection.
    """
    known = tasks.registry if registry is None else registry
    ran: list[Job] = []
    steps = _steps(known, queues, max_jobs, raise_errors, ran)
    answer: Any = None
    with suppress(StopIteration):
        while True:
            step = steps.send(answer)
            if isinstance(step, Call):
                answer = await client.run(step)
            else:
                answer = await _run_claimed_async(client, known, step)
    return ran


def _steps(
    registry: tasks.Registry,
    queues: Sequence[str],
    max_jobs: int,
    raise_errors: bool,
    ran: list[Job],
) -> Generator[Any, Any, None]:
    """Yield the calls to send and the claimed jobs to run; their answers are sent back here."""
    names = None if registry.accept_all else registry.names
    while True:
        yield job_calls.promote_due()
        claimed = yield job_calls.claim_batch(queues, batch_size=1, tasks=names)
        if not claimed:
            return
        if len(ran) >= max_jobs:
            raise AssertionError(f"{max_jobs} jobs were run and there are more")
        failure = yield claimed[0]
        job = yield lookups.job(claimed[0].job_id)
        if job is not None:
            ran.append(job)
        if failure is not None and raise_errors:
            raise AssertionError(_described(claimed[0], failure))


def _described(job: ClaimedJob, failure: Failed) -> str:
    return (
        f"job {job.job_id} of task {job.task!r} failed: {failure.error_type}: {failure.message}"
        f"\n{failure.traceback or ''}"
    )


def run_claimed(client: Client, registry: tasks.Registry, job: ClaimedJob) -> Failed | None:
    """Run one claimed job in this thread and settle it; return how it failed.

    Timeouts are not enforced. It must not be called inside a running event loop.
    """
    task = registry.get(job.task)
    held, unreadable = alone(job, task, _Inline(client))
    own = Surroundings().copy(held)
    chain = chain_of(registry.middleware)
    if task is None or unreadable is not None:
        outcome: Any = unreadable or _unknown(job)
    elif task.is_async:
        outcome = own.run(asyncio.run, run_async(held, task, chain))
    elif chain is not None and chain.surrounds_threads:
        outcome = own.run(asyncio.run, run_async(held, task, chain, _Here()))
    else:
        outcome = own.run(run_blocking, held, task, chain)
    outcome = outcome_alone(held, outcome)
    if outcome is not None:
        client.run(settle_call([Ended(job, outcome, 0.0)]))
    return outcome if isinstance(outcome, Failed) and not outcome.cancel else None


async def _run_claimed_async(
    client: AsyncClient, registry: tasks.Registry, job: ClaimedJob
) -> Failed | None:
    task = registry.get(job.task)
    holder = _AsyncInline(client)
    held, unreadable = alone(job, task, holder)
    own = Surroundings().copy(held)
    chain = chain_of(registry.middleware)
    if task is None or unreadable is not None:
        outcome: Any = unreadable or _unknown(job)
    elif task.is_async:
        outcome = await start_task(run_async(held, task, chain), own)
    elif chain is not None and chain.surrounds_threads:
        outcome = await start_task(run_async(held, task, chain, _Thread()), own)
    else:
        loop = asyncio.get_running_loop()
        outcome = await asyncio.to_thread(own.run, run_blocking, held, task, chain, loop)
    outcome = outcome_alone(held, outcome)
    if holder.progress is not None:
        await client.set_progress(job.job_id, job.claim_id, holder.progress)
    if outcome is not None:
        await client.run(settle_call([Ended(job, outcome, 0.0)]))
    return outcome if isinstance(outcome, Failed) and not outcome.cancel else None


def _unknown(job: ClaimedJob) -> Failed:
    return Failed(f"no handler for the task {job.task!r}", "UnknownTask")


class _Here:
    """Runs functions in this very thread."""

    async def run(self, function: Callable[[], T]) -> T:
        return function()


class _Thread:
    """Runs functions in another thread."""

    async def run(self, function: Callable[[], T]) -> T:
        return await asyncio.to_thread(function)


class _Inline:
    """The holder of jobs that run over a client."""

    def __init__(self, client: Client) -> None:
        self.schema = client.schema
        self._client = client

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        self._client.set_progress(job.job_id, job.claim_id, progress)

    def lend(self, gives_up: Callable[[], bool]) -> AbstractContextManager[psycopg.Connection[Any]]:
        return self._client.connection()

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        raise InvalidArgument(
            "drain cannot lend a connection to an async handler", "Use drain_async."
        )


class _AsyncInline:
    """The holder of jobs that run over an async client."""

    def __init__(self, client: AsyncClient) -> None:
        self.schema = client.schema
        self.progress: JsonText | None = None
        self._client = client

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        self.progress = progress

    def lend(self, gives_up: Callable[[], bool]) -> AbstractContextManager[psycopg.Connection[Any]]:
        raise InvalidArgument("drain_async cannot lend a connection to a thread", "Use drain.")

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        return self._client.connection()
