"""How jobs and runs end, as it happens: the SQL functions for those who follow."""

# A @sql_function is only declared.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from pgq.calls.binding import sql_function
from pgq.calls.call import Call
from pgq.reports import JobEvent


@sql_function
def follow_outcomes() -> Call[int]:
    """Begin to follow how jobs and runs end; return the cursor for `outcomes_since`.

    It must be committed. Then the jobs of settles are noted until nobody has asked for an hour.
    """


@sql_function
def outcomes_since(cursor: int, max_jobs: int | None = None) -> Call[list[JobEvent]]:
    """Return how jobs and runs ended since then, about 1,000; all of one settle together.

    The cursor for the next call is the last row's `next_cursor`; without rows, the same one. An
    hour is kept: an older cursor is refused as InvalidArgument.
    """
