"""AsyncMQ's errors, and that of this package for wrong arguments, which is a ValueError."""

from __future__ import annotations

from pgq.errors import Cancel, InvalidArgument


class InvalidValue(InvalidArgument, ValueError):
    """An argument is not valid; nothing was changed."""


class PayloadTooLarge(InvalidValue):
    """The arguments of a job are longer than the setting max_job_payload_bytes."""


JobCancelled = Cancel
"""A handler that raises it ends its job as cancelled."""
