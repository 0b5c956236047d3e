"""Every SQL function as a Python function of the same name, with its arguments in their order.

Each returns a Call and does no I/O; the methods of Client and AsyncClient send it. None means the
schema's default. A duration is a timedelta, a number of seconds, or text such as "5 minutes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pgq import _call
from pgq._call import (
    Call,
    bigint,
    bigints,
    boolean,
    call_function,
    interval,
    intervals,
    text,
    texts,
)
from pgq._values import Backoff, Duration, JsonText, backoff_text
from pgq.job import (
    Args,
    ClaimedJob,
    Created,
    NewJob,
    OnConflict,
    Order,
    Outcome,
    Promotion,
    Result,
    Settled,
    Step,
    Violation,
    jobs_text,
)
from pgq.tasks import AnyTask


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
) -> Call[int]:
    """Add a job to a queue and return its id; with a unique_key that is taken, its owner's id.

    A Task or a NewJob brings its own options; those given here go before them. Lower priorities
    run first. `timeout` limits one attempt; not started within `expires_in`, the job expires.
    Raises InvalidJob, and UniqueKeyTaken with on_conflict "raise".
    """
    job = _new_job(task).changed(
        args=args, queue=queue, priority=priority, run_at=run_at, delay=delay,
        max_attempts=max_attempts, backoff=backoff, timeout=timeout, expires_in=expires_in,
        unique_key=unique_key, on_conflict=on_conflict, headers=headers,
    )  # fmt: skip
    return call_function(
        "enqueue",
        _call.value,
        task=text(job.task),
        args=_call.json(job.args, "args"),
        queue=text(job.queue),
        priority=bigint(job.priority),
        run_at=_call.timestamptz(job.run_at, "run_at"),
        delay=interval(job.delay),
        max_attempts=bigint(job.max_attempts),
        backoff=None if job.backoff is None else text(backoff_text(job.backoff)),
        timeout=interval(job.timeout),
        expires_in=interval(job.expires_in),
        unique_key=text(job.unique_key),
        on_conflict=text(job.on_conflict),
        headers=_call.json(job.headers, "headers"),
    )


def _new_job(task: str | AnyTask | NewJob) -> NewJob:
    if isinstance(task, str):
        return NewJob(task)
    return task if isinstance(task, NewJob) else task.defaults


def enqueue_many(jobs: Iterable[NewJob]) -> Call[list[Created]]:
    """Add jobs, all or none; answer id and created for each, in their order.

    One call, whatever the number. Raises InvalidJob for the first job that cannot be enqueued.
    """
    return call_function("enqueue_many", _call.rows_as(Created), jobs=text(jobs_text(list(jobs))))


def result(job_id: int) -> Call[Result | None]:
    """Say how a job stands and what came of it; None for an unknown or pruned job."""
    return call_function("result", _call.row_or_none(Result), job_id=bigint(job_id))


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
) -> Call[int]:
    """Announce a worker and return its id, which claims and heartbeats then carry.

    Silent for longer than `lease`, it is given up and its jobs run elsewhere.
    """
    return call_function(
        "register_worker",
        _call.value,
        name=text(name),
        queues=texts(queues),
        tasks=texts(tasks),
        concurrency=bigint(concurrency),
        lease=interval(lease),
        host=text(host),
        pid=bigint(pid),
        version=text(version),
        backend_pid=bigint(backend_pid),
    )


def deregister_worker(worker_id: int) -> Call[int]:
    """Let a worker leave; answer how many claims it still held, which count as failed attempts."""
    return call_function("deregister_worker", _call.value, worker_id=bigint(worker_id))


def heartbeat(
    worker_id: int,
    ids: Iterable[int] | None = None,
    claim_ids: Iterable[int] | None = None,
    backend_pid: int | None = None,
) -> Call[list[Order]]:
    """Say that a worker lives and holds these claims; answer with orders, none when all is well."""
    return call_function(
        "heartbeat",
        _call.rows_as(Order),
        worker_id=bigint(worker_id),
        ids=bigints(ids),
        claim_ids=bigints(claim_ids),
        backend_pid=bigint(backend_pid),
    )


def claim_batch(
    queues: Sequence[str],
    worker_id: int | None = None,
    batch_size: int | None = None,
    tasks: Sequence[str] | None = None,
) -> Call[list[ClaimedJob]]:
    """Claim up to batch_size ready jobs (default 1), by queue in the order given, then best first.

    Queues are exact names, "prefix*" or "*". Jobs of other tasks than `tasks` stay where they are.
    Raises WorkerNotRegistered.
    """
    return call_function(
        "claim_batch",
        _call.rows_as(ClaimedJob),
        queues=texts(queues),
        worker_id=bigint(worker_id),
        batch_size=bigint(batch_size),
        tasks=texts(tasks),
    )


def complete_batch(
    ids: Iterable[int],
    claim_ids: Iterable[int],
    results: Iterable[Any] | None = None,
) -> Call[list[Outcome]]:
    """End claimed jobs as succeeded, with their results; answer ok, already or lost per job.

    A job that is lost is not held any more, and nothing of it was changed. Raises InvalidJob where
    a result is not JSON.
    """
    return call_function(
        "complete_batch",
        _call.rows_as(Outcome),
        ids=bigints(ids),
        claim_ids=bigints(claim_ids),
        results=_call.jsons(results, "result"),
    )


def fail_batch(
    ids: Iterable[int],
    claim_ids: Iterable[int],
    messages: Sequence[str | None] | None = None,
    error_types: Sequence[str | None] | None = None,
    tracebacks: Sequence[str | None] | None = None,
    final: Sequence[bool | None] | None = None,
    retry_in: Sequence[Duration | None] | None = None,
    cancel: Sequence[bool | None] | None = None,
) -> Call[list[Settled]]:
    """End an attempt of claimed jobs as failed: retried with their backoff, final, or cancelled.

    Answers like complete_batch, or cancelled for a job that somebody asked to cancel.
    """
    return call_function(
        "fail_batch",
        _call.rows_as(Settled),
        ids=bigints(ids),
        claim_ids=bigints(claim_ids),
        messages=texts(messages),
        error_types=texts(error_types),
        tracebacks=texts(tracebacks),
        final=_call.booleans(final),
        retry_in=intervals(retry_in),
        cancel=_call.booleans(cancel),
    )


def snooze_batch(
    ids: Iterable[int], claim_ids: Iterable[int], delays: Iterable[Duration]
) -> Call[list[Settled]]:
    """Put claimed jobs off by a delay each, without counting the attempt.

    Answers like fail_batch.
    """
    return call_function(
        "snooze_batch",
        _call.rows_as(Settled),
        ids=bigints(ids),
        claim_ids=bigints(claim_ids),
        delays=intervals(delays),
    )


def release_batch(ids: Iterable[int], claim_ids: Iterable[int]) -> Call[list[Settled]]:
    """Hand claimed jobs back at once, without counting the attempt; answer like fail_batch."""
    return call_function(
        "release_batch", _call.rows_as(Settled), ids=bigints(ids), claim_ids=bigints(claim_ids)
    )


def set_progress(job_id: int, claim_id: int, progress: Any) -> Call[Literal["ok", "lost"]]:
    """Note how far a claimed job has come, for people who watch it; None is JSON's null."""
    noted = JsonText("null") if progress is None else progress
    return call_function(
        "set_progress",
        _call.value,
        job_id=bigint(job_id),
        claim_id=bigint(claim_id),
        progress=_call.json(noted, "progress"),
    )


def promote_due(batch_size: int | None = None) -> Call[Promotion]:
    """Make up to batch_size due jobs ready (default 1000); say when the next is due."""
    return call_function(
        "promote_due",
        _call.row_as(Promotion),
        columns="promoted, next_due_at, next_due_at - clock_timestamp()",
        batch_size=bigint(batch_size),
    )


def rescue_lost_workers(batch_size: int | None = None) -> Call[int]:
    """Give up workers that are dead, and run their jobs elsewhere; answer how many jobs."""
    return call_function("rescue_lost_workers", _call.value, batch_size=bigint(batch_size))


def maintain() -> Call[list[Step]]:
    """Do what is due of the housekeeping, a bounded amount of it, and say what was done."""
    return call_function("maintain", _call.rows_as(Step))


def cancel(ids: Iterable[int]) -> Call[list[Outcome]]:
    """Cancel jobs: a waiting one at once, a running one by asking its worker.

    Answers cancelled, requested, finished, busy or not_found per job.
    """
    return call_function("cancel", _call.rows_as(Outcome), ids=bigints(ids))


def retry(ids: Iterable[int], at: datetime | None = None) -> Call[list[Outcome]]:
    """Run failed, cancelled or expired jobs again, or waiting ones sooner: at a time, or now.

    Answers retried, running, succeeded, duplicate, busy or not_found per job.
    """
    return call_function(
        "retry", _call.rows_as(Outcome), ids=bigints(ids), at=_call.timestamptz(at, "at")
    )


def discard(ids: Iterable[int]) -> Call[list[Outcome]]:
    """Delete jobs for good, waiting or finished.

    Answers discarded, running, busy or not_found per job.
    """
    return call_function("discard", _call.rows_as(Outcome), ids=bigints(ids))


def pause_queue(queue: str, duration: Duration | None = None) -> Call[None]:
    """Stop claims from a queue, for a while or until resume_queue."""
    return call_function(
        "pause_queue", _call.nothing, queue=text(queue), duration=interval(duration)
    )


def resume_queue(queue: str) -> Call[bool]:
    """Let claims from a paused queue go on; answer whether it was paused."""
    return call_function("resume_queue", _call.value, queue=text(queue))


def configure_queue(queue: str, backoff: Backoff | None = None) -> Call[None]:
    """Change options of one queue; None leaves one as it is, "default" takes it back.

    `backoff` is for its jobs that have none of their own.
    """
    return call_function(
        "configure_queue",
        _call.nothing,
        queue=text(queue),
        backoff=None if backoff is None else text(backoff_text(backoff)),
    )


def clear_queue(
    queue: str, include_scheduled: bool | None = None, max_jobs: int | None = None
) -> Call[int]:
    """Delete the ready jobs of a queue (and scheduled ones on request) for good; say how many."""
    return call_function(
        "clear_queue",
        _call.value,
        queue=text(queue),
        include_scheduled=boolean(include_scheduled),
        max_jobs=bigint(max_jobs),
    )


def order_worker(worker_id: int, instruction: Literal["pause", "resume", "stop"]) -> Call[bool]:
    """Tell a worker to pause, resume or stop; answer false when there is no such worker."""
    return call_function(
        "order_worker", _call.value, worker_id=bigint(worker_id), instruction=text(instruction)
    )


def configure(
    max_args_bytes: int | None = None,
    keep_history_for: Duration | None = None,
    notify: bool | None = None,
) -> Call[None]:
    """Change settings of the whole queue system; None leaves one as it is."""
    return call_function(
        "configure",
        _call.nothing,
        max_args_bytes=bigint(max_args_bytes),
        keep_history_for=interval(keep_history_for),
        notify=boolean(notify),
    )


def prune(older_than: Duration | None = None) -> Call[int]:
    """Drop the history of whole days that ended longer ago; answer how many partitions."""
    return call_function("prune", _call.value, older_than=interval(older_than))


def verify() -> Call[list[Violation]]:
    """Check every invariant that no constraint can hold; empty when all is well."""
    return call_function("verify", _call.rows_as(Violation))


def version() -> Call[str]:
    """Say the version of the installed schema."""
    return call_function("version", _call.value)
