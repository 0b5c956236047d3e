"""The SQL functions about several jobs at once: batches, parents, and waiting for the end.

The rest of `calls`, and written like it.
"""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeVar, overload

from pgq.calls.binding import sql_function
from pgq.calls.call import Argument, Call, call_function, rows_as
from pgq.calls.jobs import check_task
from pgq.jobs import NewJob
from pgq.lib.checks import as_ids
from pgq.options import OnParentFailure
from pgq.reports import FlowNode
from pgq.rows import BatchProgress, JobResult, ParentResult
from pgq.tasks import AnyTask, AsyncTaskOf, TaskOf
from pgq.values import Duration

T = TypeVar("T")


@sql_function
def create_batch(
    on_success: NewJob | None = None,
    on_finish: NewJob | None = None,
    on_failure: NewJob | None = None,
    description: str | None = None,
) -> Call[int]:
    """Make a batch and return its id, which jobs then carry as batch_id.

    When it is closed and its last job has ended, `on_finish` is enqueued, once, and `on_success`
    if every job succeeded, else `on_failure`. Their headers get "batch": {"id", "succeeded"}.
    """


@sql_function
def close_batch(batch_id: int) -> Call[bool]:
    """Say that nothing more comes to a batch but from its own jobs; answer whether it was open.

    Raises InvalidArgument for an unknown batch.
    """


@sql_function
def batch_progress(batch_id: int) -> Call[BatchProgress | None]:
    """Say how far a batch is; None for an unknown one."""


@sql_function
def parent_results(job_id: int) -> Call[list[ParentResult]]:
    """Say what came of the jobs that a job depends on, in the order in which it names them."""


@sql_function
def continue_after(
    job_id: int,
    claim_id: int,
    jobs: Iterable[NewJob],
    on_parent_failure: OnParentFailure | None = None,
) -> Call[Literal["ok", "already", "lost", "cancelled"]]:
    """Enqueue jobs, and let a claimed job wait until they have ended; then it runs again.

    They become its parents, in its batch. They have no unique key and wait for no other job. Where
    one of them does not succeed, `on_parent_failure` decides, by default the job's own.
    """


@overload
def results(ids: Iterable[int] | int, task: AsyncTaskOf[T]) -> Call[list[JobResult[T | None]]]: ...


@overload
def results(ids: Iterable[int] | int, task: TaskOf[T]) -> Call[list[JobResult[T | None]]]: ...


@overload
def results(ids: Iterable[int] | int, task: None = None) -> Call[list[JobResult[Any]]]: ...


def results(ids: Iterable[int] | int, task: AnyTask | None = None) -> Call[list[JobResult[Any]]]:
    """Say how jobs stand and what came of them, one answer per id, in their order.

    The task, if given, only tells a type checker what the results are, as in `result`.
    """
    check_task(task)
    return call_function("results", rows_as(JobResult), ids=Argument("bigint[]", as_ids(ids)))


@sql_function
def await_jobs(ids: Iterable[int] | int, timeout: Duration | None = None) -> Call[int]:
    """Ask for a notification at the end of each of these jobs; answer how many of them live.

    It comes on the channel "pgq_ended" with the job's id, within the timeout (default 10 minutes),
    and is a hint: listen first, send this in a transaction of its own, and look at `results` now
    and again. `Client.wait` does all of that.
    """


@sql_function
def await_batch(batch_id: int, timeout: Duration | None = None) -> Call[bool]:
    """Ask for a notification when a batch finishes; answer whether it is still to finish.

    As await_jobs, with the payload "batch ID". `Client.wait_batch` does all of it.
    """


@sql_function
def flow_graph(job_id: int, max_nodes: int | None = None) -> Call[list[FlowNode]]:
    """Look up the jobs that are tied to one by way of parents and children, in the order of ids.

    Where they are more than `max_nodes` (default and most: 200), equal siblings are one node, and
    the nearest are shown; `more` says where something is not. Empty for an unknown job.
    """
