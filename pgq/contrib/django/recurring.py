"""Recurring tasks: those that code and settings declare, and those that are made at run time.

    OPTIONS = {"recurring": {
        "nightly": {"task_path": "shop.tasks.clean_up", "schedule": "0 3 * * *", "args": [30]},
    }}

An entry has dj-queue's names: task_path, schedule, args, kwargs, queue_name, priority and
description. A limited task keeps its key, its limit and its conflict policy when it recurs. Times
are in Django's TIME_ZONE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from pgq.contrib.dj_queue import _recurrence as words
from pgq.contrib.dj_queue._recurring_task import RecurringTask
from pgq.contrib.dj_queue.exceptions import DjQueueError
from pgq.contrib.django.backend import PgqBackend, backend_of, normalized
from pgq.contrib.django.compat import InvalidTask, Task
from pgq.contrib.django.declared import OF_SCHEDULES, declared
from pgq.contrib.django.exceptions import EnqueueError
from pgq.contrib.django.options import options
from pgq.errors import InvalidArgument, InvalidCron, InvalidJob
from pgq.jobs import NewJob
from pgq.schedules import NewSchedule, new_schedule
from pgq.task_args import call_arguments

T = TypeVar("T")

_ENTRY: Final = frozenset({
    *("task_path", "schedule", "args", "kwargs", "queue_name", "priority", "description"),
})  # fmt: skip


def schedule_recurring_task(
    *,
    key: str,
    task_path: str,
    schedule: str,
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    queue_name: str = "default",
    priority: int = 0,
    description: str = "",
    backend_alias: str = "default",
) -> RecurringTask:
    """Create or change a recurring task, in the current transaction of Django's.

    `schedule` is a cron expression; see `timing_of`. Raises EnqueueError where dj-queue does.
    """
    backend = backend_of(backend_alias)
    entry = {
        "task_path": task_path, "schedule": schedule, "args": args, "kwargs": kwargs,
        "queue_name": queue_name, "priority": priority, "description": description,
    }  # fmt: skip
    job, timing = _read(backend, entry)
    _refusing(lambda: backend.client.schedule(key, job, **timing))
    return RecurringTask.of(backend.client.schedule_status(key)[0], backend_alias)


def unschedule_recurring_task(key: str, *, backend_alias: str = "default") -> int:
    """Delete a recurring task; return 1, or 0 if there is none or if code declares it."""
    try:
        return int(backend_of(backend_alias).client.unschedule(key))
    except InvalidArgument:
        return 0


def declared_schedules(backend: PgqBackend) -> list[NewSchedule]:
    """Return those of the backend's tasks and of its option `recurring`.

    Raises ImproperlyConfigured for an entry that no worker could run.
    """
    found = [_own(backend, task) for task in declared() if task.backend == backend.alias]
    made = [each for each in found if each is not None]
    given: Any = options(backend.alias).get("recurring") or {}
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured("OPTIONS['recurring'] must be a mapping")
    for key, entry in given.items():
        what = f"recurring task {key!r}"
        if not isinstance(entry, Mapping) or not {"task_path", "schedule"} <= entry.keys():
            raise ImproperlyConfigured(f"{what} requires task_path and schedule")
        if unknown := sorted(entry.keys() - _ENTRY):
            raise ImproperlyConfigured(f"{what} has no option {', '.join(unknown)}")
        try:
            job, timing = _read(backend, entry)
            made.append(_made(key, job, timing))
        except InvalidTask as error:
            raise ImproperlyConfigured(f"{what} is invalid: {error}") from error
    return made


def _read(backend: PgqBackend, entry: Mapping[str, Any]) -> tuple[NewJob, dict[str, Any]]:
    """Return the job of an entry of dj-queue's, and when it runs; EnqueueError if it is wrong."""
    for name in ("task_path", "schedule"):
        if not isinstance(entry[name], str) or not entry[name]:
            raise EnqueueError(f"{name} must be a non-empty string")
    path = entry["task_path"]
    try:
        found: Any = import_string(path)
    except ImportError as error:
        raise EnqueueError(f"task_path must be importable: {path}") from error
    if not isinstance(found, Task):
        raise EnqueueError("task_path must reference a Django task")
    task = found.using(
        queue_name=entry.get("queue_name") or "default",
        priority=entry.get("priority") or 0,
        backend=backend.alias,
    )
    args, kwargs = normalized([*(entry.get("args") or ())], {**(entry.get("kwargs") or {})})
    described = {"description": entry.get("description") or None}
    return backend.new_job(task, args, kwargs), {**timing_of(entry["schedule"]), **described}


def timing_of(schedule: str) -> dict[str, Any]:
    """Return when a schedule of dj-queue's runs, in the words of pgq.

    Five fields or a macro such as @daily are cron; words such as "every 5 minutes" and "every day
    at 9am" are read too. A zone may follow, else it is Django's. For anything else the error says
    what to write.
    """
    return {**_refusing(lambda: words.timing_of(schedule, settings.TIME_ZONE or "UTC"))}


def _own(backend: PgqBackend, task: Task) -> NewSchedule | None:
    """Return the schedule that a task's own options make."""
    own = backend.options_of(task)
    timing = {name: own[name] for name in OF_SCHEDULES if own.get(name) is not None}
    if not timing:
        return None
    args, kwargs = call_arguments(timing.pop("args", {}))
    if "cron" in timing:
        timing.setdefault("timezone", settings.TIME_ZONE)
    return _made(task.module_path, backend.new_job(task, list(args), dict(kwargs)), timing)


def _made(key: str, job: NewJob, timing: Mapping[str, Any]) -> NewSchedule:
    return _refusing(lambda: new_schedule(key, job, **timing))


def _refusing(make: Callable[[], T]) -> T:
    """Return what is made; EnqueueError where pgq refuses it."""
    try:
        return make()
    except (InvalidArgument, InvalidJob, DjQueueError) as error:
        is_cron = isinstance(error, InvalidCron)
        said = [
            "schedule must be a valid cron expression" if is_cron else None,
            error.message,
            error.hint,
        ]
        raise EnqueueError(": ".join(text for text in said if text)) from error
