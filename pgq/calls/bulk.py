"""The SQL functions of bulk operations; the rest of `calls`, and written like it."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.calls.search import JobFilters
from pgq.rows import BulkAction, BulkOperation, BulkStart
from pgq.values import Duration


@sql_function
def bulk_start(
    action: BulkAction,
    *,
    at: datetime | None = None,
    spread: Duration | None = None,
    priority: int | None = None,
    starts_in: Duration | None = None,
    up_to_id: int | None = None,
    preview: bool | None = None,
    **filters: Unpack[JobFilters],
) -> Call[BulkStart]:
    """Do something to all jobs that fit all that is given, in the background, in ten seconds.

    The filters are those of list_jobs: the same ones mean all that a list shows. `at` and `spread`
    are for retry, `priority` is for reprioritise; discard needs `states`. With `preview` it only
    counts; pass the `highest_id` of that as `up_to_id`, and the same jobs are meant.
    """


@sql_function
def bulk_stop(operation_id: int) -> Call[str]:
    """Stop a bulk operation; answers undone (it had not begun), stopped, finished or not_found."""


@sql_function
def bulk_status(
    operation_id: int | None = None,
    before_id: int | None = None,
    max_operations: int | None = None,
) -> Call[list[BulkOperation]]:
    """Look up that bulk operation, or the newest ones (default 20), those before an id."""


@sql_function
def bulk_work(operation_id: int, max_jobs: int | None = None) -> Call[int | None]:
    """Do the next page of a bulk operation now, without a worker; say how many jobs were asked.

    None: nothing is due. It has not begun, has ended, waits for jobs that others hold, or another
    session is at it.
    """
