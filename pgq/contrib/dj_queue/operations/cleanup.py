"""dj-queue's `operations.cleanup`: delete finished jobs by their age, beyond what is automatic.

Nothing has to call these: `maintain`, which every worker does, drops the history by whole days
after the ages of `configure_retention`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pgq.contrib.dj_queue._backends import DEFAULT, client_of
from pgq.contrib.dj_queue._checks import check_batch
from pgq.rows import State


def clear_finished_jobs(
    *,
    older_than: float | None = None,
    task_path: str | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
    now: datetime | None = None,
) -> int:
    """Delete jobs that ended otherwise than as failed, over `older_than` seconds ago.

    At most batch_size; answers how many. Without an age: none.
    """
    states: list[State] = ["succeeded", "cancelled", "expired"]
    return _clear(states, older_than, task_path, batch_size, backend_alias, now)


def clear_failed_jobs(
    *,
    older_than: float | None = None,
    task_path: str | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
    now: datetime | None = None,
) -> int:
    """Do the same for failed jobs."""
    return _clear(["failed"], older_than, task_path, batch_size, backend_alias, now)


def clear_recurring_executions(
    *,
    older_than: float | None = None,
    task_key: str | None = None,
    batch_size: int = 500,
    backend_alias: str = DEFAULT,
) -> int:
    """Delete what is noted of ticks that fired over `older_than` seconds ago; the jobs stay."""
    if older_than is None:
        return 0
    return client_of(backend_alias).prune_schedule_history(
        task_key, older_than, check_batch(batch_size)
    )


def _clear(
    states: list[State],
    older_than: float | None,
    task_path: str | None,
    batch_size: int,
    backend_alias: str,
    now: datetime | None,
) -> int:
    if older_than is None:
        return 0
    client = client_of(backend_alias)
    before = (now or datetime.now(UTC)) - timedelta(seconds=older_than)
    ids = client.find_jobs(
        task=task_path, states=states, max_jobs=check_batch(batch_size), finished_before=before
    )
    outcomes = client.discard(ids, states=states) if ids else []
    return sum(each.outcome == "discarded" for each in outcomes)
