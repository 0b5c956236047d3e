"""The backend of Django's Tasks framework.

    TASKS = {
        "default": {
            "BACKEND": "pgq.contrib.django.PgqBackend",
            "QUEUES": ["default", "mail"],
            "OPTIONS": {"database_alias": "default", "schema": "pgq", "max_attempts": 1},
        }
    }

A job is a row that Django's own connection inserts. So it exists if and only if the transaction
around `enqueue` commits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.utils import timezone

from pgq import tasks
from pgq.contrib.dj_queue._checks import check_arguments
from pgq.contrib.dj_queue.exceptions import DjQueueError
from pgq.contrib.django import declared, results
from pgq.contrib.django.attempts import handler_of
from pgq.contrib.django.client import DjangoClient
from pgq.contrib.django.compat import (
    TASK_MAX_PRIORITY,
    TASK_MIN_PRIORITY,
    BaseTaskBackend,
    InvalidTask,
    Task,
    TaskResultDoesNotExist,
    normalize_json,
    task_backends,
    task_enqueued,
)
from pgq.contrib.django.exceptions import EnqueueError, InvalidArguments
from pgq.contrib.django.results import PgqTaskResult
from pgq.errors import InvalidArgument, InvalidJob, UniqueKeyTaken
from pgq.jobs import NewJob
from pgq.task_args import as_args

T = TypeVar("T")
TaskCall = tuple[Task, Iterable[Any], Mapping[str, Any]]

_REFUSED: Final = (InvalidJob, InvalidArgument, UniqueKeyTaken)
_ID: Final = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST: Final = 2**63 - 1
_LONGEST_KEY: Final = 512
# dj-queue's words, for those who look for them; there, a key has up to 255 characters.
_NO_KEY: Final = f"concurrency_key must resolve to a non-empty string up to {_LONGEST_KEY} chars"
_UNRESOLVED: Final = "could not resolve concurrency_key"


class PgqBackend(BaseTaskBackend):
    """Jobs of a schema of pgq in one of DATABASES.

    OPTIONS: `database_alias` ("default") and `schema` ("pgq") say where; `max_attempts` (1) and
    `atomic` (False) are the options of tasks that do not have them from `job_options`; with
    `enqueue_on_commit` (False) a job is added when the transaction commits, and until then the
    result's id is "".
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        self.database: str = self.options.get("database_alias") or DEFAULT_DB_ALIAS
        self.schema: str = self.options.get("schema") or "pgq"
        self.interrupted: KeyboardInterrupt | None = None
        self._made: dict[Any, tuple[dict[str, Any], tasks.AnyTask]] = {}

    @cached_property
    def client(self) -> DjangoClient:
        """A client of the schema on Django's connection, with every call of pgq."""
        return DjangoClient(self.database, schema=self.schema)

    def validate_task(self, task: Task) -> None:
        """Raise InvalidTask where no job of the task could be enqueued."""
        priority, run_after = task.priority, task.run_after
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise InvalidTask(
                f"priority must be a whole number between {TASK_MIN_PRIORITY} and "
                f"{TASK_MAX_PRIORITY}."
            )
        if run_after is not None and not isinstance(run_after, datetime):
            raise InvalidTask("run_after must be an aware datetime.")
        super().validate_task(task)
        declared.note(task)

    def enqueue(
        self, task: Task, args: Iterable[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> PgqTaskResult:
        """Add a job. Raises InvalidTask, its child EnqueueError, for arguments also a TypeError."""
        return self.enqueue_all([(task, args, kwargs or {})])[0]

    def enqueue_all(self, task_calls: Iterable[TaskCall]) -> list[PgqTaskResult]:
        """Add jobs with one statement: all of them, or none and an error."""
        jobs: list[NewJob] = []
        made: list[PgqTaskResult] = []
        waits = False
        for task, args, kwargs in task_calls:
            self.validate_task(task)
            positional, keyword = normalized([*args], {**kwargs})
            jobs.append(self.new_job(task, positional, keyword))
            made.append(results.fresh(task, self.alias, "", positional, keyword))
            options = self.options_of(task)
            waits = waits or options.get("enqueue_on_commit", False)
        if waits:
            transaction.on_commit(partial(self._add, jobs, made), using=self.database)
        else:
            self._add(jobs, made)
        return made

    async def aenqueue_all(self, task_calls: Iterable[TaskCall]) -> list[PgqTaskResult]:
        """Do the same in Django's thread."""
        enqueue_all: Any = sync_to_async(self.enqueue_all, thread_sensitive=True)
        made: list[PgqTaskResult] = await enqueue_all(task_calls)
        return made

    def get_result(self, result_id: str) -> PgqTaskResult:
        """Look up a job; TaskResultDoesNotExist for any text that is not the id of one."""
        text = str(result_id)
        if not _ID.fullmatch(text) or int(text) > _LARGEST:
            raise TaskResultDoesNotExist(text)
        job = self.client.job(int(text))
        if job is None or not self._is_ours(job.headers):
            raise TaskResultDoesNotExist(text)
        attempts = self.client.job_attempts(job.id) if job.attempt else []
        return results.result_of(job, attempts, self.alias)

    def options_of(self, task: Task) -> dict[str, Any]:
        """Return pgq's options of a task: its own over those of the backend. EnqueueError."""
        given = {name: self.options.get(name) for name in ("atomic", "enqueue_on_commit")}
        defaults = {name: each for name, each in given.items() if each is not None}
        return declared.options_of(
            task.func, {"max_attempts": self.options.get("max_attempts") or 1, **defaults}
        )

    def as_pgq(self, task: Task, *, here: bool = False) -> tasks.AnyTask:
        """Return the task as a worker of pgq runs it, under its import path. EnqueueError.

        here: it runs in this thread and on its connections; see `testing`.
        """
        options = self.options_of(task)
        known = self._made.get((task.func, here))
        if known is not None and known[0] == options:
            return known[1]
        keys, of_jobs = declared.split(options)
        made: tasks.AnyTask = _refusing(
            lambda: tasks.Task(
                handler_of(self, task, atomic=bool(options.get("atomic")), here=here),
                NewJob(task.module_path, **of_jobs),
                wants_context=True,
                retry_on=options.get("retry_on"),
                no_retry_on=options.get("no_retry_on"),
                keys=keys,
            ),
            options.get("concurrency_key"),
        )
        self._made[task.func, here] = (options, made)
        return made

    def new_job(self, task: Task, args: list[Any], kwargs: dict[str, Any]) -> NewJob:
        """Return what is enqueued, for other clients of pgq. Raises EnqueueError."""
        ours, key = self.as_pgq(task), self.options_of(task).get("concurrency_key")
        job = ours.defaults.changed(
            args=as_args(tuple(args), kwargs),
            queue=task.queue_name,
            # Django's higher priorities run first, and pgq's lower ones.
            priority=-task.priority,
            run_at=_aware(task.run_after),
            headers=None if self.alias == "default" else {results.BACKEND_HEADER: self.alias},
        )
        keyed = _refusing(lambda: ours.keys.add_to(job, tuple(args), kwargs), key)
        if keyed.concurrency_key is not None and not 0 < len(keyed.concurrency_key) <= _LONGEST_KEY:
            raise EnqueueError(_NO_KEY)
        return keyed

    def _add(self, jobs: list[NewJob], made: list[PgqTaskResult]) -> None:
        if len(jobs) == 1:
            ids = [_refusing(lambda: self.client.enqueue(jobs[0]))]
        else:
            ids = [each.id for each in _refusing(lambda: self.client.enqueue_many(jobs))]
        for job_id, result in zip(ids, made, strict=True):
            object.__setattr__(result, "id", str(job_id))
            task_enqueued.send(type(self), task_result=result)

    def _is_ours(self, headers: Mapping[str, Any] | None) -> bool:
        return (headers or {}).get(results.BACKEND_HEADER) in (None, self.alias)


def normalized(args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments as JSON has them; InvalidArguments where it would have others."""
    try:
        check_arguments(args, kwargs)
        return normalize_json(args), normalize_json(kwargs)
    except (DjQueueError, TypeError, ValueError, RecursionError) as error:
        raise InvalidArguments(f"payload must be JSON round-trippable: {error}") from error


def _aware(at: datetime | None) -> datetime | None:
    """Return a time with a zone; without USE_TZ one that has none is in Django's."""
    if at is None or settings.USE_TZ or timezone.is_aware(at):
        return at
    made: datetime = timezone.make_aware(at)
    return made


def _refusing(make: Callable[[], T], key: Any = None) -> T:
    """Return what is made; EnqueueError where pgq refuses it, or `key` cannot be made."""
    try:
        return make()
    except (*_REFUSED, TypeError) as error:
        text = ". ".join(filter(None, (_message(error), getattr(error, "hint", None))))
        if key is not None and "concurrency_key" in text:
            text = f"{_NO_KEY if callable(key) else _UNRESOLVED}: {text}"
        raise EnqueueError(text) from error


def _message(error: Exception) -> str:
    return str(getattr(error, "message", error))


def backend_of(alias: str = "default") -> PgqBackend:
    """Return the backend of an alias; InvalidArgument where it is none of pgq's."""
    backend = task_backends[alias]
    if not isinstance(backend, PgqBackend):
        raise InvalidArgument(
            f"the backend {alias!r} of TASKS is a {type(backend).__name__}",
            'Make it {"BACKEND": "pgq.contrib.django.PgqBackend"}.',
        )
    return backend
