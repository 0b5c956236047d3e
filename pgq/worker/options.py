"""What a worker was made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgq.hooks import Hooks
from pgq.middleware import Middleware
from pgq.rows import ClaimedJob
from pgq.schedules import StaticSchedules
from pgq.tasks import Registry
from pgq.worker.outcome import RunOutcome


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker was made with; durations in seconds."""

    dsn: str
    listen_dsn: str
    schema: str
    queues: list[str]
    registry: Registry
    concurrency: int
    prefetch: int
    name: str
    poll_interval: float
    heartbeat_interval: float
    lease: float
    drain: bool
    schema_timeout: float
    schedules: bool
    schedule_source: str
    schedule_files: list[StaticSchedules]
    hooks: Hooks = field(default_factory=Hooks)
    middleware: Sequence[Middleware] = ()
    claims: bool = True
    maintains: bool = True
    registered: Callable[[int], None] | None = None
    declares: bool = True
    settled: Callable[[ClaimedJob, RunOutcome, Any], None] | None = None
    exit_after_outage: float | None = None

    @property
    def deadline(self) -> float:
        """How long the answer to a call may take: a frozen peer is found out within the lease."""
        return max(2.0, self.lease / 2)

    def all_hooks(self) -> Hooks:
        """Return the worker's own hooks and then those of its registry."""
        hooks = Hooks()
        hooks.extend(self.hooks)
        hooks.extend(self.registry.hooks)
        return hooks
