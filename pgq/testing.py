"""For tests of code that enqueues: run the jobs right here, without a worker.

def test_signup(connection):
    client = pgq.Client(connection)
    sign_up(connection, "me@example.org")
    run_jobs(client)
    connection.rollback()
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import psycopg

from pgq import tasks
from pgq._invoke import Held, run_async, run_blocking
from pgq._outcome import Failed
from pgq._settler import Ended, settle_call
from pgq._values import JsonText
from pgq.client import Client
from pgq.context import Context
from pgq.errors import InvalidArgument
from pgq.job import ClaimedJob, Job


def run_jobs(
    client: Client,
    registry: tasks.Registry | None = None,
    *,
    queues: Sequence[str] = ("*",),
    max_jobs: int = 1000,
    raise_errors: bool = True,
) -> list[Job]:
    """Run ready and due jobs one by one in this thread until none is left; return them as they are.

    Everything goes over the client, so with a connection in a transaction of the test nothing is
    ever committed. Retries count as soon as they are due. A failed attempt raises AssertionError
    with the handler's traceback, unless `raise_errors` is false; so does reaching `max_jobs`. A
    handler that raises Cancel has not failed.
    Timeouts are not enforced. Not for use inside a running event loop.
    """
    known = tasks.registry if registry is None else registry
    names = None if known.accept_all else known.names
    ran: list[Job] = []
    while True:
        client.promote_due()
        claimed = client.claim_batch(queues, batch_size=1, tasks=names)
        if not claimed:
            return ran
        assert len(ran) < max_jobs, f"{max_jobs} jobs were run and there are more"
        failure = _run(client, known, claimed[0])
        job = client.job(claimed[0].job_id)
        if job is not None:
            ran.append(job)
        if failure is not None and raise_errors:
            what = f"job {claimed[0].job_id} of task {claimed[0].task!r} failed"
            raise AssertionError(
                f"{what}: {failure.error_type}: {failure.message}\n{failure.traceback or ''}"
            )


def _run(client: Client, registry: tasks.Registry, job: ClaimedJob) -> Failed | None:
    """Run one job and settle it; return how it failed."""
    task = registry.get(job.task)
    held = Held(job, task, Context(job, _Inline(client)))
    if task is None:
        outcome: Any = Failed(f"no handler for the task {job.task!r}", "UnknownTask")
    elif task.is_async:
        outcome = asyncio.run(run_async(held, task))
    else:
        outcome = run_blocking(held, task)
    if outcome is not None:
        client.run(settle_call([Ended(job, outcome, 0.0)]))
    return outcome if isinstance(outcome, Failed) and not outcome.cancel else None


class _Inline:
    """The holder of jobs that run over a client."""

    def __init__(self, client: Client) -> None:
        self.schema = client.schema
        self._client = client

    def note_progress(self, job: ClaimedJob, progress: JsonText) -> None:
        self._client.set_progress(job.job_id, job.claim_id, progress)

    def lend(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return self._client.connection()

    def lend_async(self) -> AbstractAsyncContextManager[psycopg.AsyncConnection[Any]]:
        raise InvalidArgument(
            "run_jobs cannot lend a connection to an async handler",
            "Test this handler with a Worker that drains.",
        )
