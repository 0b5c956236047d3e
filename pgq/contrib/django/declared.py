"""What pgq knows of a Django task beside Django's own options, and the tasks that were declared.

    @job_options(max_attempts=5, concurrency_key="account:{account_id}", concurrency_limit=1)
    @task(queue_name="accounts")
    def sync(account_id): ...

The attributes that dj-queue reads from a function count too: `concurrency_key`,
`concurrency_limit`, `concurrency_duration` and `on_conflict`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack

from pgq.contrib.django.exceptions import EnqueueError
from pgq.errors import InvalidArgument
from pgq.options import KEYS
from pgq.schedules import Recurrence
from pgq.task_keys import TaskOptions

if TYPE_CHECKING:
    from pgq.contrib.django.compat import Task
    from pgq.options import Args

F = TypeVar("F")


class DjangoOptions(TaskOptions, total=False):
    """The options of pgq.task but those that Django's own task has, and what is Django's here.

    atomic: the function runs in a transaction of Django's that ends with the job completed.
    enqueue_on_commit: a job is added when the transaction of Django's commits, not within it.
    args: those of the jobs of its schedule, which `cron` or `every` make.
    """

    atomic: bool
    enqueue_on_commit: bool
    args: Args | None


_KEEPS: Final = "pgq_options"
_OF_DJANGO: Final = ("queue", "priority")
OWN: Final = ("atomic", "enqueue_on_commit", "args")
OF_SCHEDULES: Final = (*Recurrence.__annotations__, "args")
_OF_TASKS: Final = frozenset({
    *TaskOptions.__required_keys__, *TaskOptions.__optional_keys__, *OWN,
})  # fmt: skip
# dj-queue's attributes of a function, and what they are called here.
_DJ_QUEUE: Final = {
    "concurrency_key": "concurrency_key",
    "concurrency_limit": "concurrency_limit",
    "concurrency_duration": "concurrency_duration",
    "on_conflict": "concurrency_on_conflict",
}

_declared: dict[str, Task] = {}


def job_options(**options: Unpack[DjangoOptions]) -> Callable[[F], F]:
    """Give a Django task options of pgq; stands above or below Django's `task`.

    Raises InvalidArgument for options that pgq.task does not have, and for those that Django's task
    has itself.
    """
    given: dict[str, Any] = {**options}
    if theirs := sorted(given.keys() & set(_OF_DJANGO)):
        hint = "Pass queue_name and priority to Django's task()."
        raise InvalidArgument(f"job_options has no {', '.join(theirs)}", hint)
    if unknown := sorted(given.keys() - _OF_TASKS):
        hint = f"There are {', '.join(sorted(_OF_TASKS - {*_OF_DJANGO}))}."
        raise InvalidArgument(f"job_options has no {', '.join(unknown)}", hint)

    def mark(target: F) -> F:
        function: Any = getattr(target, "func", target)
        vars(function)[_KEEPS] = {**getattr(function, _KEEPS, {}), **given}
        return target

    return mark


def options_of(function: Callable[..., Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a task's function over those of its backend."""
    found = dict(defaults)
    if getattr(function, "concurrency_key", None) not in (None, ""):
        for theirs, ours in _DJ_QUEUE.items():
            if (given := getattr(function, theirs, None)) is not None:
                found[ours] = given
    found.update(getattr(function, _KEEPS, {}))
    if found.get("concurrency_key") is not None:
        _check_limit(found)
    return found


def split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keys that are made of arguments, and the options that each job has."""
    keys = {name: options[name] for name in KEYS if options.get(name) is not None}
    apart = {*KEYS, *OWN, *OF_SCHEDULES, "retry_on", "no_retry_on"}
    return keys, {name: given for name, given in options.items() if name not in apart}


def _check_limit(options: Mapping[str, Any]) -> None:
    """Refuse what dj-queue refuses, in its words."""
    key = options["concurrency_key"]
    if not isinstance(key, str) and not callable(key):
        raise EnqueueError("concurrency_key must be a string or callable")
    limit = options.get("concurrency_limit")
    if limit is None:
        raise EnqueueError("concurrency_limit is required when concurrency_key is set")
    for name in ("concurrency_limit", "concurrency_duration"):
        given = options.get(name)
        wrong = isinstance(given, bool) or (isinstance(given, int | float) and given <= 0)
        if wrong or (name == "concurrency_limit" and not isinstance(given, int)):
            raise EnqueueError(f"{name} must be a positive integer")
    if options.get("concurrency_on_conflict") not in (None, "block", "discard"):
        raise EnqueueError("on_conflict must be 'block' or 'discard'")


def note(task: Task) -> None:
    """Remember a task that Django has made, for the workers of this process.

    The first one of a function is its declaration; those that `using` makes follow.
    """
    known = _declared.get(task.module_path)
    if known is None or known.func is not task.func:
        _declared[task.module_path] = task


def declared() -> list[Task]:
    """Return every task that was declared in this process, in order of their import paths."""
    return [task for _, task in sorted(_declared.items())]
