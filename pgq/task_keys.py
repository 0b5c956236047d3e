"""Keys that a task makes of its jobs' arguments: "account:{account_id}", or a function of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from string import Formatter
from typing import Any, Final

from pgq.errors import InvalidArgument, InvalidJob
from pgq.isolation import Isolation
from pgq.jobs import NewJob
from pgq.options import JobDefaults, OnConflict, UniqueBy, what_needs
from pgq.retries import ErrorTypes
from pgq.schedules import Recurrence
from pgq.values import Duration

Key = str | Callable[..., str | None]
"""A format string with the names of the handler's arguments, or a function that takes them all.

A job for which the function returns None has no key, nor the options that go with it.
"""


_PLAIN: Final = re.compile(r"(?:[^{}]|\{\{|\}\}|\{[^\W\d]\w*\})+")


class TaskOptions(Recurrence, JobDefaults, total=False):
    """The options of a task: the defaults of its jobs, what is retried, its own schedule, where its
    handler runs, and what is enqueued when one fails.
    """

    unique_key: Key | None
    on_conflict: OnConflict | None
    unique_by: UniqueBy | None
    concurrency_key: Key | None
    partition_key: Key | None
    retry_on: ErrorTypes | None
    no_retry_on: ErrorTypes | None
    isolation: Isolation | None
    memory: str | int | None
    cpu_time: Duration | None
    on_exhausted: str | None


class Keys:
    """The keys that a task's jobs have, by option; InvalidArgument for what can never be made."""

    def __init__(
        self, task: str, keys: Mapping[str, Key], signature: inspect.Signature | None
    ) -> None:
        self._task = task
        self._keys = dict(keys)
        self._signature = signature
        for option, key in self._keys.items():
            if signature is None:
                raise InvalidArgument(f"task {task!r}: {option} of a handler without a signature")
            if isinstance(key, str):
                _check_template(f"task {task!r}: {option}", key, signature)
            elif not callable(key):
                raise InvalidArgument(
                    f"task {task!r}: {option} is neither text nor a function",
                    'Write one such as "account:{account_id}".',
                )

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def templates(self) -> dict[str, str]:
        """Return the keys that the database can make too, by option: plain names in braces.

        A function, and a format string that does more, need Python.
        """
        return {
            option: key
            for option, key in self._keys.items()
            if isinstance(key, str) and _PLAIN.fullmatch(key)
        }

    def add_to(self, job: NewJob, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NewJob:
        """Return the job with its keys but those that it has; TypeError where args do not fit."""
        missing = {name: key for name, key in self._keys.items() if getattr(job, name) is None}
        if not missing or self._signature is None:
            return job
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        options: dict[str, Any] = {}
        for option, key in missing.items():
            options[option] = self._make(option, key, bound)
            if options[option] is None:
                options.update(dict.fromkeys(what_needs(option)))
        keyed = replace(job, **options)
        names = [*(job.declared or ()), *missing]
        return replace(keyed, declared=[each for each in names if getattr(keyed, each) is not None])

    def _make(self, option: str, key: Key, bound: inspect.BoundArguments) -> str | None:
        what = f"task {self._task!r}: {option}"
        if isinstance(key, str):
            try:
                return key.format_map({**bound.arguments, **bound.kwargs})
            except (LookupError, AttributeError, TypeError, ValueError) as error:
                raise InvalidJob(
                    f"{what} {key!r} cannot be made of the args: {error!r}",
                    "Use a function for keys that need more than the arguments' text.",
                ) from error
        made = key(*bound.args, **bound.kwargs)
        if made is not None and not isinstance(made, str):
            raise InvalidJob(f"{what} is {made!r}, not text", "Return text, or None for no key.")
        return made


def _check_template(what: str, template: str, signature: inspect.Signature) -> None:
    parameters = signature.parameters.values()
    # Whatever it names may come.
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return
    known = ", ".join(signature.parameters) or "none"
    for name in _names_in(what, template):
        if name not in signature.parameters:
            raise InvalidArgument(
                f"{what} {template!r} names {name!r}, which is no argument of the handler",
                f"Its arguments are: {known}. Double braces that are meant as such.",
            )


def _names_in(what: str, template: str) -> Iterator[str]:
    """Yield the names of arguments in a format string; InvalidArgument where it is none."""
    try:
        for _, field, specification, _ in Formatter().parse(template):
            if field is not None:
                yield field.partition(".")[0].partition("[")[0]
                yield from _names_in(what, specification or "")
    except ValueError as error:
        raise InvalidArgument(
            f"{what} {template!r} is no format string: {error}", "Double braces meant as such."
        ) from error
