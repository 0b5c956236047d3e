"""Every SQL function as a Python function of the same name, with its arguments in their order.

Here are those that enqueue, run and look after jobs; the other modules of this
package hold the others.

Each returns a Call and does no I/O; the methods of Client and AsyncClient send it. None means the
schema's default. A duration is a timedelta, a number of seconds, or text such as "5 minutes".
"""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, TypeVar, Unpack, overload

from pgq.calls.binding import sql_function
from pgq.calls.call import Argument, Call, argument, call_function, row_or_none, rows_as, value
from pgq.calls.publishing import published
from pgq.errors import InvalidArgument, InvalidJob
from pgq.flows import jobs_text, listed
from pgq.jobs import NewJob, parent_ids
from pgq.lib.checks import check_integer, shown
from pgq.options import (
    OPTIONS,
    Args,
    InOrder,
    JobOptions,
    Keeping,
    OnConflict,
    OnParentFailure,
    OnSemaphore,
    UniqueBy,
    UniqueWhile,
)
from pgq.reports import IdleTurn
from pgq.rows import (
    ClaimedJob,
    Created,
    Order,
    Outcome,
    Promotion,
    Result,
    Settled,
    Step,
    WorkerBeside,
)
from pgq.tasks import AnyTask, AsyncTaskOf, Task, TaskOf
from pgq.values import Backoff, Duration

T = TypeVar("T")


@overload
def enqueue(
    task: str | AnyTask | NewJob,
    args: Args | None = None,
    *,
    on_conflict: Keeping | None = None,
    **options: Unpack[JobOptions],
) -> Call[int]: ...


@overload
def enqueue(
    task: str | AnyTask | NewJob,
    args: Args | None = None,
    *,
    on_conflict: OnConflict | None,
    **options: Unpack[JobOptions],
) -> Call[int | None]: ...


def enqueue(
    task: str | AnyTask | NewJob,
    args: Args | None = None,
    queue: str | None = None,
    priority: int | None = None,
    run_at: datetime | None = None,
    delay: Duration | None = None,
    max_attempts: int | None = None,
    backoff: Backoff | None = None,
    timeout: Duration | None = None,
    expires_in: Duration | None = None,
    unique_key: str | None = None,
    on_conflict: OnConflict | None = None,
    headers: Mapping[str, Any] | None = None,
    concurrency_key: str | None = None,
    concurrency_limit: int | None = None,
    concurrency_duration: Duration | None = None,
    concurrency_weight: int | None = None,
    concurrency_on_conflict: OnSemaphore | None = None,
    depends_on: Sequence[int] | None = None,
    on_parent_failure: OnParentFailure | None = None,
    partition_key: str | None = None,
    unique_while: UniqueWhile | None = None,
    unique_for: Duration | None = None,
    batch_id: int | None = None,
    declared: Sequence[str] | None = None,
    unique_by: UniqueBy | None = None,
    max_wait: Duration | None = None,
    concurrency_order: InOrder | None = None,
) -> Call[int | None]:
    """Add a job to a queue and return its id; with a unique_key that is taken, its owner's id.

    A Task or a NewJob brings its own options; those given here go before them. What a task says and
    `declared` names yields to configure_task. Lower priorities
    run first. `timeout` limits one attempt; not started within `expires_in`, the job expires.
    Raises InvalidJob, and UniqueKeyTaken with on_conflict "raise". Only with on_conflict "discard"
    the answer may be None: nothing was enqueued. The answer's type knows what is said here, and
    not what a Task or a NewJob brings.
    """
    return published([_new_job(**locals())], _enqueue)


def _enqueue(jobs: Sequence[NewJob]) -> Call[int | None]:
    (job,) = jobs
    given = dict(vars(job))
    if given.get("depends_on") is not None:
        given["depends_on"] = parent_ids(given["depends_on"])
    try:
        arguments = {
            option.name: argument(option, given[option.name])
            for option in OPTIONS
            if option.name in given and option.name != "ref"
        }
        call: Call[int | None] = call_function("enqueue", value, True, **arguments)
    except InvalidArgument as error:
        raise InvalidJob(error.message, error.hint) from None
    return replace(call, repeats=True) if _repeats(job) else call


def _repeats(job: NewJob) -> bool:
    """Return whether a second enqueue answers the job of the first, while that has the key."""
    given = vars(job)
    has_key = given.get("unique_key") is not None or given.get("unique_by") is not None
    return has_key and given.get("on_conflict") in (None, "return")


def _new_job(task: str | AnyTask | NewJob, **options: Any) -> NewJob:
    if isinstance(task, Task):
        return task.with_args(options.pop("args"), **options)
    if isinstance(task, str):
        return NewJob(task, **{key: given for key, given in options.items() if given is not None})
    if not isinstance(task, NewJob):
        raise InvalidJob(f"{shown(task)} is no task", "Pass a task, its name, or a NewJob.")
    return task.changed(**options)


def enqueue_many(jobs: Iterable[NewJob]) -> Call[list[Created]]:
    """Add jobs, all or none; answer id and created for each, in their order.

    One call, whatever the number. A job may depend on others of the call that come before it; see
    NewJob.after and pgq.flow. Raises InvalidJob for the first job that cannot be enqueued.
    """
    return published(listed(jobs), _enqueue_many)


def _enqueue_many(jobs: Sequence[NewJob]) -> Call[list[Created]]:
    return call_function("enqueue_many", rows_as(Created), jobs=Argument("text", jobs_text(jobs)))


def check_task(task: AnyTask | None) -> None:
    """Refuse what is no task where one only says of what type a result is."""
    if task is not None and not isinstance(task, Task):
        raise InvalidArgument(f"task: {shown(task)} is no task", "Pass the task, or leave it out.")


@overload
def result(job_id: int, task: AsyncTaskOf[T]) -> Call[Result[T | None] | None]: ...


@overload
def result(job_id: int, task: TaskOf[T]) -> Call[Result[T | None] | None]: ...


@overload
def result(job_id: int, task: None = None) -> Call[Result[Any] | None]: ...


def result(job_id: int, task: AnyTask | None = None) -> Call[Result[Any] | None]:
    """Say how a job stands and what came of it; None for an unknown or pruned job.

    The task, if given, only tells a type checker what the result is: nothing looks whether the job
    is one of it.
    """
    check_task(task)
    wanted = Argument("bigint", check_integer(job_id, "job_id"))
    return call_function("result", row_or_none(Result), job_id=wanted)


@sql_function
def register_worker(
    name: str,
    queues: Sequence[str],
    tasks: Sequence[str] | None = None,
    concurrency: int | None = None,
    lease: Duration | None = None,
    host: str | None = None,
    pid: int | None = None,
    version: str | None = None,
    backend_pid: int | None = None,
    protocol: int | None = None,
    clock: datetime | None = None,
    pid_space: str | None = None,
) -> Call[int]:
    """Announce a worker and return its id, which claims and heartbeats then carry.

    Silent for longer than `lease`, it is given up and its jobs run elsewhere. `clock` is what time
    it is on this machine, for health(), and `pid_space` where `pid` names a process. Raises
    UnsupportedClient where the schema does not speak `protocol` (default 1).
    """


@sql_function
def workers_beside(worker_id: int) -> Call[list[WorkerBeside]]:
    """Return the other workers whose processes a worker can see: those with its `pid_space`."""


@sql_function
def deregister_worker(worker_id: int, begun_claim_ids: Iterable[int] | None = None) -> Call[int]:
    """Sign a worker off; return how many jobs it still held, which count as failed.

    begun_claim_ids: the claims whose jobs have begun; those of others are handed back.
    """


@sql_function
def heartbeat(
    worker_id: int,
    ids: Iterable[int] | None = None,
    claim_ids: Iterable[int] | None = None,
    backend_pid: int | None = None,
) -> Call[list[Order]]:
    """Say that a worker lives and holds these claims; answer with orders, none when all is well."""


@sql_function
def idle_turn(
    worker_id: int,
    queues: Sequence[str] | None = None,
    batch_size: int | None = None,
    tasks: Sequence[str] | None = None,
    backend_pid: int | None = None,
    lives: bool | None = None,
    fires: bool | None = None,
    maintains: bool | None = None,
    shares: Iterable[int] | None = None,
) -> Call[list[IdleTurn]]:
    """Do and ask all that an idle worker must: live, fire, promote, claim, and maintain.

    Answers one row for each claimed job, or one without a job. Without queues it claims nothing.
    Raises WorkerNotRegistered.
    """


@sql_function
def claim_batch(
    queues: Sequence[str],
    worker_id: int | None = None,
    batch_size: int | None = None,
    tasks: Sequence[str] | None = None,
    shares: Iterable[int] | None = None,
) -> Call[list[ClaimedJob]]:
    """Claim up to batch_size ready jobs (default 1), by queue in the order given, then best first.

    Queues are exact names, "prefix*" or "*". With `shares`, a number for each of them, their order
    is drawn anew, so that each comes first as often as its share says. Jobs of other tasks than
    `tasks` stay where they are. Raises WorkerNotRegistered.
    """


@sql_function
def complete_batch(
    ids: Iterable[int],
    claim_ids: Iterable[int],
    results: Iterable[Any] | None = None,
) -> Call[list[Outcome]]:
    """End claimed jobs as succeeded, with their results; answer ok, already or lost per job.

    A job that is lost is not held any more, and nothing of it was changed. Raises InvalidJob where
    a result is not JSON.
    """


@sql_function
def fail_batch(
    ids: Iterable[int],
    claim_ids: Iterable[int],
    messages: Sequence[str | None] | None = None,
    error_types: Sequence[str | None] | None = None,
    tracebacks: Sequence[str | None] | None = None,
    final: Sequence[bool | None] | None = None,
    retry_in: Sequence[Duration | None] | None = None,
    cancel: Sequence[bool | None] | None = None,
    fingerprints: Sequence[str | None] | None = None,
) -> Call[list[Settled]]:
    """End an attempt of claimed jobs as failed: retried with their backoff, final, or cancelled.

    A fingerprint says which errors are alike, in place of what is made of the error's words.
    Answers like complete_batch, or cancelled for a job that somebody asked to cancel.
    """


@sql_function
def snooze_batch(
    ids: Iterable[int], claim_ids: Iterable[int], delays: Iterable[Duration]
) -> Call[list[Settled]]:
    """Put claimed jobs off by a delay each, without counting the attempt.

    Answers like fail_batch.
    """


@sql_function
def release_batch(ids: Iterable[int], claim_ids: Iterable[int]) -> Call[list[Settled]]:
    """Hand claimed jobs back at once, without counting the attempt; answer like fail_batch."""


@sql_function
def release_unanswered(worker_id: int, claim_ids: Iterable[int]) -> Call[int]:
    """Hand back what a worker holds under other claims than these; return how many jobs.

    For a worker that did not get the answer to a claim, and sends no other one meanwhile.
    """


@sql_function
def set_progress(job_id: int, claim_id: int, progress: Any) -> Call[Literal["ok", "lost"]]:
    """Note how far a claimed job has come, for people who watch it; None is JSON's null."""


@sql_function
def promote_due(batch_size: int | None = None) -> Call[Promotion]:
    """Make up to batch_size due jobs ready (default 1000); say when the next is due."""


@sql_function
def rescue_lost_workers(batch_size: int | None = None) -> Call[int]:
    """Give up workers that are dead, and run their jobs elsewhere; answer how many jobs."""


@sql_function
def maintain() -> Call[list[Step]]:
    """Do what is due of the housekeeping, a bounded amount of it, and say what was done."""


@sql_function
def version() -> Call[str]:
    """Say the version of the installed schema."""
