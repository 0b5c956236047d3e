"""Calls of a backend: those of a Queue, with its name as the first argument."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pgq.contrib.asyncmq._backend import Backend
from pgq.contrib.asyncmq.queues import Queue

if TYPE_CHECKING:
    from pgq.contrib.asyncmq._inspector import DelayedInfo
    from pgq.contrib.asyncmq.jobs import JobId


class CalledBackend(Backend):
    """What producers, tests and operators call; what is a worker's own stands nowhere here."""

    def _queue(self, name: str) -> Queue:
        return Queue(name, self)

    async def enqueue(self, queue_name: str, payload: Mapping[str, Any]) -> int:
        """Add the job of a payload; see Queue.enqueue."""
        return await self._queue(queue_name).enqueue(payload)

    async def enqueue_delayed(
        self, queue_name: str, payload: Mapping[str, Any], run_at: float
    ) -> int:
        """Add the job of a payload, to run at a Unix timestamp."""
        return await self._queue(queue_name).enqueue_delayed(payload, run_at)

    async def get_job(self, queue_name: str, job_id: JobId) -> dict[str, Any] | None:
        """Return a job as a dictionary."""
        return await self._queue(queue_name).get_job(job_id)

    async def get_job_state(self, queue_name: str, job_id: JobId) -> str | None:
        """Return a job's state in AsyncMQ's words."""
        return await self._queue(queue_name).get_job_state(job_id)

    async def get_job_result(self, queue_name: str, job_id: JobId) -> Any | None:
        """Return what the handler returned."""
        return await self._queue(queue_name).get_job_result(job_id)

    async def list_jobs(self, queue_name: str, state: str) -> list[dict[str, Any]]:
        """Return all jobs of a state, the oldest first."""
        return await self._queue(queue_name).list_jobs(state)

    async def list_delayed(self, queue_name: str) -> list[DelayedInfo]:
        """Return the jobs whose time has not come."""
        return await self._queue(queue_name).list_delayed()

    async def get_due_delayed(self, queue_name: str) -> list[dict[str, Any]]:
        """Make the delayed jobs ready whose time has come, and return them."""
        return await self._queue(queue_name).get_due_delayed()

    async def remove_delayed(self, queue_name: str, job_id: JobId) -> bool:
        """Delete a delayed job."""
        return await self._queue(queue_name).remove_delayed(job_id)

    async def cancel_job(self, queue_name: str, job_id: JobId) -> bool:
        """Cancel a job."""
        return await self._queue(queue_name).cancel_job(job_id)

    async def is_job_cancelled(self, queue_name: str, job_id: JobId) -> bool:
        """Whether a job was cancelled."""
        return await self._queue(queue_name).is_job_cancelled(job_id)

    async def remove_job(self, queue_name: str, job_id: JobId) -> bool:
        """Delete a job."""
        return await self._queue(queue_name).remove_job(job_id)

    async def retry_job(self, queue_name: str, job_id: JobId) -> bool:
        """Run a failed job again."""
        return await self._queue(queue_name).retry_job(job_id)

    async def pause_queue(self, queue_name: str) -> None:
        """Stop claims from a queue."""
        await self._queue(queue_name).pause()

    async def resume_queue(self, queue_name: str) -> None:
        """Let claims go on."""
        await self._queue(queue_name).resume()

    async def is_queue_paused(self, queue_name: str) -> bool:
        """Whether a queue is paused."""
        return any(each.queue == queue_name and each.paused for each in await self._stats())

    async def queue_stats(self, queue_name: str) -> dict[str, int]:
        """Count waiting, delayed and failed jobs."""
        return await self._queue(queue_name).queue_stats()

    async def list_queues(self) -> list[str]:
        """Return the queues in use or configured, by name."""
        return sorted(each.queue for each in await self._stats())

    async def bulk_enqueue(self, queue_name: str, jobs: Iterable[Mapping[str, Any]]) -> list[int]:
        """Add the jobs of payloads, one after the other."""
        queue = self._queue(queue_name)
        return [await queue.enqueue(each) for each in jobs]

    async def _stats(self) -> list[Any]:
        return [*await self.client.queue_stats()]
