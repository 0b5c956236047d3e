"""Queues, workers, schedules, semaphores, batches and bulk operations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from django.contrib.admin import display

from pgq.contrib.django.administration import drawn, verbs
from pgq.contrib.django.administration.base import FunctionAdmin
from pgq.contrib.django.administration.changelist import AFTER, BEFORE, FunctionChangeList, Page
from pgq.contrib.django.administration.reach import address, client_for
from pgq.contrib.django.models import Job

LONGEST_ID: Final = 18


def _id_in(request: Any, name: str) -> int | None:
    given = request.GET.get(name, "")
    return int(given) if given.isdecimal() and len(given) <= LONGEST_ID else None


def _first(rows: list[Any]) -> Any:
    return rows[0] if rows else None


class QueueAdmin(FunctionAdmin):
    """Queues in use or configured; the numbers are links to the jobs."""

    verbs: ClassVar = verbs.QUEUES
    list_display = (
        *("queue", "ready_jobs", "scheduled_jobs", "blocked_jobs", "running_jobs", "failed_jobs"),
        *("oldest", "paused"),
    )
    fields = list_display

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return all queues."""
        rows = client_for(request).queue_stats()
        return Page(rows, len(rows))

    def row(self, request: Any, key: str) -> Any:
        """Look up a queue."""
        return _first(client_for(request).queue_stats(key))

    @display(description="ready")
    def ready_jobs(self, queue: Any) -> Any:
        """Show how many wait for a worker."""
        return self._jobs(queue, "ready", queue.ready)

    @display(description="scheduled")
    def scheduled_jobs(self, queue: Any) -> Any:
        """Show how many wait for their time."""
        return self._jobs(queue, "scheduled", queue.scheduled)

    @display(description="blocked")
    def blocked_jobs(self, queue: Any) -> Any:
        """Show how many wait for others."""
        return self._jobs(queue, "blocked", queue.blocked)

    @display(description="running")
    def running_jobs(self, queue: Any) -> Any:
        """Show how many run."""
        return self._jobs(queue, "running", queue.running)

    @display(description="failed today")
    def failed_jobs(self, queue: Any) -> Any:
        """Show how many failed since midnight, UTC."""
        return self._jobs(queue, "failed", queue.failed_today)

    @display(description="oldest ready")
    def oldest(self, queue: Any) -> str:
        """Show how long the oldest one has been ready."""
        return drawn.length(queue.lag)

    def _jobs(self, queue: Any, state: str, count: int | None) -> Any:
        place = address(
            queue.request,
            self.admin_site.name,
            Job,
            "changelist",
            queue=queue.pk,
            state=state,
        )
        return drawn.link(place, f"{count or 0:,}")


class WorkerAdmin(FunctionAdmin):
    """Workers that are there."""

    verbs: ClassVar = verbs.WORKERS
    list_display = (
        *("id", "name", "status", "running", "concurrency", "queues", "silent", "up", "host"),
        *("pid", "version"),
    )
    fields = list_display

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return the workers in order of their ids, a page at a time."""
        size = self.list_per_page
        rows = client_for(request).worker_status(after_id=_id_in(request, AFTER), limit=size + 1)
        return _page(rows, size, AFTER, "id")

    def row(self, request: Any, key: str) -> Any:
        """Look up a worker."""
        return _first(client_for(request).worker_status(int(key)))

    @display(description="last heard of")
    def silent(self, worker: Any) -> str:
        """Show for how long it has been silent."""
        return f"{drawn.length(worker.silence)} ago"

    @display(description="up for")
    def up(self, worker: Any) -> str:
        """Show for how long it has been there."""
        return drawn.length(worker.uptime)


class ScheduleAdmin(FunctionAdmin):
    """Jobs that recur."""

    verbs: ClassVar = verbs.SCHEDULES
    list_display = (
        *("name", "timing", "timezone", "task", "queue", "paused", "next_run_at", "last_run_at"),
        *("last_outcome", "last_job", "problem"),
    )
    fields = (
        *("name", "description", "timing", "timezone", "task", "queue", "paused", "next_run_at"),
        *("last_run_at", "last_outcome", "last_job", "delay", "catch_up", "overlap", "source"),
        *("problem", "carries", "ticks"),
    )

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return the schedules in order of their names, a page at a time."""
        size, after = self.list_per_page, request.GET.get(AFTER)
        rows = client_for(request).schedule_status(after=after, limit=size + 1)
        return _page(rows, size, AFTER, "name")

    def row(self, request: Any, key: str) -> Any:
        """Look up a schedule."""
        return _first(client_for(request).schedule_status(key))

    @display(description="last job")
    def last_job(self, schedule: Any) -> Any:
        """Show the job of the last tick that made one."""
        if schedule.last_job_id is None:
            return "-"
        place = self.page_of(schedule.request, Job, schedule.last_job_id)
        return drawn.link(place, schedule.last_job_id)

    @display(description="late")
    def delay(self, schedule: Any) -> str:
        """Show how late the next tick is."""
        return drawn.length(schedule.late)

    @display(description="job")
    def carries(self, schedule: Any) -> Any:
        """Show the job that it enqueues."""
        text = json.dumps(schedule.job, ensure_ascii=False, default=str)
        return drawn.document(text, task=schedule.task or "")

    @display(description="last ticks")
    def ticks(self, schedule: Any) -> Any:
        """Show what became of the last ticks."""
        found = client_for(schedule.request).schedule_history(schedule.pk, limit=20)
        rows = [
            (drawn.moment(each.run_at), each.outcome, each.job_id or "-", each.job_state or "-")
            for each in found
        ]
        return drawn.table(("tick", "outcome", "job", "state"), rows) if rows else "-"


class SemaphoreAdmin(FunctionAdmin):
    """Semaphores in use or configured."""

    verbs: ClassVar = verbs.SEMAPHORES
    list_display = (
        *("concurrency_key", "max_slots", "used_slots", "holders", "waiters", "configured"),
        "next_expiry_at",
    )
    fields = list_display
    search_fields = ("concurrency_key",)
    search_help_text = "A whole key"

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return semaphores in order of their keys, a page at a time, or the one of a key."""
        size, client = self.list_per_page, client_for(request)
        if changelist.query:
            found = client.list_semaphores(changelist.query)
            return Page(found, len(found))
        rows = client.list_semaphores(after_key=request.GET.get(AFTER), page_size=size + 1)
        return _page(rows, size, AFTER, "concurrency_key")

    def row(self, request: Any, key: str) -> Any:
        """Look up a semaphore."""
        return _first(client_for(request).list_semaphores(key))


class BatchAdmin(FunctionAdmin):
    """Batches of jobs, the newest first."""

    list_display = (
        *("id", "description", "status", "live", "succeeded", "not_succeeded", "created_at"),
        *("closed_at", "finished_at"),
    )
    fields = list_display

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return the newest batches, or those before an id."""
        size = self.list_per_page
        rows = client_for(request).list_batches(_id_in(request, BEFORE), size + 1)
        return _page(rows, size, BEFORE, "id")

    def row(self, request: Any, key: str) -> Any:
        """Look up a batch."""
        found = client_for(request).list_batches(int(key) + 1, 1)
        return found[0] if found and found[0].id == int(key) else None

    def as_object(self, request: Any, row: Any) -> Any:
        """Return the model's object; what did not succeed is one number there."""
        made = super().as_object(request, row)
        made.not_succeeded = row.failed + row.cancelled + row.expired
        return made

    @display(description="succeeded")
    def succeeded(self, batch: Any) -> Any:
        """Show how many jobs succeeded."""
        return batch.row.succeeded


class BulkOperationAdmin(FunctionAdmin):
    """What is done to all jobs that match, the newest first."""

    verbs: ClassVar = verbs.OPERATIONS
    list_display = (*("id", "action", "status", "jobs", "share", "who", "created_at", "starts_at"),)
    fields = (*list_display, "begun_at", "about", "became")

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return the newest operations, or those before an id."""
        size, before = self.list_per_page, _id_in(request, BEFORE)
        rows = client_for(request).bulk_status(before_id=before, max_operations=size + 1)
        return _page(rows, size, BEFORE, "id")

    def row(self, request: Any, key: str) -> Any:
        """Look up an operation."""
        return _first(client_for(request).bulk_status(int(key)))

    @display(description="status")
    def status(self, operation: Any) -> str:
        """Show whether it waits, runs or has ended, and how."""
        return str(operation.row.status)

    @display(description="progress")
    def share(self, operation: Any) -> str:
        """Show how far it is."""
        return f"{100 * operation.row.progress:.0f} %"

    @display(description="by")
    def who(self, operation: Any) -> str:
        """Show who began it."""
        return str(operation.actor or operation.login)

    @display(description="jobs that match")
    def about(self, operation: Any) -> Any:
        """Show its filters."""
        return drawn.document(json.dumps(operation.row.filters, ensure_ascii=False, default=str))

    @display(description="outcomes")
    def became(self, operation: Any) -> str:
        """Show what became of the jobs."""
        return ", ".join(f"{count:,} {each}" for each, count in operation.outcomes.items()) or "-"


def _page(rows: Sequence[Any], size: int, turn: str, key: str) -> Page:
    """Return a page of rows that were asked for one more, to know whether others follow."""
    kept = rows[:size]
    goes_on = len(rows) > size
    more = {turn: getattr(kept[-1], key)} if goes_on else None
    return Page(kept, len(kept), not goes_on, more)
