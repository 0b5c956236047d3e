"""Schedules in a TOML file, for people who would rather not have them in code.

    [schedules.nightly-report]
    task = "report"
    cron = "30 2 * * mon-fri"
    timezone = "Europe/Berlin"
    args = { kind = "daily" }

Or one table [[schedule]] each, with a name. The keys are the arguments of the SQL function
`schedule`; `source = "..."` at the top goes before the file's own name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, Final, cast

from pgq.errors import InvalidArgument
from pgq.schedules import OPTIONS, NewSchedule, StaticSchedules

_TEXT: Final = ((str,), "a text")
_TABLE: Final = ((dict,), "a table")

# What a key may hold, by the type of the option, and where that says too little.
_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "text": _TEXT,
    "bigint": ((int,), "a whole number"),
    "interval": ((str, int, float), 'a number of seconds, or a text such as "5 minutes"'),
    "timestamptz": ((datetime,), "a time with an offset, such as 2030-01-31T08:00:00Z"),
    "jsonb": _TABLE,
}
_ODD_KINDS: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "args": ((dict, list), "a table or an array"),
    "backoff": ((str, int, float, list, dict), "a delay, a kind, an array or a table"),
}
_OPTIONS: Final = {option.name: option for option in OPTIONS if option.name != "declared"}


def read_schedules(path: str | PathLike[str]) -> StaticSchedules:
    """Read a file of schedules; InvalidArgument says what in it is wrong, and where."""
    file = Path(path)
    content = _load(file)
    source = content.pop("source", f"file:{file.name}")
    if not isinstance(source, str) or not source:
        raise InvalidArgument(f"{file}: source is not {_TEXT[1]}")
    found = list(_tables(file, content))
    names = [schedule.name for schedule in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgument(f"{file}: two schedules are called {name!r}")
    return StaticSchedules(source, found)


def _load(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidArgument(f"{file} is not TOML: {error}") from error
    except RecursionError:
        raise InvalidArgument(f"{file} is nested too deep to be read", "Make it flatter.") from None


def _tables(file: Path, content: dict[str, Any]) -> Iterator[NewSchedule]:
    """Yield the schedules of both notations."""
    by_name, listed = content.pop("schedules", {}), content.pop("schedule", [])
    if content:
        _refuse_key(f"{file}", next(iter(content)), ("schedule", "schedules", "source"))
    if not isinstance(by_name, dict):
        raise InvalidArgument(f"{file}: schedules is not {_TABLE[1]}", "Write [schedules.NAME].")
    if not isinstance(listed, list):
        raise InvalidArgument(f"{file}: schedule is no array of tables", "Write [[schedule]].")
    for name, table in cast("dict[str, Any]", by_name).items():
        yield _schedule(f"{file}: schedules.{name}", {"name": name}, table)
    tables: list[Any] = listed
    for number, table in enumerate(tables, 1):
        yield _schedule(f"{file}: schedule {number}", {}, table)


def _schedule(place: str, known: dict[str, Any], table: object) -> NewSchedule:
    if not isinstance(table, dict):
        raise InvalidArgument(f"{place} is not {_TABLE[1]}")
    given = cast("dict[str, Any]", table)
    for key, value in given.items():
        if key not in _OPTIONS or key in known:
            _refuse_key(place, key, [name for name in _OPTIONS if name not in known])
        kinds, words = _ODD_KINDS.get(key) or _KINDS[_OPTIONS[key].sql_type]
        if type(value) not in kinds or (isinstance(value, datetime) and value.tzinfo is None):
            raise InvalidArgument(f"{place}: {key} is not {words}")
    for key in ("name", "task"):
        if key not in {**known, **given}:
            raise InvalidArgument(f"{place} has no {key}")
    try:
        return NewSchedule(**known, **given)
    except InvalidArgument as error:
        raise type(error)(f"{place}: {error.message}", error.hint) from None


def _refuse_key(place: str, key: str, known: Any) -> None:
    near = get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}."
    raise InvalidArgument(f"{place}: unknown key {key}", hint)
