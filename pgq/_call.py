"""What a call of the database is: a statement, its arguments, and how its rows are read. No I/O.

The helpers named after SQL types wrap an argument. None stays None: the argument is then left out
of the statement, and the function's own default counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from pgq._resources import quote_identifier
from pgq._values import Duration, interval_text, json_text, moment_text

T = TypeVar("T")
Row = tuple[Any, ...]


class Argument(NamedTuple):
    """A value and the SQL type that it is cast to."""

    sql_type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A statement with `{schema}` where the schema's name goes; `read` takes its rows."""

    template: str
    parameters: dict[str, Any]
    read: Callable[[Sequence[Row]], T]
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


def call_function(
    name: str,
    read: Callable[[Sequence[Row]], T],
    columns: str = "*",
    prepares: bool = False,
    /,
    **arguments: Argument | None,
) -> Call[T]:
    """Return the call of a SQL function, with the arguments that are given, by name."""
    given = {key: argument for key, argument in arguments.items() if argument is not None}
    places = ", ".join(f"{key} => %({key})s::{given[key].sql_type}" for key in given)
    template = f"select {columns} from {{schema}}.{name}({places})"
    parameters = {key: argument.value for key, argument in given.items()}
    return Call(template, parameters, read, prepares=prepares)


def value(rows: Sequence[Row]) -> Any:
    """Read the one value of the one row."""
    return rows[0][0]


def values(rows: Sequence[Row]) -> list[Any]:
    """Read the one column of any number of rows."""
    return [row[0] for row in rows]


def nothing(rows: Sequence[Row]) -> None:
    """Read the answer of a function that returns void."""


def row_as(kind: Callable[..., T]) -> Callable[[Sequence[Row]], T]:
    """Return a reader of exactly one row."""
    make = _maker(kind)
    return lambda rows: make(rows[0])


def row_or_none(kind: Callable[..., T]) -> Callable[[Sequence[Row]], T | None]:
    """Return a reader of one row or none."""
    make = _maker(kind)
    return lambda rows: make(rows[0]) if rows else None


def rows_as(kind: Callable[..., T]) -> Callable[[Sequence[Row]], list[T]]:
    """Return a reader of any number of rows."""
    make = _maker(kind)
    return lambda rows: [make(row) for row in rows]


def _maker(kind: Callable[..., T]) -> Callable[[Row], T]:
    """Return what makes a row into a `kind`; columns that a newer schema appended are left out."""
    fields = getattr(kind, "_fields", None)
    if fields is None:
        return lambda row: kind(*row)
    width = len(fields)
    return lambda row: kind(*row[:width])


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
    return None if given is None else Argument("interval", interval_text(given))


def timestamptz(given: datetime | None, what: str) -> Argument | None:
    """Wrap a point in time; InvalidJob for one without a time zone."""
    return None if given is None else Argument("timestamptz", moment_text(given, what))


def json(given: Any, what: str) -> Argument | None:
    """Wrap a value that the function reads as JSON; InvalidJob where it is not."""
    return None if given is None else Argument("text", json_text(given, what))


def bigints(given: Iterable[int] | None) -> Argument | None:
    """Wrap integers, as one text: cheaper than an array of thousands of driver values."""
    if given is None:
        return None
    return Argument("bigint[]", "{" + ",".join(map(str, map(int, given))) + "}")


def texts(given: Iterable[str | None] | None) -> Argument | None:
    """Wrap texts."""
    return None if given is None else Argument("text[]", list(given))


def booleans(given: Iterable[bool | None] | None) -> Argument | None:
    """Wrap truth values."""
    return None if given is None else Argument("boolean[]", list(given))


def intervals(given: Iterable[Duration | None] | None) -> Argument | None:
    """Wrap durations."""
    if given is None:
        return None
    as_texts = [None if duration is None else interval_text(duration) for duration in given]
    return Argument("interval[]", as_texts)


def jsons(given: Iterable[Any] | None, what: str) -> Argument | None:
    """Wrap values that the function reads as JSON; None stays SQL's null."""
    if given is None:
        return None
    return Argument("text[]", [None if each is None else json_text(each, what) for each in given])
