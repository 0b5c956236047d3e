"""What limits jobs: queues, semaphores, and who owns a unique key."""

from __future__ import annotations

from typing import Final

from pgq.client.clients import Client
from pgq.contrib.web.page import Page, View, Visit
from pgq.rows import KeyOwner, QueueLimits, SemaphoreStatus

SHOWN: Final = 200


def limits(visit: Visit) -> View:
    """Show limits and what is left of them; of a unique key that is asked for, its owner."""
    key = visit.arg("unique_key")
    return View(
        "Limits",
        "limits.html",
        queues=lambda: _queues(visit),
        semaphores=lambda: _semaphores(visit),
        unique_key=key,
        owner=(lambda: _owner(visit, key)) if key else None,
        shown=SHOWN,
    )


def _queues(visit: Visit) -> list[QueueLimits]:
    return [row for row in visit.ask(Client.queue_limits) if visit.access.reaches(row.queue)]


def _semaphores(visit: Visit) -> list[SemaphoreStatus]:
    """Return semaphores, those first that jobs wait for; they belong to no single queue."""
    if visit.access.queues is not None:
        return []
    found = visit.ask(Client.semaphore_status, SHOWN)
    return sorted(found, key=lambda row: (-row.waiters, -row.used_slots, row.concurrency_key))


def _owner(visit: Visit, key: str) -> KeyOwner | None:
    owner = visit.ask(Client.unique_key_owner, key)
    if owner is None or visit.access.queues is None:
        return owner
    job = visit.ask(Client.job, owner.job_id)
    return owner if job is not None and visit.access.reaches(job.queue) else None


PAGES: Final = (Page("limits", "/limits", limits, nav="Limits", order=80, key="l"),)
