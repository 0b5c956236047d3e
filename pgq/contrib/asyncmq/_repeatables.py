"""The part of a Queue that repeats jobs. Repeatables are schedules, named by their definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pgq.calls import look as lookups
from pgq.calls import schedules as schedule_calls
from pgq.contrib.asyncmq._base import QueueBase
from pgq.contrib.asyncmq._new_job import args_of, backoff_of
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import Backoff
from pgq.rows import ScheduleStatus
from pgq.schedules import NewSchedule
from pgq.task_args import call_arguments
from pgq.values import interval_text

# These keys of a definition identify its schedule; a listing adds the others.
_IDENTITY = (
    "task_id", "every", "cron", "args", "kwargs", "retries", "ttl", "priority", "backoff",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepeatableInfo:
    """A repeatable; `job_def` goes to pause_, resume_ and remove_repeatable, `next_run` is Unix."""

    job_def: dict[str, Any]
    next_run: float | None
    paused: bool


class Repeater(QueueBase):
    """Repeats jobs in a queue, each tick once, however many workers run."""

    _declared: dict[str, NewSchedule]

    def add_repeatable(
        self,
        task_id: str,
        every: float | str | None = None,
        cron: str | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retries: int = 0,
        ttl: float | None = None,
        priority: int = 5,
        backoff: Backoff = None,
    ) -> None:
        """Declare a job that repeats every so many seconds, or by a cron expression (UTC).

        `run()` stores them in the database, and removes others that code had declared for this
        queue. Any worker fires them. Raises InvalidArgument unless exactly one of the two is given;
        `run()` raises other errors.
        """
        schedule = self._schedule_of(
            _definition(task_id, every, cron, args, kwargs, retries, ttl, priority, backoff)
        )
        self._declared[schedule.name] = schedule

    async def upsert_repeatable(
        self,
        task_id: str,
        every: float | str | None = None,
        cron: str | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        retries: int = 0,
        ttl: float | None = None,
        priority: int = 5,
        backoff: Backoff = None,
    ) -> float:
        """Keep a job that repeats, in the database; return its next time (Unix).

        The same definition again is the same repeatable, and keeps its rhythm. Raises like
        `add_repeatable`, and InvalidCron.
        """
        new = self._schedule_of(
            _definition(task_id, every, cron, args, kwargs, retries, ttl, priority, backoff)
        )
        next_run: datetime = await self.client.run(
            schedule_calls.schedule(
                new.name, new.task, cron=new.cron, every=new.every, args=new.args,
                queue=new.queue, priority=new.priority, max_attempts=new.max_attempts,
                backoff=new.backoff, expires_in=new.expires_in,
            )
        )  # fmt: skip
        return next_run.timestamp()

    async def list_repeatables(self) -> list[RepeatableInfo]:
        """Return all repeatables of this queue, in the order of their names."""
        return [_info(each) for each in await self._schedules()]

    async def pause_repeatable(self, job_def: Mapping[str, Any]) -> None:
        """Stop a repeatable until resume_repeatable; InvalidArgument for an unknown one."""
        await self.client.run(schedule_calls.pause_schedule(self._name_of(job_def)))

    async def resume_repeatable(self, job_def: Mapping[str, Any]) -> float:
        """Let a repeatable go on in its rhythm, and return its next time (Unix).

        InvalidArgument for an unknown one.
        """
        name = self._name_of(job_def)
        await self.client.run(schedule_calls.resume_schedule(name))
        (resumed,) = await self.client.run(lookups.schedule_status(name))
        assert resumed.next_run_at is not None
        return resumed.next_run_at.timestamp()

    async def remove_repeatable(self, job_def: Mapping[str, Any]) -> None:
        """Delete a repeatable; jobs that it added stay.

        If code declares it, it is made again when that code runs.
        """
        name = self._name_of(job_def)
        self._declared.pop(name, None)
        declared = [each for each in await self._schedules() if each.source == self._source]
        if any(each.name == name for each in declared):
            rest = [_as_new(each) for each in declared if each.name != name]
            await self.client.run(schedule_calls.sync_schedules(self._source, rest))
        else:
            await self.client.run(schedule_calls.unschedule(name))

    async def _remove_repeatables(self) -> None:
        self._declared.clear()
        await self.client.run(schedule_calls.sync_schedules(self._source, []))
        for each in await self._schedules():
            if each.source is None:
                await self.client.run(schedule_calls.unschedule(each.name))

    async def _sync_declared(self) -> None:
        # A worker that declares nothing changes nothing that other programs declare.
        if self._declared:
            declared = list(self._declared.values())
            await self.client.run(schedule_calls.sync_schedules(self._source, declared))

    async def _schedules(self) -> list[ScheduleStatus]:
        found = await self.client.run(lookups.schedule_status())
        return [each for each in found if each.queue == self.name]

    @property
    def _source(self) -> str:
        return f"asyncmq:{self.name}"

    def _schedule_of(self, definition: Mapping[str, Any]) -> NewSchedule:
        every = definition.get("every")
        return NewSchedule(
            self._name_of(definition),
            definition["task_id"],
            cron=definition.get("cron"),
            every=every,
            args=args_of(definition["args"], definition["kwargs"]) or None,
            queue=self.name,
            priority=definition["priority"],
            max_attempts=definition["retries"] + 1,
            backoff=backoff_of(definition.get("backoff"), definition["retries"]),
            expires_in=definition.get("ttl"),
        )

    def _name_of(self, job_def: Mapping[str, Any]) -> str:
        """Return the schedule's name, from a listing or made of the definition."""
        if isinstance(job_def.get("id"), str):
            return str(job_def["id"])
        task = job_def.get("task_id") or job_def.get("task")
        if not isinstance(task, str):
            raise InvalidValue(
                "the definition has no task_id", "Pass what was given to add_repeatable."
            )
        options: dict[str, Any] = {key: job_def.get(key) for key in _IDENTITY}
        given = _definition(**{**options, "task_id": task})
        text = json.dumps([self.name, given], sort_keys=True, default=str)
        return f"{task[:80]}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _definition(
    task_id: str,
    every: float | str | None,
    cron: str | None,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    retries: int | None,
    ttl: float | None,
    priority: int | None,
    backoff: Backoff,
) -> dict[str, Any]:
    if isinstance(every, str) and cron is None and len(every.split()) == 5:
        every, cron = None, every
    if bool(every) == bool(cron):
        raise InvalidValue(
            "not exactly one of every and cron is given", "Pass seconds, or a cron expression."
        )
    given = {
        "task_id": task_id,
        "args": list(args or []),
        "kwargs": dict(kwargs or {}),
        "retries": retries or 0,
        "priority": 5 if priority is None else priority,
        "ttl": ttl,
        "backoff": backoff,
        "every": _seconds(every),
        "cron": cron or None,
    }
    return {key: option for key, option in given.items() if option is not None}


def _seconds(every: float | str | None) -> float | str | None:
    """Return an interval as a number if it is one: 60 and "60.0" mean the same."""
    try:
        return float(every) if every else None
    except ValueError:
        return every


def _info(status: ScheduleStatus) -> RepeatableInfo:
    """Return a schedule as a definition; its `id` is the name, which tells it from all others."""
    job = status.job
    args, kwargs = call_arguments(job.get("args") or {})
    definition: dict[str, Any] = {
        "id": status.name,
        "task_id": status.task,
        "args": list(args),
        "kwargs": kwargs,
        "retries": int(job.get("max_attempts") or 1) - 1,
        "priority": int(job.get("priority") or 0),
    }
    if status.every is not None:
        definition["every"] = status.every.total_seconds()
    else:
        definition["cron"] = status.timing
    next_run = status.next_run_at.timestamp() if status.next_run_at else None
    return RepeatableInfo(definition, next_run, status.paused)


def _as_new(status: ScheduleStatus) -> NewSchedule:
    """Return a schedule as it was declared."""
    job = {key: given for key, given in status.job.items() if key not in ("task", "args")}
    return NewSchedule(
        status.name,
        status.task,
        cron=status.timing if status.every is None else None,
        every=None if status.every is None else interval_text(status.every),
        timezone=status.timezone if status.every is None else None,
        args=status.job.get("args") or None,
        **job,
    )
