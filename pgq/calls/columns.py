"""How the columns of an answer are asked for, and how they are read: alike on every connection.

What travels is text, integers and truth values, which every driver reads alike under any setting of
the session: JSON as its text, times and durations as seconds. The rest is decoded here, cell by
cell, so that one that cannot be read spoils no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from json import JSONDecoder
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pgq.values import Undecodable

Row = tuple[Any, ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Reads a value without looking for space before or after it: what a jsonb is written as has none.
_SCAN: Final = JSONDecoder().raw_decode


class Kind(NamedTuple):
    """How a column of some type is asked for, with {} for the column; what reads a cell of it."""

    asked: str
    read: Callable[[str], Any] | None = None


def read_json(text: str) -> Any:
    """Read JSON; what Python cannot hold stays text, as Undecodable."""
    try:
        return _SCAN(text)[0]
    except (ValueError, RecursionError) as error:
        return Undecodable(text, f"{type(error).__name__}: {error}")


def read_moment(text: str) -> Any:
    """Read seconds since 1970 as a time in UTC; what is beyond Python's calendar stays text."""
    try:
        return _EPOCH + timedelta(microseconds=_microseconds(text))
    except (ValueError, ArithmeticError) as error:
        return Undecodable(text, f"{type(error).__name__}: {error}")


def read_span(text: str) -> Any:
    """Read seconds as a duration; what no timedelta can hold stays text."""
    try:
        return timedelta(microseconds=_microseconds(text))
    except (ValueError, ArithmeticError) as error:
        return Undecodable(text, f"{type(error).__name__}: {error}")


def _microseconds(text: str) -> int:
    return int(Decimal(text) * 1_000_000)


PLAIN: Final = Kind("{}")
JSON: Final = Kind("{}::text", read_json)
ARRAY: Final = Kind("to_jsonb({})::text", read_json)
# As text, a float has as many digits as the session's extra_float_digits leaves it.
NUMBER: Final = Kind("{}::numeric::text", float)
NUMBERS: Final = Kind("to_jsonb({}::numeric[])::text", read_json)
MOMENT: Final = Kind("extract(epoch from {})::text", read_moment)
SPAN: Final = Kind("extract(epoch from {})::text", read_span)


@lru_cache
def kinds_of(row: type) -> dict[str, Kind]:
    """Return the fields of a NamedTuple, with the kind of column that each is read from.

    A field is the column of its name, unless it is Annotated with another expression.
    """
    hints = get_type_hints(row, include_extras=True)
    return {name: kind_of(hint) for name, hint in hints.items()}


def kind_of(hint: Any) -> Kind:
    """Return the kind of column that a value of this type is read from."""
    if get_origin(hint) is Annotated:
        kind = kind_of(hint.__origin__)
        return kind._replace(asked=kind.asked.format(*hint.__metadata__))
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    inside = get_args(hint)
    match get_origin(hint) or hint:
        case kind if kind in (Any, dict) or isinstance(kind, TypeVar):
            return JSON
        case kind if kind is list:
            of_items = {dict: JSON, float: NUMBERS}
            return of_items.get(get_origin(inside[0]) or inside[0], ARRAY)
        case kind if kind is datetime:
            return MOMENT
        case kind if kind is timedelta:
            return SPAN
        case kind if kind is float:
            return NUMBER
        case _:
            return PLAIN


def decode(rows: Sequence[Row], kinds: Sequence[Kind]) -> Sequence[Row]:
    """Return rows with their cells read; columns beyond `kinds` are left out."""
    if not rows:
        return rows
    columns: list[Any] = list(zip(*rows, strict=True))[: len(kinds)]
    for place, kind in enumerate(kinds):
        read = kind.read
        if read is not None:
            columns[place] = [None if cell is None else read(cell) for cell in columns[place]]
    return list(zip(*columns, strict=True))
