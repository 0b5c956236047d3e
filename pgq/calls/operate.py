"""The SQL functions for operators; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.job_rows import Redriven
from pgq.orders import Instruction
from pgq.reports import AuditEntry, JobCount
from pgq.rows import KeyOwner, Outcome, State, Violation
from pgq.task_rows import Prunable
from pgq.values import Backoff, Duration


@sql_function
def cancel(ids: Iterable[int] | int) -> Call[list[Outcome]]:
    """Cancel jobs: a waiting one at once, a running one by asking its worker.

    Answers cancelled, requested, finished, busy or not_found per job.
    """


@sql_function
def is_cancelled(job_id: int) -> Call[bool]:
    """Say whether a job ended as cancelled, or its worker has been asked to cancel it."""


@sql_function
def retry(
    ids: Iterable[int] | int, at: datetime | None = None, states: Iterable[State] | None = None
) -> Call[list[Outcome]]:
    """Run failed, cancelled or expired jobs again, or waiting ones sooner: at a time, or now.

    With `states`, only those that are in one of these now. Answers retried, running, succeeded,
    duplicate, passed_over, busy or not_found per job.
    """


@sql_function
def redrive(ids: Iterable[int] | int) -> Call[list[Redriven]]:
    """Enqueue again the jobs that failed, by their dead letters (on_exhausted), and end these.

    The new job has all its attempts; the header redriven_from is the id of the one that failed.
    Answers redriven, running, finished, not_failed, duplicate, no_letter, busy or not_found.
    """


@sql_function
def discard(ids: Iterable[int] | int, states: Iterable[State] | None = None) -> Call[list[Outcome]]:
    """Delete jobs for good, waiting or finished; with `states`, only those in one of these now.

    Answers discarded, running, passed_over, busy or not_found per job.
    """


@sql_function
def run_now(ids: Iterable[int] | int) -> Call[list[Outcome]]:
    """Make scheduled jobs due now, retries among them; leave all others as they are.

    Answers promoted, waiting, running, finished, busy or not_found per job.
    """


@sql_function
def enqueue_again(
    job_id: int,
    queue: str | None = None,
    priority: int | None = None,
    run_at: datetime | None = None,
    delay: Duration | None = None,
    unique_key: str | None = None,
) -> Call[int]:
    """Enqueue a new job like one that is or was there, of any state, and return the new id.

    It runs the same and has the same semaphore; its time, parents, batch and unique key are not
    copied. Raises InvalidArgument for an unknown or pruned job.
    """


@sql_function
def reprioritise(ids: Iterable[int] | int, priority: int) -> Call[list[Outcome]]:
    """Give waiting jobs another priority; lower ones run first.

    Answers reprioritised, running, finished, busy or not_found per job.
    """


@sql_function
def count_jobs(
    queue: str, states: Iterable[State] | None = None, max_looked_at: int | None = None
) -> Call[list[JobCount]]:
    """Count the jobs of a queue by state, blocked ones by what they wait for.

    For most states it looks at up to max_looked_at jobs of all queues (default 1,000,000); `exact`
    says whether those were all.
    """


@sql_function
def pause_queue(
    queue: str, duration: Duration | None = None, partition_key: str | None = None
) -> Call[None]:
    """Stop claims from a queue, or of one partition key, for a while or until resume_queue."""


@sql_function
def resume_queue(queue: str, partition_key: str | None = None) -> Call[bool]:
    """Let claims from a paused queue, or of one key, go on; answer whether it was paused."""


@sql_function
def pause_task(task: str, duration: Duration | None = None) -> Call[None]:
    """Stop claims of a task's jobs in all queues, for a while or until resume_task."""


@sql_function
def resume_task(task: str) -> Call[bool]:
    """Let claims of a paused task's jobs go on; answer whether it was paused."""


@sql_function
def pause_semaphore(concurrency_key: str, duration: Duration | None = None) -> Call[None]:
    """Give no slot of a semaphore to anybody, for a while or until resume_semaphore.

    Jobs that hold slots keep them, ready ones too.
    """


@sql_function
def resume_semaphore(concurrency_key: str) -> Call[bool]:
    """Let the waiters of a paused semaphore have its slots; answer whether it was paused."""


@sql_function
def queue_latency(queue: str) -> Call[timedelta | None]:
    """Say how long the oldest ready job of a queue has waited, its pauses left out; None: none."""


@sql_function
def configure_queue(
    queue: str,
    backoff: Backoff | None = None,
    max_running: int | None = None,
    rate_limit: int | None = None,
    rate_interval: Duration | None = None,
    rate_burst: int | None = None,
    rate_per_key: bool | None = None,
    fair: bool | None = None,
) -> Call[None]:
    """Change options of one queue; None leaves one as it is.

    "default" takes back `backoff`, which is for jobs that have none of their own, and -1 a number.
    At most `max_running` jobs run at a time, over all workers; at most `rate_limit` are claimed
    per `rate_interval`, `rate_burst` at once. `fair` serves the partition keys in turn.
    """


@sql_function
def clear_queue(
    queue: str,
    include_scheduled: bool | None = None,
    max_jobs: int | None = None,
    include_blocked: bool | None = None,
) -> Call[int]:
    """Delete the ready and blocked jobs of a queue for good, up to max_jobs; say how many.

    At most, and by default, 100,000: call it again until it returns less. Scheduled ones too on
    request; blocked ones not with include_blocked=False.
    """


@sql_function
def order_worker(worker_id: int, instruction: Instruction) -> Call[bool]:
    """Tell a worker what to do; answer false when there is no such worker."""


@sql_function
def report_lost_worker(worker_id: int, reason: str | None = None) -> Call[int]:
    """Give up a worker that was seen to end; return how many runs of jobs that lost.

    They count as attempts, with the reason in the jobs' errors, as in "worker 7 (name) REASON".
    """


@sql_function
def configure(
    max_args_bytes: int | None = None,
    keep_history_for: Duration | None = None,
    notify: bool | None = None,
    statistics: str | None = None,
    strict_tasks: bool | None = None,
    strict_queues: bool | None = None,
) -> Call[None]:
    """Change settings of the whole queue system; None leaves one as it is.

    `statistics` is "on" or "off". With `strict_tasks` and `strict_queues` jobs with unknown names
    are refused (UnknownName).
    """


@sql_function
def configure_retention(
    queue: str | None = None,
    task: str | None = None,
    succeeded: Duration | None = None,
    failed: Duration | None = None,
    cancelled: Duration | None = None,
    results: Duration | None = None,
    schedule_history: Duration | None = None,
    reset: Iterable[str] | None = None,
) -> Call[None]:
    """Say how long finished jobs of a task, of a queue or of all are kept; None leaves an age.

    Ages are whole days; with `succeeded=0` a success leaves no row, only statistics. A task goes
    before its queue, and this before all. `cancelled` is also for expired jobs. `reset` takes ages
    back by their names, or "all": then keep_history_for counts.
    """


@sql_function
def prune(older_than: Duration | None = None) -> Call[int]:
    """Drop the history of whole days that ended longer ago; answer how many partitions."""


@sql_function
def prune_preview(older_than: Duration | None = None) -> Call[list[Prunable]]:
    """Say what `prune` drops with this age; without, what must go by the ages that are set.

    By day, queue and state, the oldest day first. Where a day is big, it is a sample's estimate.
    """


@sql_function
def verify() -> Call[list[Violation]]:
    """Check every invariant that no constraint can hold; empty when all is well."""


@sql_function
def configure_semaphore(concurrency_key: str, max_slots: int | None) -> Call[None]:
    """Set how many slots a semaphore has, whatever its jobs say; None: what they say, 0: stop.

    Jobs that hold slots above a lower limit keep them.
    """


@sql_function
def release_semaphore(concurrency_key: str) -> Call[int]:
    """Take all slots of a semaphore from the jobs that hold them, which go on; say how many jobs.

    For jobs that are known to be stuck: what the semaphore protects may now run twice.
    """


@sql_function
def unique_key_owner(unique_key: str) -> Call[KeyOwner | None]:
    """Say who owns a unique key, and until when at least; None: it is free."""


@sql_function
def release_unique_key(unique_key: str) -> Call[bool]:
    """Make a unique key free; its job goes on without. Answer whether it was taken."""


@sql_function
def audit_log(
    who: str | None = None,
    what: str | None = None,
    about: str | None = None,
    job_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    of_operation: int | None = None,
    before_id: int | None = None,
    page_size: int | None = None,
) -> Call[list[AuditEntry]]:
    """Return a page of what operators' calls changed, the newest first: those before `before_id`.

    `who` is a login or an actor; `what`, the function; `about`, the queue or other target.
    """


@sql_function
def start_cron(every: Duration | None = None) -> Call[int]:
    """Let pg_cron promote, fire schedules and maintain (default: each second); return its job id.

    For installations without a worker of this package. Raises InvalidArgument without pg_cron.
    """


@sql_function
def stop_cron() -> Call[bool]:
    """End what start_cron began; answer false when there is nothing to end."""
