"""AsyncMQ's `core.enums`: the states of a job."""

from __future__ import annotations

from pgq.contrib.asyncmq.jobs import State

__all__ = ["State"]
