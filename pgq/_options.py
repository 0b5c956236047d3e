"""What a worker was made with."""

from __future__ import annotations

from dataclasses import dataclass

from pgq.schedule import StaticSchedules
from pgq.tasks import Registry


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
