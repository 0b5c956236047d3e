"""A SQL function as a Python function that is only declared.

    @sql_function
    def pause_queue(queue: str, duration: Duration | None = None) -> Call[None]:
        \"\"\"Stop claims from a queue, for a while or until resume_queue.\"\"\"

The name, the arguments with their SQL types, and how the answer is read: all that is what the
signature says. An argument that has a default and is None is left out of the statement, and the
function's own default counts. `**filters: Unpack[SomeTypedDict]` stands for the arguments that the
TypedDict has, each of which may be left out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, wraps
from types import NoneType
from typing import (
    Any,
    Final,
    Literal,
    NamedTuple,
    ParamSpec,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pgq.calls.call import (
    Answer,
    Argument,
    Call,
    call_function,
    each_of,
    nothing,
    one_of,
    row_as,
    row_or_none,
    rows_as,
)
from pgq.calls.columns import Row, kind_of
from pgq.errors import InvalidArgument
from pgq.flows import jobs_text, listed
from pgq.jobs import NewJob, job_text
from pgq.lib.checks import as_listed
from pgq.rows import JobPage, ListedJob
from pgq.schedules import NewSchedule, schedules_text
from pgq.tasks import AnyTask, tasks_text
from pgq.values import Backoff, Duration, JsonText, backoff_text, check_object, json_text

P = ParamSpec("P")
T = TypeVar("T")


def _object_text(given: Any, what: str) -> str:
    return json_text(check_object(given, what), what)


def _schedules_text(given: Any, _: str) -> str:
    return schedules_text(given)


def _jobs_text(given: Any, _: str) -> str:
    return given if isinstance(given, JsonText) else jobs_text(listed(given))


def _json_texts(given: Any, what: str) -> list[Any]:
    return [None if each is None else json_text(each, what) for each in as_listed(given, what)]


class _Kind(NamedTuple):
    """The SQL type of an argument, and what makes such a value where call_function cannot."""

    sql_type: str
    made: Callable[[Any, str], Any] | None = None
    nullable: bool = False


# By what an annotation says, None apart. Lists of these are derived.
_KINDS: Final[dict[Any, _Kind]] = {
    str: _Kind("text"),
    int: _Kind("bigint"),
    bool: _Kind("boolean"),
    Duration: _Kind("interval"),
    datetime: _Kind("timestamptz"),
    Backoff: _Kind("text", backoff_text),
    Iterable[int] | int: _Kind("bigint[]"),
    Any: _Kind("text", json_text, nullable=True),
    Iterable[Any]: _Kind("text[]", _json_texts),
    Mapping[str, Any]: _Kind("text", _object_text),
    NewJob: _Kind("text", job_text),
    Iterable[NewJob]: _Kind("text", _jobs_text),
    Iterable[NewSchedule]: _Kind("text", _schedules_text),
    Iterable[AnyTask]: _Kind("text", tasks_text),
}


_LISTED: Final = rows_as(ListedJob)


def _read_page(rows: Sequence[Row]) -> JobPage:
    """Read the jobs, and in a last row without one where to go on."""
    goes_on = bool(rows) and rows[-1][0] is None
    jobs = _LISTED.read(rows[:-1] if goes_on else rows)
    return JobPage(jobs, rows[-1][-1] if goes_on else None)


_PAGE: Final = Answer(f"{_LISTED.columns}, looked_to", _read_page)


def sql_function(declared: Callable[P, Call[T]]) -> Callable[P, Call[T]]:
    """Return the function that makes the call which this one declares."""

    @wraps(declared)
    def build(*args: P.args, **kwargs: P.kwargs) -> Call[T]:
        declared(*args, **kwargs)  # refuses what does not fit its signature
        bound = _bound(declared)
        given = dict(zip(bound.kinds, args, strict=False), **kwargs)
        if unknown := given.keys() - bound.kinds:
            raise TypeError(f"{declared.__name__}() has no argument {min(unknown)!r}")
        arguments = {
            name: _argument(kind, given.get(name), name)
            for name, kind in bound.kinds.items()
            if given.get(name) is not None or name in bound.required
        }
        return call_function(declared.__name__, bound.answer, **arguments)

    if declared.__code__.co_flags & inspect.CO_VARKEYWORDS:  # of others it is read when asked for
        build.__signature__ = _signature(declared)  # type: ignore[attr-defined]
    return build


def _argument(kind: _Kind, given: Any, what: str) -> Argument:
    if given is None and not kind.nullable:
        raise InvalidArgument(f"{what} is None", "Pass a value.")
    return Argument(kind.sql_type, kind.made(given, what) if kind.made else given)


class _Bound(NamedTuple):
    kinds: dict[str, _Kind]
    required: frozenset[str]
    answer: Answer[Any]


def _keys_of(declared: Callable[..., Any]) -> Any:
    """Return the TypedDict of what a function takes by `**`, if it has that."""
    for name, each in inspect.signature(declared).parameters.items():
        if each.kind is each.VAR_KEYWORD:
            return get_args(get_type_hints(declared)[name])[0]
    return None


def _signature(declared: Callable[..., Any]) -> inspect.Signature:
    """Return what a function takes, with the keys of its TypedDict as arguments, in SQL's order."""
    whole = inspect.signature(declared)
    if not (keys := _keys_of(declared)):
        return whole
    *named, last = whole.parameters.values()
    filters = [
        inspect.Parameter(name, last.KEYWORD_ONLY, default=None, annotation=hint.__forward_arg__)
        for name, hint in keys.__annotations__.items()
    ]
    first = [each for each in named if each.kind is not each.KEYWORD_ONLY]
    return whole.replace(parameters=[*first, *filters, *named[len(first) :]])


@cache
def _bound(declared: Callable[..., Any]) -> _Bound:
    parameters = _signature(declared).parameters
    hints = get_type_hints(declared)
    if keys := _keys_of(declared):
        hints |= get_type_hints(keys)
    return _Bound(
        {name: _kind(hints[name]) for name in parameters},
        frozenset(name for name, each in parameters.items() if each.default is each.empty),
        _answer(get_args(hints["return"])[0]),
    )


def _without_none(hint: Any) -> Any:
    if NoneType not in (inside := get_args(hint)):
        return hint
    return Union[*(each for each in inside if each is not NoneType)]  # pyright: ignore


def _kind(hint: Any) -> _Kind:
    if hint in _KINDS:
        return _KINDS[hint]
    if get_origin(hint) is Literal:
        return _KINDS[str]
    if (plain := _without_none(hint)) is not hint:
        return _kind(plain)._replace(nullable=True)
    (each,) = get_args(hint)
    return _Kind(f"{_kind(each).sql_type}[]")


def _answer(hint: Any) -> Answer[Any]:
    if hint is NoneType:
        return nothing
    if hint is JobPage:
        return _PAGE
    is_list = get_origin(hint) is list
    each = get_args(hint)[0] if is_list else _without_none(hint)
    if not hasattr(each, "_fields"):
        return each_of(kind_of(each)) if is_list else one_of(kind_of(each))
    if is_list:
        return rows_as(each)
    return row_as(each) if each is hint else row_or_none(each)
