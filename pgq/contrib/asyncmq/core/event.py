"""AsyncMQ's `core.event`: the emitter of this process."""

from __future__ import annotations

from pgq.contrib.asyncmq.events import EventEmitter, event_emitter

__all__ = ["EventEmitter", "event_emitter"]
