"""dj-queue's errors. Each is a PgqError too, with its hint.

Not here are ProcessExitError, ProcessPrunedError and ProcessMissingError: nothing raises them. A
run whose worker died is a failed attempt with the error type "WorkerLost", and is retried.
"""

from __future__ import annotations

from pgq.errors import PgqError


class DjQueueError(PgqError):
    """Base of what these modules raise; for a job that is not there, or not as it has to be."""


class EnqueueError(DjQueueError):
    """A job cannot be enqueued; nothing was written. Its __cause__ is pgq's own error."""


class UndiscardableError(DjQueueError):
    """For `except` clauses that name it; never raised, since running jobs are passed over."""
