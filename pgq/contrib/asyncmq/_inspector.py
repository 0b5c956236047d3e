"""The part of a Queue that looks at jobs and deals with single ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pgq.calls import jobs as calls
from pgq.calls import operate as operator_calls
from pgq.contrib.asyncmq import _lookups
from pgq.contrib.asyncmq._base import DISCARD_AT_ONCE, QueueBase
from pgq.contrib.asyncmq._json import decoded
from pgq.contrib.asyncmq._new_job import moment
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import JobId, deduplication_key, dictionary_of
from pgq.lib.checks import check_limit
from pgq.rows import ListedJob

Jobs = list[dict[str, Any]]


class QueueActive(InvalidValue, RuntimeError):
    """Jobs of the queue are running; nothing was changed."""


@dataclass(frozen=True, slots=True)
class DelayedInfo:
    """A job whose time has not come; `run_at` is a Unix timestamp."""

    job_id: int
    run_at: float
    payload: dict[str, Any]


class Inspector(QueueBase):
    """Looks at the jobs of a queue. Jobs of other queues are unknown to it."""

    async def get_job(self, job_id: JobId) -> dict[str, Any] | None:
        """Return a job as a dictionary; None for an unknown or pruned one."""
        found = await self._find(job_id)
        return None if found is None else dictionary_of(found)

    async def get_job_state(self, job_id: JobId) -> str | None:
        """Return a job's state in AsyncMQ's words; None for an unknown or pruned one."""
        found = await self._find(job_id)
        return None if found is None else _lookups.type_of(found)

    async def get_job_result(self, job_id: JobId) -> Any | None:
        """Return what the handler returned; None, too, while there is nothing yet."""
        found = await self._find(job_id)
        return None if found is None else decoded(found.result)

    async def get_jobs(
        self,
        types: Iterable[str] | None = None,
        *,
        start: int = 0,
        end: int = -1,
        asc: bool = False,
    ) -> Jobs:
        """Return jobs of these states (default: all of a BullMQ queue), the newest first.

        It returns those from the place `start` to the place `end`, included; -1 is the last.
        """
        named = tuple(types) if types else _lookups.DEFAULT_TYPES
        found = await _lookups.find(self.client, self.name, named, start, end, ascending=asc)
        return [dictionary_of(each) for each in found]

    async def list_jobs(self, state: str) -> Jobs:
        """Return all jobs of a state, the oldest first."""
        return await self.get_jobs([state], asc=True)

    async def get_waiting(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return jobs that wait for a worker, or for a semaphore."""
        return await self.get_jobs(["waiting"], start=start, end=end, asc=asc)

    async def get_active(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return running jobs."""
        return await self.get_jobs(["active"], start=start, end=end, asc=asc)

    async def get_completed(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return succeeded jobs."""
        return await self.get_jobs(["completed"], start=start, end=end, asc=asc)

    async def get_failed(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return jobs that are out of attempts."""
        return await self.get_jobs(["failed"], start=start, end=end, asc=asc)

    async def get_delayed(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return jobs whose time has not come, retries among them."""
        return await self.get_jobs(["delayed"], start=start, end=end, asc=asc)

    async def get_waiting_children(
        self, *, start: int = 0, end: int = -1, asc: bool = False
    ) -> Jobs:
        """Return jobs that wait for other jobs."""
        return await self.get_jobs(["waiting-children"], start=start, end=end, asc=asc)

    async def get_paused(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return nothing, as in AsyncMQ: a queue is paused, its jobs wait."""
        return await self.get_jobs(["paused"], start=start, end=end, asc=asc)

    async def get_prioritized(self, *, start: int = 0, end: int = -1, asc: bool = False) -> Jobs:
        """Return nothing, as in AsyncMQ: all waiting jobs have a priority."""
        return await self.get_jobs(["prioritized"], start=start, end=end, asc=asc)

    async def get_job_counts(self, *types: str) -> dict[str, int]:
        """Count jobs by state. Completed and failed ones are counted in the history."""
        named = types or _lookups.DEFAULT_TYPES
        if "waiting" in named and "paused" not in named:
            named = (*named, "paused")
        return await self._count(named)

    async def get_job_count_by_types(self, *types: str) -> int:
        """Count the jobs of all of these states together."""
        return sum((await self.get_job_counts(*types)).values())

    async def count(self) -> int:
        """Count the jobs that have not begun."""
        return await self.get_job_count_by_types("waiting", "delayed", "waiting-children")

    async def queue_stats(self) -> dict[str, int]:
        """Count waiting, delayed and failed jobs."""
        return await self._count(["waiting", "delayed", "failed"])

    async def list_delayed(self) -> list[DelayedInfo]:
        """Return the jobs whose time has not come, the next one first."""
        payloads = await self.get_delayed(asc=True)
        delayed = [DelayedInfo(each["id"], each["delay_until"], each) for each in payloads]
        return sorted(delayed, key=lambda each: each.run_at)

    async def get_due_delayed(self) -> Jobs:
        """Make the delayed jobs ready whose time has come, and return those of this queue.

        Workers do this by themselves. Nothing must be enqueued afterwards, and it does no harm.
        """
        found = await self.client.due_jobs(self.name)
        await self.client.run(calls.promote_due())
        return [dictionary_of(each) for each in found]

    async def remove_delayed(self, job_id: JobId) -> bool:
        """Delete a delayed job; answer false for a job that is not delayed."""
        found = await self._find(job_id)
        return found is not None and found.state == "scheduled" and await self.remove_job(job_id)

    async def remove_job(self, job_id: JobId) -> bool:
        """Delete a job for good, and make its job_id free; answer false for a running one."""
        found = await self._find(job_id)
        if found is None or not await self._discard([found.id]):
            return False
        if found.unique_key is not None:
            owner = await self.client.run(operator_calls.unique_key_owner(found.unique_key))
            if owner is not None and owner.job_id == found.id:
                await self.client.run(operator_calls.release_unique_key(found.unique_key))
        return True

    async def retry_job(self, job_id: JobId) -> bool:
        """Run a failed, cancelled or expired job again, or a delayed one now."""
        found = await self._find(job_id)
        if found is None:
            return False
        ((_, outcome),) = await self.client.run(operator_calls.retry([found.id]))
        return bool(outcome == "retried")

    async def cancel_job(self, job_id: JobId) -> bool:
        """Cancel a job: a waiting one at once, a running one by asking its worker.

        Answers false if there is nothing to cancel any more.
        """
        found = await self._find(job_id)
        if found is None:
            return False
        ((cancelled, outcome),) = await self.client.run(operator_calls.cancel([found.id]))
        if outcome == "cancelled":
            await self._emit("job:cancelled", cancelled, id=cancelled)
        return outcome in ("cancelled", "requested")

    async def is_job_cancelled(self, job_id: JobId) -> bool:
        """Whether a job ended as cancelled, or its worker has been asked to cancel it."""
        known = await self.find_id(job_id)
        return known is not None and await self.client.run(operator_calls.is_cancelled(known))

    async def get_deduplication_job_id(self, deduplication_id: str) -> int | None:
        """Return the id of the job that has a deduplication id now; None if it is free."""
        key = deduplication_key(self.name, deduplication_id)
        owner = await self.client.run(operator_calls.unique_key_owner(key))
        return None if owner is None else owner.job_id

    async def get_debounce_job_id(self, deduplication_id: str) -> int | None:
        """Return the same as `get_deduplication_job_id`."""
        return await self.get_deduplication_job_id(deduplication_id)

    async def remove_deduplication_key(self, deduplication_id: str) -> bool:
        """Make a deduplication id free; its job goes on. Answer whether it was taken."""
        key = deduplication_key(self.name, deduplication_id)
        return await self.client.run(operator_calls.release_unique_key(key))

    async def clean(self, state: str, older_than: float | None = None) -> int:
        """Delete the jobs of a state that ended before a Unix timestamp; answer how many.

        Jobs that have not ended count by the time when they were added; running ones stay. A
        transaction deletes a few thousand.
        """
        return len(await self._remove(state, older_than, None))

    async def clean_jobs(
        self, grace: float = 0, limit: int = 1000, state: str = "completed"
    ) -> list[int]:
        """Delete up to `limit` jobs (0: all) of a state that ended `grace` seconds ago or earlier.

        Returns their ids.
        """
        check_limit(limit, "limit")
        return await self._remove(state, time.time() - grace, limit or None)

    async def drain(self, include_delayed: bool = False) -> list[int]:
        """Delete the waiting jobs, on request the delayed ones too, and return their ids.

        Jobs that depend on them end as cancelled.
        """
        removed = await self._remove("waiting", None, None)
        if include_delayed:
            removed += await self._remove("delayed", None, None)
        return removed

    async def _remove(self, state: str, before: float | None, limit: int | None) -> list[int]:
        removed: list[int] = []
        found: list[int] = []
        states = _lookups.states_of(state)
        until = _lookups.before(state, None if before is None else moment(before))
        async for job in _lookups.walk(self.client, self.name, [state], ascending=True, **until):
            found.append(job.id)
            room = DISCARD_AT_ONCE if limit is None else min(DISCARD_AT_ONCE, limit - len(removed))
            if len(found) >= room:
                removed += await self._discard(found, states)
                found = []
            if limit is not None and len(removed) >= limit:
                break
        return removed + (await self._discard(found, states) if found else [])

    async def _count(self, types: Sequence[str]) -> dict[str, int]:
        return await _lookups.count(self.client, self.name, types)

    async def _find(self, job_id: JobId) -> ListedJob | None:
        known = await self.find_id(job_id)
        return None if known is None else await _lookups.find_one(self.client, self.name, known)
