"""dj-queue's `operations.jobs`: retry, discard, enqueue again, and the steps of a worker.

What takes `job_ids` works through all of them, `batch_size` per transaction; without ids it takes
the first `batch_size` jobs of the state, so call it until it answers 0. A job that has left the
state meanwhile is passed over, never changed.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from pgq import tasks, testing
from pgq.client.clients import Client
from pgq.contrib.dj_queue._backends import DEFAULT, client_of
from pgq.contrib.dj_queue._checks import (
    check_batch,
    check_whole,
    id_or_unknown,
    known_id,
    unknown,
)
from pgq.contrib.dj_queue.exceptions import DjQueueError, EnqueueError
from pgq.contrib.dj_queue.results import TaskResult, result_of
from pgq.errors import JobLost
from pgq.lib.report import type_of
from pgq.rows import ClaimedJob, Outcome, State

JobId = Any
"""An id of the database, also as text. Anything else, such as a UUID, is an unknown job."""
Waiting = Literal["ready", "scheduled", "blocked", "failed"]


def retry_failed_job(job_id: JobId, *, backend_alias: str = DEFAULT) -> TaskResult:
    """Run a failed job again; DjQueueError where it has not failed."""
    return _retry(job_id, None, backend_alias)


def schedule_failed_job_retry(
    job_id: JobId, retry_at: datetime, *, backend_alias: str = DEFAULT
) -> TaskResult:
    """Run a failed job again at a time; DjQueueError where it has not failed.

    Its status stays FAILED until then, and its state is "scheduled".
    """
    given: Any = retry_at
    if given is None:
        raise EnqueueError("retry_at is required", "Pass a datetime with a time zone.")
    return _retry(job_id, retry_at, backend_alias)


def retry_failed_jobs(
    *,
    job_ids: Iterable[JobId] | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Run failed jobs again; answer how many."""
    client = client_of(backend_alias)
    return _each(
        client,
        "failed",
        job_ids,
        batch_size,
        lambda ids: client.retry(ids, states=["failed"]),
    )


def discard_failed_job(job_id: JobId, *, backend_alias: str = DEFAULT) -> int:
    """Delete a failed job for good; answer 1, or 0 where it has not failed."""
    return discard_failed_jobs(job_ids=[job_id], backend_alias=backend_alias)


def discard_failed_jobs(
    *,
    job_ids: Iterable[JobId] | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Delete failed jobs for good; answer how many."""
    return _discard("failed", job_ids, batch_size, backend_alias)


def discard_ready_jobs(
    *,
    job_ids: Iterable[JobId] | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Delete ready jobs for good; answer how many."""
    return _discard("ready", job_ids, batch_size, backend_alias)


def discard_ready_jobs_for_queue(
    queue_name: str, *, batch_size: int = 500, backend_alias: str = DEFAULT
) -> int:
    """Delete up to batch_size ready jobs of a queue for good, best first; answer how many."""
    return client_of(backend_alias).clear_queue(
        queue_name, max_jobs=check_batch(batch_size), include_blocked=False
    )


def discard_scheduled_jobs(
    *,
    job_ids: Iterable[JobId] | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Delete scheduled jobs for good, retries among them; answer how many."""
    return _discard("scheduled", job_ids, batch_size, backend_alias)


def discard_blocked_jobs(
    *,
    job_ids: Iterable[JobId] | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Delete blocked jobs for good; answer how many."""
    return _discard("blocked", job_ids, batch_size, backend_alias)


def enqueue_job_again(job_id: JobId, *, backend_alias: str = DEFAULT) -> TaskResult:
    """Enqueue a new job like one that is or was there, to run now.

    Unlike dj-queue's it imports nothing; what limits it is copied from the job.
    """
    client = client_of(backend_alias)
    return result_of(client, client.enqueue_again(id_or_unknown(job_id)), backend_alias)


def dispatch_scheduled_job_now(job_id: JobId, *, backend_alias: str = DEFAULT) -> TaskResult:
    """Make a scheduled job due now; DjQueueError where it is not a scheduled one."""
    client = client_of(backend_alias)
    _demand(client, client.run_now([id_or_unknown(job_id)])[0], "promoted", "is not scheduled")
    return result_of(client, job_id, backend_alias)


def promote_scheduled_jobs(*, batch_size: int = 500, backend_alias: str = DEFAULT) -> int:
    """Make due jobs ready and let blocked ones go on; answer how many. Workers do so anyway."""
    return client_of(backend_alias).promote_due(check_batch(batch_size)).promoted


def claim_ready_jobs(
    *,
    limit: int,
    queues: str | Sequence[str] | None = None,
    process: int | None = None,
    backend_alias: str = DEFAULT,
) -> list[ClaimedJob]:
    """Claim jobs of the queues ("*" by default, best first), as a registered worker or as nobody.

    A claim has a `claim_id`, which every settle asks for: so the three below take the ClaimedJob,
    where dj-queue's take an id. A claim as nobody is given up after an hour.
    """
    if check_whole(limit, "limit", -(2**31), 2**31 - 1) <= 0:
        return []
    selectors = ["*"] if queues is None else [queues] if isinstance(queues, str) else list(queues)
    return client_of(backend_alias).claim_batch(selectors, process, limit)


def execute_claimed_job(
    job: ClaimedJob,
    *,
    registry: tasks.Registry | None = None,
    backend_alias: str = DEFAULT,
) -> TaskResult:
    """Run a claimed job in this thread and settle it; return how it stands then.

    Timeouts are not enforced. Not for use inside a running event loop.
    """
    client = client_of(backend_alias)
    testing.run_claimed(client, tasks.registry if registry is None else registry, job)
    return result_of(client, job.job_id, backend_alias)


def complete_claimed_job(
    job: ClaimedJob, return_value: Any = None, *, backend_alias: str = DEFAULT
) -> TaskResult:
    """End a claimed job as succeeded; JobLost where another run of it may be under way."""
    client = client_of(backend_alias)
    results = None if return_value is None else [return_value]
    return _settled(
        client, client.complete_batch([job.job_id], [job.claim_id], results)[0], backend_alias
    )


def fail_claimed_job(
    job: ClaimedJob,
    error: BaseException,
    *,
    traceback_text: str | None = None,
    backend_alias: str = DEFAULT,
) -> TaskResult:
    """Note that an attempt failed; what is left of its attempts decides what becomes of it.

    JobLost where another run of it may be under way.
    """
    client = client_of(backend_alias)
    trace = traceback_text or "".join(traceback.format_exception(error))
    answer = client.fail_batch(
        [job.job_id], [job.claim_id], [str(error)], [type_of(error)], [trace]
    )
    return _settled(client, answer[0], backend_alias)


def _retry(job_id: JobId, at: datetime | None, backend_alias: str) -> TaskResult:
    client = client_of(backend_alias)
    outcome = client.retry([id_or_unknown(job_id)], at, ["failed"])[0]
    _demand(client, outcome, "retried", "has not failed")
    return result_of(client, job_id, backend_alias)


def _discard(
    state: Waiting, job_ids: Iterable[JobId] | None, batch_size: int, backend_alias: str
) -> int:
    client = client_of(backend_alias)
    return _each(
        client, state, job_ids, batch_size, lambda ids: client.discard(ids, states=[state])
    )


def _each(
    client: Client,
    state: State,
    job_ids: Iterable[JobId] | None,
    batch_size: int,
    change: Callable[[list[int]], list[Outcome]],
) -> int:
    """Change jobs in batches; answer how many were changed."""
    check_batch(batch_size)
    if job_ids is None:
        batches = iter([client.find_jobs(states=[state], max_jobs=batch_size)])
    else:
        known = (found for each in job_ids if (found := known_id(each)) is not None)
        batches = _chunks(known, batch_size)
    changed = ("retried", "discarded")
    return sum(each.outcome in changed for ids in batches if ids for each in change(ids))


def _chunks(ids: Iterator[int], size: int) -> Iterator[list[int]]:
    while chunk := list(islice(ids, max(1, size))):
        yield chunk


def _demand(client: Client, found: Outcome, wanted: str, problem: str) -> None:
    if found.outcome == wanted:
        return
    if found.outcome == "not_found":
        raise unknown(found.job_id)
    job = client.job(found.job_id)
    state = found.outcome if job is None else job.state
    raise DjQueueError(f"job {found.job_id} {problem}: {state}", "Look at it with `pgq job`.")


def _settled(client: Client, answer: Any, backend_alias: str) -> TaskResult:
    if answer.outcome == "lost":
        raise JobLost(f"job {answer.job_id} is not held any more", "Another run may be under way.")
    return result_of(client, answer.job_id, backend_alias)
