"""Find and read the file of a configuration: pgq.toml, or [tool.pgq] of pyproject.toml.

Nothing here decides what wins; every value keeps the place that it stands at.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from pgq.config.keys import KEYS, PATHS, SET_KEYS, VARIABLES, Kind, unknown
from pgq.errors import InvalidArgument

_FILE: Final = "pgq.toml"
_PROJECT: Final = "pyproject.toml"

_TABLES: Final = ("worker", "web", "log")
_TOP: Final = {**{name: key.kind for name, key in KEYS.items() if "." not in name}, **VARIABLES}
_SET: Final = {key: KEYS[f"worker.{key}"].kind for key in SET_KEYS}


class Given(NamedTuple):
    """A value, where it was given, and that place with its key, for messages."""

    value: Any
    source: str
    place: str


@dataclass
class Layer:
    """What one place gives: values by dotted key, and sets of workers where it lists any."""

    values: dict[str, Given] = field(default_factory=dict)
    sets: list[dict[str, Given]] = field(default_factory=list)


@dataclass
class Content:
    """A file: its flat keys, its installations, and all that is wrong with it."""

    flat: Layer = field(default_factory=Layer)
    installations: dict[str, Layer] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def find_file(folder: Path) -> Path | None:
    """Return the file that a folder's programs go by; pgq.toml goes before pyproject.toml."""
    for name in (_FILE, _PROJECT):
        file = folder / name
        if file.is_file() and (name == _FILE or _table_of(file) is not None):
            return file
    return None


def read_file(file: Path) -> Content:
    """Read a file; InvalidArgument where that is not possible at all."""
    table = _table_of(file)
    if table is None:
        raise InvalidArgument(f"{file} has no table [tool.pgq]")
    return _Reader(file).read(table)


def read_table(table: Mapping[str, Any], source: str) -> Content:
    """Read what a host program provides instead of a file; its paths are relative to the folder."""
    return _Reader(Path(source)).read(dict(table))


def _table_of(file: Path) -> object:
    """Return the table with the keys; None where a pyproject.toml has none."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.name != _PROJECT:
            return tomllib.loads(text)
        # Another tool's mistakes are none of ours.
        tool = tomllib.loads(text).get("tool") if "pgq" in text else None
    except OSError as error:
        raise InvalidArgument(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise InvalidArgument(f"{file} is not TOML: {error}") from error
    except RecursionError:
        raise InvalidArgument(f"{file} is nested too deep to be read", "Make it flatter.") from None
    return cast("dict[str, Any]", tool).get("pgq") if isinstance(tool, dict) else None


class _Reader:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._content = Content()

    def read(self, table: object) -> Content:
        root = "tool.pgq" if self._file.name == _PROJECT else ""
        given = self._table(table, root)
        installations = self._table(given.pop("installations", {}), _join(root, "installations"))
        self._content.flat = self._layer(given, root, ("installations",))
        for name, each in installations.items():
            path = _join(root, f"installations.{name}")
            self._content.installations[name] = self._layer(self._table(each, path), path)
        return self._content

    def _layer(self, given: dict[str, Any], path: str, more: tuple[str, ...] = ()) -> Layer:
        layer = Layer()
        nested = {name: given.pop(name) for name in (*_TABLES, "workers") if name in given}
        self._values(layer.values, given, path, _TOP, (*_TOP, *_TABLES, "workers", *more))
        for name in _TABLES:
            inner = _join(path, name)
            dotted = [key for key in KEYS if key.startswith(f"{name}.")]
            kinds = {key.partition(".")[2]: KEYS[key].kind for key in dotted}
            table = self._table(nested.get(name, {}), inner)
            self._values(layer.values, table, inner, kinds, kinds, prefix=f"{name}.")
        layer.sets = self._sets(nested.get("workers", []), _join(path, "workers"))
        for key, variable in zip(("dsn", "listen_dsn"), VARIABLES, strict=True):
            if key in layer.values and variable in layer.values:
                self._refuse(
                    _join(path, variable), f"there is {key} as well; leave one of them out"
                )
        return layer

    def _sets(self, listed: object, path: str) -> list[dict[str, Given]]:
        if not isinstance(listed, list):
            self._refuse(path, "not an array of tables; write [[workers]]")
            return []
        sets: list[dict[str, Given]] = []
        for number, each in enumerate(cast("list[object]", listed)):
            place = f"{path}[{number}]"
            values: dict[str, Given] = {}
            self._values(values, self._table(each, place), place, _SET, _SET)
            sets.append(values)
        return sets

    def _values(
        self,
        into: dict[str, Given],
        given: Mapping[str, Any],
        path: str,
        kinds: Mapping[str, Kind],
        known: Iterable[str],
        prefix: str = "",
    ) -> None:
        source = f"{self._file}:{path}" if path else f"{self._file}"
        for key, found in given.items():
            if key not in kinds:
                self._refuse(_join(path, key), unknown(key, known))
                continue
            try:
                value = kinds[key].read(found)
            except ValueError as error:
                self._refuse(_join(path, key), kinds[key].problem(found, error))
                continue
            if prefix + key in PATHS:
                value = self._file.parent / value
            place = f"{self._file}: {_join(path, key)}"
            into[prefix + key] = Given(value, source, place)

    def _table(self, found: object, path: str) -> dict[str, Any]:
        if isinstance(found, dict):
            return dict(cast("dict[str, Any]", found))
        self._refuse(path, f"not a table; write [{path}]")
        return {}

    def _refuse(self, path: str, why: str) -> None:
        self._content.problems.append(f"{self._file}: {path}: {why}")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
