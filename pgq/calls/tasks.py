"""The SQL functions about the defaults of tasks; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.options import InOrder, OnConflict, OnSemaphore, UniqueBy, UniqueWhile
from pgq.task_rows import TaskChange, TaskOption
from pgq.tasks import AnyTask
from pgq.values import Backoff, Duration


@sql_function
def configure_task(
    task: str,
    queue: str | None = None,
    priority: int | None = None,
    max_attempts: int | None = None,
    backoff: Backoff | None = None,
    timeout: Duration | None = None,
    expires_in: Duration | None = None,
    unique_key: str | None = None,
    on_conflict: OnConflict | None = None,
    concurrency_key: str | None = None,
    concurrency_limit: int | None = None,
    concurrency_duration: Duration | None = None,
    concurrency_weight: int | None = None,
    concurrency_on_conflict: OnSemaphore | None = None,
    partition_key: str | None = None,
    unique_while: UniqueWhile | None = None,
    unique_for: Duration | None = None,
    unique_by: UniqueBy | None = None,
    concurrency_order: InOrder | None = None,
    on_exhausted: str | None = None,
    reset: Iterable[str] | None = None,
) -> Call[None]:
    """Say what a task's jobs get where their enqueue says nothing; None leaves an option as it is.

    It goes before what the task's code says. Keys are templates over args: "account:{account_id}".
    `on_exhausted` names the task of the job to enqueue when a job of this one ends as failed.
    `reset` takes back what was set before, by names of options or "all".
    """


@sql_function
def sync_tasks(source: str, tasks: Iterable[AnyTask]) -> Call[list[TaskChange]]:
    """Tell the database what the code of a program says of its tasks; say what became of each.

    What operators set with configure_task stays, and goes before it: see `hidden`. A wrong task is
    refused, the others are not. Workers call it when they start.
    """


@sql_function
def forget_task(task: str) -> Call[bool]:
    """Remove a task with all its defaults; answer false if there is none.

    A task that workers declare comes back with the next worker, without what operators set.
    """


@sql_function
def task_options(task: str) -> Call[list[TaskOption]]:
    """Say of every option what a task's jobs get where their enqueue says nothing, and why."""
