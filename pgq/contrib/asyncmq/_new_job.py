"""From the options of `Queue.add` to a NewJob of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pgq.contrib.asyncmq._json import check_size, encoded
from pgq.contrib.asyncmq.exceptions import InvalidValue
from pgq.contrib.asyncmq.jobs import Backoff, JobId, deduplication_key, id_key, retry_delay
from pgq.jobs import NewJob, Parent
from pgq.options import Args, OnParentFailure
from pgq.values import Backoff as OurBackoff

# How long a job_id counts at least, even if its job ends earlier. By default, the history keeps
# jobs as long as that.
JOB_IDS_FOR: Final = timedelta(days=14)

_YEAR: Final = 31_536_000.0
# A backoff may list so many delays. The last one counts for all further retries.
_MOST_DELAYS: Final = 100


def new_job(
    queue: str,
    task_id: str,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    retries: int = 0,
    ttl: float | None = None,
    backoff: Backoff = None,
    priority: int = 5,
    delay: float | None = None,
    run_at: float | None = None,
    job_id: str | None = None,
    deduplication: Mapping[str, Any] | None = None,
    depends_on: Sequence[Parent] = (),
    on_parent_failure: OnParentFailure | None = None,
    ref: str | None = None,
) -> NewJob:
    """Return the job; InvalidArgument for options that make no sense, or that pgq does not have."""
    if job_id is not None and deduplication is not None:
        raise InvalidValue(
            "both job_id and deduplication are given", "A job has one key: leave one of them out."
        )
    keys = {} if deduplication is None else deduplication_options(queue, deduplication)
    if job_id is not None:
        check_job_id(job_id)
        keys = {"unique_key": id_key(queue, job_id), "unique_for": JOB_IDS_FOR}
    return NewJob(
        task_id,
        args_of(args, kwargs),
        queue=queue,
        priority=priority,
        delay=delay,
        run_at=None if run_at is None else moment(run_at),
        max_attempts=retries + 1,
        backoff=backoff_of(backoff, retries),
        expires_in=ttl,
        depends_on=list(depends_on) or None,
        on_parent_failure=on_parent_failure,
        ref=ref,
        **keys,
    )


def args_of(args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> Args:
    """Return args and kwargs as a job carries them."""
    args, kwargs = encoded(args), encoded(kwargs)
    check_size(args, kwargs)
    if kwargs and not args and kwargs.keys() != {"args", "kwargs"}:
        return dict(kwargs)
    if args and not kwargs:
        return list(args)
    return {"args": list(args or ()), "kwargs": dict(kwargs or {})} if args or kwargs else {}


def backoff_of(backoff: Backoff, retries: int) -> OurBackoff | None:
    """Return the delays before a job's retries. They are exact, because AsyncMQ has no jitter."""
    if isinstance(backoff, str):
        return backoff
    if retries < 1:
        return None
    counts = range(1, min(retries, _MOST_DELAYS) + 1)
    delays = [min(_YEAR, max(0.0, retry_delay(backoff, count))) for count in counts]
    return {"kind": "list", "delays": delays, "jitter": 0}


def deduplication_options(queue: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the unique key, and what else the options of a deduplication ask for."""
    name = given.get("id")
    if not isinstance(name, str) or not name:
        raise InvalidValue("deduplication has no id", 'Pass {"id": "..."}, a text of yours.')
    if given.get("extend") and not given.get("replace"):
        raise InvalidValue(
            "deduplication cannot extend its window without replacing the job",
            'Add "replace": with a delay, each call puts the job off.',
        )
    options: dict[str, Any] = {"unique_key": deduplication_key(queue, name)}
    if given.get("ttl") is not None:
        options["unique_for"] = given["ttl"]
    if given.get("replace"):
        options["on_conflict"] = "replace"
    return options


def check_job_id(job_id: JobId) -> None:
    """Raise InvalidArgument for a job_id that is not valid by AsyncMQ's rules."""
    hint = 'Pass a text that has no ":" and is not a number; numbers are ids of the database.'
    if not isinstance(job_id, str) or not job_id:
        raise InvalidValue(f"job_id is {job_id!r}, no text", hint)
    if job_id.isdecimal():
        raise InvalidValue(f"job_id is numeric-only: {job_id!r}", hint)
    if ":" in job_id:
        raise InvalidValue(f"job_id must not contain ':': {job_id!r}", hint)


def moment(timestamp: float) -> datetime:
    """Return a Unix timestamp as a point in time."""
    return datetime.fromtimestamp(timestamp, UTC)
