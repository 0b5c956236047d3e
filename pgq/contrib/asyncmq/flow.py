"""Flows: jobs that depend on each other, added by one statement, all or none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pgq.contrib.asyncmq.jobs import Job
from pgq.contrib.asyncmq.queues import Queue

if TYPE_CHECKING:
    from pgq.contrib.asyncmq._backend import Source


class FlowProducer:
    """Adds flows. The backend is one that a Queue may have."""

    def __init__(self, backend: Source = None, *, schema: str = "pgq") -> None:
        self._backend = backend
        self._schema = schema

    async def add_flow(self, queue: str, jobs: Iterable[Job]) -> list[int]:
        """Add jobs that name each other by `id` in `depends_on`, in any order; return their ids.

        The ids are in the order of the jobs, and become their `id`. A parent may also be a job that
        was added before. It adds all of them or none. Raises InvalidJob for a cycle.
        """
        flow = list(jobs)
        ids = await Queue(queue, self._backend, schema=self._schema).add_all(
            [_options(job) for job in flow]
        )
        for job, job_id in zip(flow, ids, strict=True):
            job.id = job_id
        return ids


def _options(job: Job) -> dict[str, Any]:
    return {
        "task_id": job.task_id,
        "args": job.args,
        "kwargs": job.kwargs,
        "retries": job.max_retries,
        "ttl": job.ttl,
        "backoff": job.backoff,
        "priority": job.priority,
        "run_at": job.delay_until,
        "job_id": job.custom_id,
        "deduplication": job.deduplication,
        "depends_on": job.depends_on,
        "name": job.id,
    }
