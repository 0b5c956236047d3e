"""What a call of the database is: a statement, its arguments, and how its rows are read. No I/O.

The helpers named after SQL types wrap an argument. None stays None: the argument is then left out
of the statement, and the function's own default counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pgq.calls.columns import MOMENT, PLAIN, SPAN, Kind, decode, kinds_of
from pgq.calls.columns import Row as Row
from pgq.lib.checks import as_ids, as_listed, check_integer, check_text, check_truth
from pgq.options import Option
from pgq.schema.names import quote_identifier
from pgq.values import Duration, check_object, interval_text, json_text, moment_text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Argument(NamedTuple):
    """A value and the SQL type that it is cast to."""

    sql_type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """A statement with `{schema}` where the schema's name goes; `read` takes its rows."""

    template: str
    parameters: dict[str, Any]
    read: Callable[[Sequence[Row]], T_co]
    # What the clients send it in.
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    # Whether to let the connection prepare it, if it prepares at all: for what is called often, and
    # answers with the same columns in every release.
    prepares: bool = False
    # Its texts with the parameters in them, by schema and encoding: putting one together takes long
    # beside sending it, and an idle worker sends the same claim again and again.
    texts: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)

    def statement(self, schema: str) -> bytes:
        """Return the statement for a schema of that name (not quoted yet)."""
        return _statement(self.template, schema)


@lru_cache(maxsize=500)
def _statement(template: str, schema: str) -> bytes:
    return template.replace("{schema}", quote_identifier(schema)).encode()


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What a statement selects, and how its rows are read."""

    columns: str
    read: Callable[[Sequence[Row]], T_co]


def call_function(
    name: str, answer: Answer[T], prepares: bool = False, /, **arguments: Argument | None
) -> Call[T]:
    """Return the call of a SQL function, with the arguments that are given, by name."""
    given = {key: argument for key, argument in arguments.items() if argument is not None}
    places = ", ".join(f"{key} => %({key})s::{given[key].sql_type}" for key in given)
    template = f"select {answer.columns} from {{schema}}.{name}({places}) as answer"
    parameters = {
        key: _SENT[argument.sql_type](argument.value, key) for key, argument in given.items()
    }
    return Call(template, parameters, answer.read, prepares=prepares)


def _listed(each: Callable[[Any, str], Any], given: Any, what: str) -> list[Any]:
    return [None if one is None else each(one, what) for one in as_listed(given, what)]


def _ids(given: Any, what: str) -> str:
    """Return ids as one text: cheaper than an array of thousands of driver values."""
    return "{" + ",".join(map(str, as_ids(given, what))) + "}"


def _bigint(given: Any, what: str) -> int | None:
    # Only an argument that has no default in SQL is sent as null.
    return None if given is None else check_integer(given, what)


# What is sent of a value, by the type of the argument and with its name for errors. Each refuses
# what is of another type, so that a new binding need not.
_SENT: Final[dict[str, Callable[[Any, str], Any]]] = {
    "text": check_text,
    "bigint": _bigint,
    "boolean": check_truth,
    "interval": interval_text,
    "timestamptz": moment_text,
    "bigint[]": _ids,
    "text[]": partial(_listed, check_text),
    "boolean[]": partial(_listed, check_truth),
    "interval[]": partial(_listed, interval_text),
}


def one_of(kind: Kind) -> Answer[Any]:
    """Return what reads the one value, of that kind, of a function's one row."""
    read = kind.read

    def first(rows: Sequence[Row]) -> Any:
        cell = rows[0][0]
        return cell if read is None or cell is None else read(cell)

    return Answer(kind.asked.format("answer"), first)


def each_of(kind: Kind) -> Answer[list[Any]]:
    """Return what reads a function's one column of that kind, of any number of rows."""
    return Answer(
        kind.asked.format("answer"), lambda rows: [row[0] for row in decode(rows, [kind])]
    )


value: Final = one_of(PLAIN)
values: Final = each_of(PLAIN)
moment: Final = one_of(MOMENT)
moments: Final = each_of(MOMENT)
span: Final = one_of(SPAN)
# A function that returns void.
nothing: Final[Answer[None]] = Answer("answer", lambda _rows: None)


def rows_as(kind: Callable[..., T], **expressions: str) -> Answer[list[T]]:
    """Return what reads any number of rows, each a NamedTuple of that type.

    Its fields are the columns, but for those with another expression here.
    """
    columns, kinds = _shape(kind, tuple(expressions.items()))
    make: Callable[[Row], T] = kind._make  # type: ignore[attr-defined]
    return Answer(columns, lambda rows: list(map(make, decode(rows, kinds))))


@lru_cache
def _shape(row: Any, expressions: tuple[tuple[str, str], ...]) -> tuple[str, list[Kind]]:
    """Return the columns to select for a NamedTuple, and their kinds."""
    kinds = kinds_of(row)
    others = dict(expressions)
    asked = (kind.asked.format(others.get(name, name)) for name, kind in kinds.items())
    return ", ".join(asked), list(kinds.values())


def row_as(kind: Callable[..., T], **expressions: str) -> Answer[T]:
    """Return what reads exactly one row; see `rows_as`."""
    rows = rows_as(kind, **expressions)
    return Answer(rows.columns, lambda found: rows.read(found)[0])


def row_or_none(kind: Callable[..., T]) -> Answer[T | None]:
    """Return what reads one row or none; see `rows_as`."""
    rows = rows_as(kind)
    return Answer(rows.columns, lambda found: rows.read(found)[0] if found else None)


def text(given: str | None) -> Argument | None:
    """Wrap a text."""
    return None if given is None else Argument("text", given)


def bigint(given: int | None) -> Argument | None:
    """Wrap an integer."""
    return None if given is None else Argument("bigint", given)


def boolean(given: bool | None) -> Argument | None:
    """Wrap a truth value."""
    return None if given is None else Argument("boolean", given)


def interval(given: Duration | None) -> Argument | None:
    """Wrap a duration."""
    return None if given is None else Argument("interval", given)


def timestamptz(given: datetime | None) -> Argument | None:
    """Wrap a point in time; InvalidJob for one without a time zone."""
    return None if given is None else Argument("timestamptz", given)


def json(given: Any, what: str) -> Argument | None:
    """Wrap a value that the function reads as JSON; InvalidJob where it is not."""
    return None if given is None else Argument("text", json_text(given, what))


def json_object(given: Any, what: str) -> Argument | None:
    """Wrap what the function reads as a JSON object."""
    return None if given is None else json(check_object(given, what), what)


def argument(option: Option, given: Any) -> Argument | None:
    """Wrap the value of an option as the list of them says."""
    if given is None:
        return None
    made = given if option.sent is None else option.sent(given, option.name)
    return (
        json(made, option.name) if option.sql_type == "jsonb" else Argument(option.sql_type, made)
    )


def bigints(given: Iterable[int] | int | None) -> Argument | None:
    """Wrap integers, or one."""
    return None if given is None else Argument("bigint[]", given)


def texts(given: Iterable[str | None] | None) -> Argument | None:
    """Wrap texts."""
    return None if given is None else Argument("text[]", given)


def booleans(given: Iterable[bool | None] | None) -> Argument | None:
    """Wrap truth values."""
    return None if given is None else Argument("boolean[]", given)


def intervals(given: Iterable[Duration | None] | None) -> Argument | None:
    """Wrap durations."""
    return None if given is None else Argument("interval[]", given)


def jsons(given: Iterable[Any] | None, what: str) -> Argument | None:
    """Wrap values that the function reads as JSON; None stays SQL's null."""
    if given is None:
        return None
    return Argument("text[]", _listed(json_text, given, what))
