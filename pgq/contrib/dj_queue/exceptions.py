"""dj-queue's errors. Each is a PgqError too, with its hint.

ProcessExitError, ProcessPrunedError and ProcessMissingError are missing, because nothing raises
them. If a worker dies, its runs are failed attempts with the error type "WorkerLost", and are
retried.
"""

from __future__ import annotations

from pgq.errors import PgqError


class DjQueueError(PgqError):
    """The base of these modules' errors; also for a job that is missing, or in a wrong state."""


class EnqueueError(DjQueueError):
    """A job cannot be enqueued; nothing was written. Its __cause__ is pgq's own error."""


class UndiscardableError(DjQueueError):
    """For `except` clauses that name it. It is never raised: running jobs are passed over."""


def refusal(error: Exception) -> EnqueueError:
    """Return an error of pgq's or of Python's as one of dj-queue's, in its words."""
    if isinstance(error, EnqueueError):
        return error
    return EnqueueError(
        getattr(error, "message", str(error)),
        getattr(error, "hint", None),
        getattr(error, "detail", None),
    )
