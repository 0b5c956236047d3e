"""The SQL functions that search for jobs; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict, Unpack

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.reports import Estimate
from pgq.rows import JobPage, ListedJob, State


class JobFilters(TypedDict, total=False):
    """What jobs are searched by, as in sql/types/job_filters.sql; all that is given must fit."""

    queue: str | None
    task: str | None
    states: Iterable[State] | None
    unique_key: str | None
    concurrency_key: str | None
    partition_key: str | None
    batch_id: int | None
    worker_id: int | None
    error_type: str | None
    fingerprint: str | None
    headers: Mapping[str, Any] | None
    args: Any
    created_after: datetime | None
    created_before: datetime | None
    finished_after: datetime | None
    finished_before: datetime | None


@sql_function
def find_jobs(
    *,
    after_id: int | None = None,
    max_jobs: int | None = None,
    **filters: Unpack[JobFilters],
) -> Call[list[int]]:
    """Return the ids of up to max_jobs jobs (default 1000) that fit all that is given, in order.

    For cancel, retry, discard and reprioritise; the next ones come `after_id`, the last id of
    these. `headers` and `args` are what the job's contain. Name `states`: it looks at fewer jobs
    then.
    """


@sql_function
def list_jobs(
    *,
    before_id: int | None = None,
    after_id: int | None = None,
    newest_first: bool | None = None,
    page_size: int | None = None,
    max_looked_at: int | None = None,
    details: bool | None = None,
    **filters: Unpack[JobFilters],
) -> Call[JobPage]:
    """Return a page of the jobs that fit all that is given, as find_jobs; the newest first.

    It looks at max_looked_at jobs (default 10,000), and `looked_to` of the page says how far that
    was: go on `before_id`, or `after_id` with the oldest first. None: that was all. Only with
    `details` the jobs have their args, headers, errors and results.
    """


@sql_function
def estimate_jobs(
    *,
    max_jobs: int | None = None,
    max_looked_at: int | None = None,
    **filters: Unpack[JobFilters],
) -> Call[Estimate]:
    """Count the jobs that fit all that is given, as find_jobs: up to max_jobs, by default 10,000.

    It looks at the newest max_looked_at jobs (default 20,000); `exact` says whether that is all.
    """


@sql_function
def due_jobs(queue: str | None = None, max_jobs: int | None = None) -> Call[list[ListedJob]]:
    """Return the scheduled jobs whose time has come, the earliest first, up to 1,000.

    They are not ready yet: promote_due makes them so.
    """
