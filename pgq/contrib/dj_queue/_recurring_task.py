"""A recurring task as dj-queue shows it: a schedule of pgq with dj-queue's names beside its own."""

from __future__ import annotations

from typing import Any

from pgq.rows import ScheduleStatus
from pgq.task_args import call_arguments


class RecurringTask(ScheduleStatus):
    """What a schedule is at the time of the look: pgq's fields, and dj-queue's names for them."""

    backend_alias: str

    @classmethod
    def of(cls, status: ScheduleStatus, backend_alias: str) -> RecurringTask:
        """Return a schedule with the alias of the backend that it was looked up in."""
        made = cls(*status)
        made.backend_alias = backend_alias
        return made

    @property
    def key(self) -> str:
        """Its name."""
        return self.name

    @property
    def task_path(self) -> str:
        """The import path of its task."""
        return self.task

    @property
    def schedule(self) -> str:
        """When it runs, as cron or as an interval; words are stored as what they mean."""
        return self.timing

    @property
    def queue_name(self) -> str:
        """The queue of its jobs."""
        return self.queue

    @property
    def priority(self) -> int:
        """That of its jobs; higher runs first."""
        return -int(self.job.get("priority") or 0)

    @property
    def payload(self) -> dict[str, Any]:
        """The arguments of its jobs: args, a list, and kwargs."""
        args, kwargs = call_arguments(self.job.get("args") or {})
        return {"args": list(args), "kwargs": dict(kwargs)}

    @property
    def static(self) -> bool:
        """Whether code or settings declare it."""
        return self.source is not None
