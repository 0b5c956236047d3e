"""The same as `backends.memory`, under the name that AsyncMQ's guide about queues has."""

from __future__ import annotations

from pgq.contrib.asyncmq.backends.memory import InMemoryBackend

__all__ = ["InMemoryBackend"]
