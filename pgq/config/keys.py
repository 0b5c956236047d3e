"""The keys of the configuration: what each may hold, in a file, a variable or an option."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pgq.lib.durations import parse_duration
from pgq.schema.names import Names

# Longer texts are cut where a message quotes them.
_QUOTED: Final = 60


@dataclass(frozen=True)
class Kind:
    """What a key may hold.

    `words` say what is expected. `read` turns what TOML or an option holds into the value, and
    raises ValueError, with the reason where that is not only the wrong kind. `parse` turns a
    variable's text into what `read` takes. A secret is never quoted.
    """

    words: str
    read: Callable[[Any], Any]
    parse: Callable[[str], object] = str
    secret: bool = False

    def problem(self, found: object, error: ValueError) -> str:
        """Say what is wrong with a value that `read` refused."""
        return str(error) or f"found {_shown(found, self.secret)}, expected {self.words}"


def unknown(key: str, known: Iterable[str]) -> str:
    """Say that a table has no such key, and which was meant: its own, or one of another table."""
    for dotted in KEYS:
        if dotted == key:
            return f"unknown here; {key} stands above the tables"
        if dotted.endswith(f".{key}"):
            return f"unknown here; did you mean {dotted}?"
    near = get_close_matches(key, list(known), n=1)
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known are {_listed(known)}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


def _shown(found: object, secret: bool) -> str:
    match found:
        case bool():
            return "true" if found else "false"
        case str() if not secret and found:
            cut = found if len(found) <= _QUOTED else f"{found[:_QUOTED]}..."
            return f'"{cut}"'
        case int() | float() if not secret:
            return f"{found}"
        case str():
            return "a text" if found else "an empty text"
        case dict():
            return "a table"
        case list() | tuple() if not found:
            return "an empty array"
        case list() | tuple():
            return "an array"
        case _:
            return f"a {type(found).__name__}"


def _text(found: Any) -> str:
    if not isinstance(found, str) or not found:
        raise ValueError
    return found


def _variable(found: Any) -> str:
    if not isinstance(found, str) or not re.fullmatch(r"[^\s=${}]+", found):
        raise ValueError
    return found


def _schema(found: Any) -> str:
    return Names(_text(found)).schema


def _path(found: Any) -> Path:
    return Path(_text(os.fspath(found) if isinstance(found, os.PathLike) else found))


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list | tuple) or not found:
        raise ValueError
    return tuple(_text(each) for each in found)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _at_least(least: int) -> Callable[[Any], int]:
    def read(found: Any) -> int:
        if type(found) is not int or not least <= found < 2**31:
            raise ValueError
        return found

    return read


def _number(text: str) -> object:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _flag(found: Any) -> bool:
    if type(found) is not bool:
        raise ValueError
    return found


def _flag_text(text: str) -> object:
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    return words.get(text.lower(), text)


def _duration(found: Any) -> timedelta:
    length: timedelta | None = None
    match found:
        case timedelta():
            length = found
        case str():
            length = parse_duration(found)
        case int() | float() if not isinstance(found, bool):
            # Refuses inf and nan too, which TOML has.
            length = parse_duration(f"{found:f}")
    if length is None or length <= timedelta():
        raise ValueError
    return length


def _one_of(*words: str) -> Kind:
    def read(found: Any) -> str:
        if found not in words:
            raise ValueError
        return str(found)

    quoted = [f'"{word}"' for word in words]
    return Kind(f"{', '.join(quoted[:-1])} or {quoted[-1]}", read)


_TEXT: Final = Kind("a text", _text)
_DSN: Final = Kind("a text", _text, secret=True)
_TEXTS: Final = Kind('an array of texts, such as ["mail", "report*"]', _texts, _split)
_PATH: Final = Kind("the path of a file", _path)
_COUNT: Final = Kind("a whole number, at least 1", _at_least(1), _number)
_COUNT_OR_0: Final = Kind("a whole number, at least 0", _at_least(0), _number)
_FLAG: Final = Kind("true or false", _flag, _flag_text)
_DURATION: Final = Kind('a length of time, such as "30s" or a number of seconds', _duration)

VARIABLES: Final[Mapping[str, Kind]] = {
    f"{key}_env": Kind("the name of an environment variable", _variable)
    for key in ("dsn", "listen_dsn")
}
"""Keys of files only: which variable holds the DSN."""

# In the order in which they are shown; a set of workers may hold those of SET_KEYS.
KEYS: Final[Mapping[str, Kind]] = {
    "dsn": _DSN,
    "schema": Kind("the name of a schema", _schema),
    "listen_dsn": _DSN,
    "modules": Kind('an array of modules\' names, such as ["app.tasks"]', _texts, _split),
    "worker.mode": _one_of("process", "async"),
    "worker.only": _one_of("work", "maintain"),
    "worker.schedules": _FLAG,
    "worker.schedules_file": _PATH,
    "worker.schedule_source": _TEXT,
    "worker.schema_timeout": _DURATION,
    "worker.pidfile": _PATH,
    "worker.lock": _TEXT,
    "worker.queues": _TEXTS,
    "worker.concurrency": _COUNT,
    "worker.prefetch": _COUNT_OR_0,
    "worker.processes": _COUNT,
    "worker.name": _TEXT,
    "worker.lease": _DURATION,
    "worker.heartbeat_interval": _DURATION,
    "worker.poll_interval": _DURATION,
    "worker.shutdown_timeout": _DURATION,
    "worker.exit_after_outage": _DURATION,
    "log.level": _one_of("debug", "info", "warning", "error"),
    "log.format": _one_of("text", "json"),
}

SET_KEYS: Final = (
    "queues",
    "concurrency",
    "prefetch",
    "processes",
    "name",
    "lease",
    "heartbeat_interval",
    "poll_interval",
    "shutdown_timeout",
    "exit_after_outage",
)

PATHS: Final = tuple(key for key, kind in KEYS.items() if kind is _PATH)
"""Keys whose relative paths in a file start at the file's folder."""


def variable_of(key: str) -> str:
    """Return the environment variable that sets a key."""
    return f"PGQ_{key.upper().replace('.', '_')}"
