"""What goes into the queue and what comes out of it: plain immutable values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, MISSING, dataclass, field
from datetime import datetime
from functools import wraps
from typing import Any, Final

from pgq.errors import InvalidArgument, InvalidJob
from pgq.lib.checks import as_listed, shown
from pgq.options import (
    OPTIONS,
    Args,
    JobFields,
    OnConflict,
    OnParentFailure,
    UniqueBy,
    as_json_by_name,
    plain_types,
    shown_with,
)
from pgq.values import Duration, json_text
from pgq.values import Undecodable as Undecodable


@dataclass(frozen=True, repr=False)
class NewJob(JobFields):
    """A job to be enqueued; an option that is None has the schema's default.

    Inside one enqueue_many it may depend on other jobs of the call: on NewJobs themselves, or on
    the `ref` of one. Those come first; `pgq.flow` puts them in order.
    """

    # What was given is in vars(self), and nothing else; other options are found in the class.

    task: str
    args: Args = field(default_factory=dict[str, Any])
    _: KW_ONLY
    run_at: datetime | None = None
    delay: Duration | None = None
    on_conflict: OnConflict | None = None
    depends_on: Sequence[Parent] | None = None
    on_parent_failure: OnParentFailure | None = None
    batch_id: int | None = None
    unique_by: UniqueBy | None = None
    max_wait: Duration | None = None
    ref: str | None = None

    def __repr__(self) -> str:
        return shown_with(OPTIONS, self)

    def changed(self, **options: Any) -> NewJob:
        """Return the same job with those of the options that are not None."""
        given = {name: option for name, option in options.items() if option is not None}
        declared = self.declared
        if isinstance(declared, list | tuple) and any(
            type(name) is str and name in given for name in declared
        ):
            # What is said for this job is not the task's any more.
            given.setdefault("declared", [name for name in declared if name not in given])
        return type(self)(**{**vars(self), **given})

    def after(self, *parents: Parent, on_parent_failure: OnParentFailure | None = None) -> NewJob:
        """Return the same job, which then also waits until these jobs have ended.

        If one of them does not succeed: "cancel" (the default) this job, "run" it, or "wait" for a
        retry.
        """
        depends_on = [*(self.depends_on or ()), *parents]
        return self.changed(depends_on=depends_on, on_parent_failure=on_parent_failure)

    def as_json(self) -> dict[str, Any]:
        """Return the job as enqueue_many takes it, without options that are None.

        InvalidArgument for an option of a wrong type, InvalidJob for a wrong time or parent.
        """
        return {
            name: given if type(given) is _PLAIN.get(name) else _AS_JSON[name](given, name)
            for name, given in vars(self).items()
            if given is not None
        }


_KNOWN = frozenset(option.name for option in OPTIONS)
_init_of_all = NewJob.__init__


@wraps(_init_of_all)
def _init_of_given(self: NewJob, task: str, args: Any = MISSING, **options: Any) -> None:
    """Keep only the given options. To store all took longer than the rest of a bulk enqueue."""
    if not options.keys() <= _KNOWN:
        _init_of_all(self, task, {} if args is MISSING else args, **options)
        return
    given = vars(self)
    given["task"] = task
    given["args"] = {} if args is MISSING else args
    given.update(options)


NewJob.__init__ = _init_of_given  # type: ignore[method-assign]


def job_text(job: Any, what: str) -> str:
    """Return a job as the JSON that SQL functions take; InvalidJob names what is wrong with it."""
    if not isinstance(job, NewJob):
        raise InvalidJob(f"{what} is {shown(job)}, no NewJob", "See Task.job and NewJob.")
    try:
        return json_text(job.as_json(), what)
    except InvalidArgument as error:
        raise InvalidJob(f"{what}: {error.message}", error.hint) from None


Parent = int | str | NewJob
"""A job that another one depends on: its id; inside one enqueue_many its ref, or the job itself."""


def parent_ids(depends_on: Sequence[Parent]) -> list[int]:
    """Return the ids of parents; InvalidJob where one has none yet."""
    parents = parents_listed(depends_on)
    ids = [parent for parent in parents if not isinstance(parent, str | NewJob)]
    if len(ids) < len(parents):
        raise InvalidJob(
            "depends_on names a job that has no id yet",
            "Enqueue both in one enqueue_many, or pass the id that enqueue returned.",
        )
    return ids


def _refs(depends_on: Sequence[Parent], _what: str) -> list[Parent]:
    parents = parents_listed(depends_on)
    if any(isinstance(parent, NewJob) for parent in parents):
        parent_ids(parents)
    return parents


def parents_listed(depends_on: Sequence[Parent]) -> list[Parent]:
    """Return the parents of a job; InvalidJob for what is no list."""
    try:
        return as_listed(depends_on, "depends_on")
    except InvalidArgument as error:
        raise InvalidJob(error.message, "Pass a list of ids.") from None


_PLAIN: Final = plain_types(OPTIONS)
_AS_JSON: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    **as_json_by_name(OPTIONS),
    "depends_on": _refs,
}
