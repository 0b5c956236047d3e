"""One thing, or a page of its kind: the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.job_rows import JobAttempt, JobContent, Obstacle
from pgq.reports import ListedBatch, PastWorker
from pgq.rows import SemaphoreStatus


@sql_function
def job_attempts(job_id: int) -> Call[list[JobAttempt]]:
    """Return a job's attempts, oldest first: the last ten that failed, and the one that did not."""


@sql_function
def job_content(job_id: int, max_chars: int | None = None) -> Call[list[JobContent]]:
    """Return what a job carries as text, each part cut after max_chars (default 4,096).

    The text is JSON as the database has it: numbers are exact, however long.
    """


@sql_function
def why_waiting(job_id: int) -> Call[list[Obstacle]]:
    """Say in words why a job does not run now; nothing where it runs or has ended."""


@sql_function
def list_past_workers(
    of_name: str | None = None, before_id: int | None = None, page_size: int | None = None
) -> Call[list[PastWorker]]:
    """Return workers that have left, the newest first (default 50), those before an id."""


@sql_function
def list_semaphores(
    of_key: str | None = None, after_key: str | None = None, page_size: int | None = None
) -> Call[list[SemaphoreStatus]]:
    """Return semaphores in the order of their keys (default 50), those after a key, or that one.

    `waiters` are counted up to 1,000. It costs the same however many semaphores there are.
    """


@sql_function
def list_batches(
    before_id: int | None = None, page_size: int | None = None
) -> Call[list[ListedBatch]]:
    """Return batches, the newest first (default 50), those before an id.

    The jobs of each state are counted up to 1,000; batch_progress counts all.
    """
