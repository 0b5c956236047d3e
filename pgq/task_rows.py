"""What the database says of tasks: the defaults of their jobs, and who says them.

The code of a program declares them (`sync_tasks`), and operators set them (`configure_task`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from pgq.rows import State


class TaskSettings(NamedTuple):
    """A task and the defaults of its jobs: a row of the view task_settings.

    `options` count: `configured` by operators goes before `declared` in the code of `source`.
    """

    task: str
    source: str | None
    options: dict[str, Any]
    declared: dict[str, Any]
    configured: dict[str, Any]
    changed_at: datetime


class TaskOption(NamedTuple):
    """What a task's jobs get of one option, who says so, and what its code says instead."""

    option: str
    value: str | None
    origin: Literal["operator", "source", "queue", "built-in"]
    hidden: str | None


class TaskChange(NamedTuple):
    """What sync_tasks did with a task; `hidden`: the options where operators say something else."""

    task: str | None
    change: Literal["added", "changed", "unchanged", "refused"]
    hidden: list[str] | None
    problem: str | None


class RetentionSettings(NamedTuple):
    """How long finished jobs are kept; the first row is for all, and others say what differs."""

    queue: str | None
    task: str | None
    succeeded: timedelta | None
    failed: timedelta | None
    cancelled: timedelta | None
    results: timedelta | None
    schedule_history: timedelta | None


class Prunable(NamedTuple):
    """Finished jobs of a day, queue and state that must go; `whole_day`: all of the day does."""

    day: datetime
    queue: str
    state: State
    jobs: int
    exact: bool
    whole_day: bool
