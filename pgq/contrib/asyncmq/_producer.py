"""The part of a Queue that adds jobs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from pgq.calls import jobs as calls
from pgq.calls import operate as operator_calls
from pgq.calls.call import Call
from pgq.client.send_async import send_async
from pgq.contrib.asyncmq._base import QueueBase
from pgq.contrib.asyncmq._new_job import new_job
from pgq.contrib.asyncmq._steps import in_steps, made, names_of
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import Backoff, JobId, deduplication_key
from pgq.errors import InvalidJob
from pgq.jobs import NewJob
from pgq.options import OnParentFailure

# The keys of a job of add_bulk; "name" is for jobs of one call that depend on each other.
_OPTIONS = (
    "task_id", "args", "kwargs", "retries", "ttl", "backoff", "priority", "delay", "run_at",
    "job_id", "deduplication", "depends_on", "on_parent_failure", "name",
)  # fmt: skip

_Run = Callable[[Call[Any]], Awaitable[Any]]


class Producer(QueueBase):
    """Adds jobs to a queue."""

    async def add(
        self,
        task_id: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retries: int = 0,
        ttl: float | None = None,
        backoff: Backoff = None,
        priority: int = 5,
        delay: float | None = None,
        job_id: str | None = None,
        deduplication: Mapping[str, Any] | None = None,
        debounce: Mapping[str, Any] | None = None,
        depends_on: Sequence[JobId] | None = None,
        on_parent_failure: OnParentFailure | None = None,
    ) -> int:
        """Add a job and return its id, or the owner's if its job_id or deduplication is taken.

        Lower priorities run first. `delay` and `ttl` are seconds. If the job is not started within
        `ttl`, it expires. `retries` is the number of further attempts. `backoff` says how long each
        of them waits: `backoff ** n` seconds, a list of seconds, a function of n (called now), or
        pgq's "exponential"; None means no wait. The job runs when the jobs of `depends_on` have
        succeeded. If one of these does not, `on_parent_failure` decides: "cancel" (the default),
        "run" or "wait". Raises InvalidArgument and InvalidJob.
        """
        (added,) = await self.add_all(
            [
                {
                    "task_id": task_id, "args": args, "kwargs": kwargs, "retries": retries,
                    "ttl": ttl, "backoff": backoff, "priority": priority, "delay": delay,
                    "job_id": job_id, "depends_on": depends_on,
                    "deduplication": debounce if deduplication is None else deduplication,
                    "on_parent_failure": on_parent_failure,
                }
            ]
        )  # fmt: skip
        return added

    async def add_bulk(self, jobs: Iterable[Mapping[str, Any]]) -> list[int]:
        """Add jobs, by one statement, all or none, and return their ids in order.

        Each is a dictionary with the options of `add`. Jobs of the call may depend on each other
        by their job_id, or by a "name" that is valid in this call only. Raises like `add`.
        """
        return await self.add_all([_bulk_options(job) for job in jobs])

    async def add_all(self, jobs: Sequence[Mapping[str, Any]]) -> list[int]:
        """Add jobs, all or none, for `add`, `add_bulk` and FlowProducer.add_flow.

        It takes one statement, unless a job depends on another of the call that has a key.
        """
        given = [{"name": job.get("job_id"), **job} for job in jobs]
        if not given:
            return []
        own_names = names_of(given)
        for options in given:
            options["depends_on"] = await self._parents(options.get("depends_on") or (), own_names)
        steps = in_steps(given)
        if len(given) == 1:
            (job,) = made(self.name, given, steps[0], [])
            if job.unique_key is None:
                return [await self.client.run(calls.enqueue(job))]
        ids = [0] * len(given)
        duplicates: list[tuple[NewJob, int]] = []
        async with self._together(len(steps)) as run:
            for step in steps:
                jobs_of_step = made(self.name, given, step, ids)
                created = await run(calls.enqueue_many(jobs_of_step))
                for place, job, answer in zip(step, jobs_of_step, created, strict=True):
                    ids[place] = answer.id
                    if not answer.created:
                        duplicates.append((job, answer.id))
        for job, owner in duplicates:
            await self._tell_of_duplicate(job, owner)
        return ids

    @asynccontextmanager
    async def _together(self, calls_to_come: int) -> AsyncGenerator[_Run, None]:
        """Lend an object that sends calls; several calls are one transaction."""
        client = self.client
        if calls_to_come == 1:
            yield client.run
            return
        async with client.connection() as connection, AsyncExitStack() as stack:
            # A connection that is not in autocommit mode is in its owner's transaction.
            if connection.autocommit:
                await stack.enter_async_context(connection.transaction())
            yield lambda call: send_async(connection, call, client.schema)

    async def _parents(self, parents: Iterable[JobId], own_names: set[JobId]) -> list[JobId]:
        found: list[JobId] = []
        for parent in parents:
            known = parent if parent in own_names else await self.find_id(parent)
            if known is None:
                raise InvalidJob(
                    f"depends_on names {parent!r}, which is no job of the queue {self.name!r}",
                    "Pass what add() returned, or the job_id of a job that exists.",
                )
            found.append(known)
        return found

    async def _tell_of_duplicate(self, job: NewJob, owner: int) -> None:
        prefix = deduplication_key(self.name, "")
        if job.unique_key is None or not job.unique_key.startswith(prefix):
            await self._emit("job:duplicated", owner)
            return
        name = job.unique_key.removeprefix(prefix)
        await self._emit("job:debounced", owner, debounce_id=name)
        await self._emit("job:deduplicated", owner, deduplication_id=name)

    async def enqueue(self, payload: Mapping[str, Any]) -> int:
        """Add the job of a payload: `task_id` or `task`, and the options of `add`.

        If `id` is an id of the database, that job runs now, or again. Any other `id` is a job_id.
        """
        return await self._enqueue(payload, None)

    async def enqueue_delayed(self, payload: Mapping[str, Any], run_at: float) -> int:
        """Add the job of a payload, to run at a Unix timestamp."""
        return await self._enqueue(payload, run_at)

    async def delay(self, payload: Mapping[str, Any], run_at: float | None = None) -> int:
        """Do what `enqueue` does, or with `run_at` what `enqueue_delayed` does."""
        return await self._enqueue(payload, run_at)

    async def send(self, payload: Mapping[str, Any]) -> int:
        """Do what `enqueue` does."""
        return await self._enqueue(payload, None)

    async def _enqueue(self, payload: Mapping[str, Any], run_at: float | None) -> int:
        given = payload.get("id")
        if isinstance(given, int) or (isinstance(given, str) and given.isdecimal()):
            return await self._run_again(int(given), run_at)
        task = payload.get("task_id") or payload.get("task")
        if not isinstance(task, str):
            raise InvalidValue("the payload has no task_id", "Name the task.")
        options = {key: payload.get(key) for key in _OPTIONS if payload.get(key) is not None}
        options |= {"task_id": task, "job_id": payload.get("job_id") or given, "run_at": run_at}
        if "max_retries" in payload:
            options["retries"] = payload["max_retries"]
        (added,) = await self.add_all([options])
        return added

    async def _run_again(self, job_id: int, run_at: float | None) -> int:
        at = None if run_at is None else new_job(self.name, "any", run_at=run_at).run_at
        ((_, outcome),) = await self.client.run(operator_calls.retry([job_id], at))
        if outcome not in ("retried", "running"):
            raise InvalidJob(
                f"job {job_id} cannot run again: {outcome}",
                "Leave out the payload's id to add a new job.",
            )
        return job_id


def _bulk_options(job: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: given for key, given in job.items() if key in _OPTIONS}
    if "jobId" in job:
        options["job_id"] = job["jobId"]
    if job.get("debounce") is not None:
        options.setdefault("deduplication", job["debounce"])
    unknown = job.keys() - {*_OPTIONS, "jobId", "debounce"}
    if unknown or not isinstance(job.get("task_id"), str):
        what = f"unknown options {sorted(unknown)}" if unknown else "no task_id"
        raise InvalidValue(f"a job of add_bulk has {what}", f"Known: {', '.join(_OPTIONS)}.")
    return options
