"""For the tests of a Django project: look at the jobs, and run them right here, without a worker.

    class SignUpTest(TestCase):
        def test_welcome(self):
            sign_up("me@example.org")
            assert_enqueued(welcome, "me@example.org")
            [result] = drain()
            self.assertEqual(result.return_value, "sent")

It works in TestCase, in TransactionTestCase and with pytest-django: all is done on Django's own
connection. In async tests use `sync_to_async(drain)()`.

The backend of the project stores jobs, and `drain` runs them. With

    TASKS = {"default": {"BACKEND": "pgq.contrib.django.testing.EagerBackend"}}

in the settings of the tests, a job has run when `enqueue` returns, and its result is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pgq import tasks, testing
from pgq.contrib.django.backend import PgqBackend, TaskCall, backend_of
from pgq.contrib.django.compat import TASK_REFRESH_ATTRS, Task, normalize_json
from pgq.contrib.django.results import PgqTaskResult
from pgq.contrib.django.workers import resolver_of
from pgq.errors import InvalidArgument
from pgq.task_args import as_args

# What Django calls an attribute of a job that has another name in pgq.
_NAMES = {"queue_name": "queue", "run_after": "run_at"}


def drain(
    backend: str = "default",
    *,
    queues: Sequence[str] = ("*",),
    max_jobs: int = 1000,
    raise_errors: bool = True,
) -> list[PgqTaskResult]:
    """Run ready and due jobs one by one in this thread until none is left; return their results.

    Nothing is committed that would not be otherwise. A failed attempt raises AssertionError with
    the task's traceback, unless `raise_errors` is false; so do more than `max_jobs` jobs.
    """
    return _drained(backend_of(backend), queues, max_jobs, raise_errors=raise_errors)


def assert_enqueued(
    task: Task,
    *args: Any,
    backend: str | None = None,
    count: int | None = None,
    expected: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> PgqTaskResult:
    """Return the newest job of a task with these arguments, or fail with a list of its jobs.

    Without any arguments all jobs of the task fit. count: how many there must be; None means at
    least one. expected: attributes that it must have, such as queue_name, priority, run_after or
    state.
    """
    home = backend_of(backend or task.backend)
    given = _given(args, kwargs)
    found = testing.assert_enqueued(
        home.client, task.module_path, given, count=count, **_expected(expected)
    )
    return home.get_result(str(found.id))


def assert_not_enqueued(
    task: Task,
    *args: Any,
    backend: str | None = None,
    expected: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Fail if there is a job of a task with these arguments; see `assert_enqueued`."""
    home = backend_of(backend or task.backend)
    given = _given(args, kwargs)
    testing.assert_not_enqueued(home.client, task.module_path, given, **_expected(expected))


class EagerBackend(PgqBackend):
    """Stores a job and runs it at once, with whatever else is ready in its queue.

    A job that is due later, or waits for a semaphore, stays until `drain`. An error of a task is in
    its result, and never raised by `enqueue`.
    """

    def enqueue_all(self, task_calls: Iterable[TaskCall]) -> list[PgqTaskResult]:
        """Add jobs and run them; return the results of then."""
        made = super().enqueue_all(task_calls)
        stored = [result for result in made if result.id]
        if stored:
            queues = sorted({result.task.queue_name for result in stored})
            _drained(self, queues, max_jobs=1000, raise_errors=False)
        for result in stored:
            found = self.get_result(result.id)
            for name in TASK_REFRESH_ATTRS:
                object.__setattr__(result, name, getattr(found, name))
        return made


def _drained(
    backend: PgqBackend, queues: Sequence[str], max_jobs: int, *, raise_errors: bool
) -> list[PgqTaskResult]:
    registry = tasks.Registry(accept_all=True, resolve=resolver_of(backend, here=True))
    try:
        ran = testing.drain(
            backend.client, registry, queues=queues, max_jobs=max_jobs, raise_errors=raise_errors
        )
    finally:
        interrupt, backend.interrupted = backend.interrupted, None
        if interrupt is not None:
            raise interrupt
    return [backend.get_result(str(job.id)) for job in ran]


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not args and not kwargs:
        return None
    return as_args(tuple(normalize_json(args)), normalize_json(kwargs))


def _expected(given: Mapping[str, Any] | None) -> dict[str, Any]:
    expected = {_NAMES.get(name, name): value for name, value in (given or {}).items()}
    if "priority" in expected:
        if not isinstance(expected["priority"], int):
            raise InvalidArgument("priority is no integer")
        expected["priority"] = -expected["priority"]
    return expected
