"""What enqueue raises, and what stands in a result where an attempt ended without an error."""

from __future__ import annotations

import builtins
from typing import Final

from pgq import errors
from pgq.contrib.dj_queue import exceptions
from pgq.contrib.django.compat import InvalidTask


class EnqueueError(exceptions.EnqueueError, InvalidTask):
    """A job cannot be enqueued; nothing was written. Its __cause__ is pgq's own error, if any.

    It is what dj-queue's users catch, and what Django's framework raises.
    """


class InvalidArguments(EnqueueError, TypeError):
    """The arguments of a job are not JSON, or would not be the same after it."""


class AttemptFailed(Exception):
    """An attempt ended, and no error of the task's said why. Names errors of results only."""


class WorkerLost(AttemptFailed):
    """The worker that ran it is gone."""


class UnknownTask(AttemptFailed):
    """A worker that takes all jobs has no such task."""


class ArgsMismatch(AttemptFailed, TypeError):
    """The function cannot be called with these arguments."""


class InvalidResult(AttemptFailed, ValueError):
    """What the function returned cannot be stored as JSON."""


class InvalidDelay(AttemptFailed, ValueError):
    """Snooze or Retry were raised with a delay that is none."""


class UndecodableJob(AttemptFailed):
    """What the database has of the job cannot be read in Python."""


class JobCancelled(AttemptFailed):
    """It was cancelled while it ran."""


_OURS: Final = {
    each.__name__: f"{each.__module__}.{each.__qualname__}"
    for each in (
        *(WorkerLost, UnknownTask, ArgsMismatch, InvalidResult, InvalidDelay, UndecodableJob),
        *(JobCancelled, errors.JobTimeout),
    )
}


def importable(error_type: str) -> str:
    """Return the import path of an error's class, from the name that is stored for it."""
    if "." in error_type:
        return error_type
    if error_type in _OURS:
        return _OURS[error_type]
    if hasattr(builtins, error_type):
        return f"builtins.{error_type}"
    return f"{AttemptFailed.__module__}.{AttemptFailed.__qualname__}"
