"""The configuration: options over environment variables over a TOML file over defaults.

    # pgq.toml, or [tool.pgq] of pyproject.toml
    dsn_env = "APP_DSN"
    modules = ["app.tasks"]

    [worker]
    concurrency = 20

    [installations.critical]
    schema = "critical"

    config = pgq.load_config(installation="critical")
    client = pgq.Client(config.dsn or "", schema=config.schema)

A variable is called PGQ_ and the key: PGQ_WORKER_CONCURRENCY. `pgq config show` tells where each
value comes from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from pgq.config.file import Content, Given, Layer, find_file, read_file, read_table
from pgq.config.keys import KEYS, SET_KEYS, Config, WorkerSet, field_of, unknown, variable_of
from pgq.errors import InvalidArgument
from pgq.lib.durations import DEFAULT_LEASE, format_duration

_provided: Final[list[tuple[Mapping[str, Any], str]]] = []


def load_config(
    file: str | os.PathLike[str] | None = None,
    *,
    installation: str | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """Return the configuration of this process.

    file: by default the one that PGQ_CONFIG names, else pgq.toml or pyproject.toml with [tool.pgq]
    in the working directory, if there is any. installation: by default PGQ_INSTALLATION, else the
    flat keys alone. environ: by default os.environ; an empty variable counts as none. overrides:
    what goes before all others, by dotted key, such as "worker.concurrency"; None and () are
    passed over.

    Raises InvalidArgument with all that is wrong, one a line.
    """
    config, open_problems = read_config(file, installation, environ, overrides)
    if open_problems:
        hint = "Set it, or PGQ_DSN." if [*open_problems] == ["dsn"] else None
        raise InvalidArgument("\n".join(open_problems.values()), hint)
    return config


def read_config(
    file: str | os.PathLike[str] | None = None,
    installation: str | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> tuple[Config, Mapping[str, str]]:
    """Do as `load_config`, but return what is only wrong together or unset, by key.

    Not every command minds it, and options of the worker may cure it.
    """
    variables = os.environ if environ is None else environ
    found = chosen_file(file, variables)
    content = Content() if found is None else read_file(found)
    problems = content.problems
    layers = [content.flat]
    for table, source in _provided:
        below = read_table(table, source)
        layers.insert(0, below.flat)
        problems += below.problems
    name = installation or variables.get("PGQ_INSTALLATION")
    if name:
        layers.append(_installation(content, found, name))
    layers.append(_from_variables(variables, problems))
    layers.append(_from_overrides(overrides or {}, problems))
    merge = _Merge(layers, variables, has_installation=bool(name))
    config = merge.config()
    if problems:
        raise InvalidArgument("\n".join([*problems, *merge.problems.values()]))
    return config, merge.problems


def provide(table: Mapping[str, Any], source: str) -> None:
    """Put what a host program has in its own settings below the file, for this process.

    The table has the keys of a file; `source` is what messages call it. A second call with the same
    source takes the place of the first.
    """
    _provided[:] = [each for each in _provided if each[1] != source]
    _provided.append((table, source))


def check_file(file: Path) -> tuple[list[str], list[str]]:
    """Return the names of a file's installations, and all that is wrong with it.

    Nothing of the environment counts. InvalidArgument where the file cannot be read.
    """
    content = read_file(file)
    problems = list(content.problems)
    for layers in (
        [content.flat],
        *([content.flat, own] for own in content.installations.values()),
    ):
        merge = _Merge([*layers, Layer(), Layer()], None)
        merge.config()
        problems += [each for each in merge.problems.values() if each not in problems]
    return sorted(content.installations), problems


def installations_like(
    patterns: Sequence[str],
    file: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[str]:
    """Return the installations of a file by their names or by patterns such as s*, in its order.

    A name is returned whether or not there is one of it. Raises InvalidArgument where a pattern
    fits none.
    """
    found = chosen_file(file, os.environ if environ is None else environ)
    known = [] if found is None else list(read_file(found).installations)
    names: list[str] = []
    for pattern in patterns:
        fits = [name for name in known if fnmatchcase(name, pattern)]
        if not fits and set(pattern) & set("*?["):
            raise InvalidArgument(
                f"no installation fits {pattern}", f"There are {', '.join(known) or 'none'}."
            )
        names += [name for name in fits or [pattern] if name not in names]
    return names


def chosen_file(file: str | os.PathLike[str] | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file that a process goes by, None where there is none."""
    named = file or environ.get("PGQ_CONFIG")
    return Path(named) if named else find_file(Path())


def _installation(content: Content, file: Path | None, name: str) -> Layer:
    if name in content.installations:
        return content.installations[name]
    if file is None:
        raise InvalidArgument(
            f"there is no installation {name}: no configuration was found",
            "Run in the folder of pgq.toml, or name the file with --config or PGQ_CONFIG.",
        )
    near = get_close_matches(name, content.installations, n=1)
    known = ", ".join(sorted(content.installations)) or "none"
    hint = f"Did you mean {near[0]}?" if near else f"It has {known}."
    raise InvalidArgument("\n".join([f"{file}: no installation {name}", *content.problems]), hint)


def _from_variables(environ: Mapping[str, str], problems: list[str]) -> Layer:
    layer = Layer()
    for key, each in KEYS.items():
        kind, variable = each.kind, variable_of(key)
        text = environ.get(variable)
        if text:
            try:
                layer.values[key] = Given(kind.read(kind.parse(text)), variable, variable)
            except ValueError as error:
                problems.append(f"{variable}: {kind.problem(text, error)}")
    return layer


def _from_overrides(overrides: Mapping[str, object], problems: list[str]) -> Layer:
    layer = Layer()
    for key, found in overrides.items():
        if found is None or found == () or found == []:
            continue
        if key not in KEYS:
            problems.append(f"option {key}: {unknown(key, KEYS)}")
            continue
        try:
            layer.values[key] = Given(KEYS[key].kind.read(found), "option", f"option {key}")
        except ValueError as error:
            problems.append(f"option {key}: {KEYS[key].kind.problem(found, error)}")
    return layer


class _Merge:
    """Lays layers over each other, the last one on top. Without an environ none is missed."""

    def __init__(
        self,
        layers: Sequence[Layer],
        environ: Mapping[str, str] | None,
        *,
        has_installation: bool = False,
    ) -> None:
        self._layers = layers
        self._has_installation = has_installation
        self._environ = environ
        self._sources: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def config(self) -> Config:
        values = {
            key: value
            for key in KEYS
            if key.removeprefix("worker.") not in SET_KEYS
            if (value := self._value(key)) is not None
        }
        named = {field_of(key): value for key, value in values.items()}
        self._settle_schedules(named)
        sets = self._sets()
        return Config(**named, worker_sets=sets, sources=self._sources, notes=self._hidden())

    def _value(self, key: str) -> Any:
        """Return the top value of a key, None where there is none; note where it comes from."""
        given = self._given(key)
        self._sources[key] = "default" if given is None else given.source
        return None if given is None else given.value

    def _given(self, key: str) -> Given | None:
        for layer in reversed(self._layers):
            if key in layer.values:
                return layer.values[key]
            if f"{key}_env" in layer.values:
                return self._from_named_variable(key, layer.values[f"{key}_env"])
        return None

    def _from_named_variable(self, key: str, named: Given) -> Given:
        value = None if self._environ is None else self._environ.get(named.value) or None
        if value is None and self._environ is not None:
            self._refuse(key, f"{named.place}: the variable {named.value} is not set")
        return Given(value, f"{named.value} ({named.source})", named.place)

    def _sets(self) -> tuple[WorkerSet, ...]:
        """Return the sets; above the layer that lists them, a value holds for all of them."""
        rank, tables = max(
            ((rank, layer.sets) for rank, layer in enumerate(self._layers) if layer.sets),
            default=(-1, [{}]),
            key=lambda found: found[0],
        )
        if rank < self._rank("worker.queues"):
            rank, tables = -1, [{}]
        return tuple(
            self._set(table, rank, f"workers[{number}]" if rank >= 0 else "worker")
            for number, table in enumerate(tables)
        )

    def _set(self, table: Mapping[str, Given], rank: int, path: str) -> WorkerSet:
        found: dict[str, Given] = {}
        for key in SET_KEYS:
            own = table.get(key) if rank >= self._rank(f"worker.{key}") else None
            given = own or self._given(f"worker.{key}")
            self._sources[f"{path}.{key}"] = "default" if given is None else given.source
            if given is not None:
                found[key] = given
        chosen = WorkerSet(**{key: given.value for key, given in found.items()})
        beat, lease = chosen.heartbeat_interval, chosen.lease or timedelta(seconds=DEFAULT_LEASE)
        if beat is not None and beat > lease / 2:
            spans = f"{format_duration(beat)} is over half of the lease of {format_duration(lease)}"
            self._refuse(
                f"{path}.heartbeat_interval", f"{found['heartbeat_interval'].place}: {spans}"
            )
        if chosen.shares is not None and len(chosen.shares) != len(chosen.queues):
            place = found["shares"].place
            words = f"{len(chosen.shares)} shares for {len(chosen.queues)} queues"
            self._refuse(f"{path}.shares", f"{place}: {words}")
        return chosen

    def _settle_schedules(self, named: dict[str, Any]) -> None:
        """Let the upper one of "no schedules" and a file of schedules win."""
        if named.get("schedules", True) or named.get("schedules_file") is None:
            return
        off, on = self._rank("worker.schedules"), self._rank("worker.schedules_file")
        if off == on:
            place = self._layers[on].values["worker.schedules_file"].place
            self._refuse(
                "worker.schedules_file", f"{place}: a file of schedules, but schedules are off"
            )
        elif off > on:
            del named["schedules_file"]
            self._sources["worker.schedules_file"] = self._sources["worker.schedules"]
        else:
            named["schedules"] = True
            self._sources["worker.schedules"] = self._sources["worker.schedules_file"]

    def _hidden(self) -> dict[str, str]:
        """Say which variables hide what the chosen installation itself says, by key."""
        *files, variables, options = (layer.values for layer in self._layers)
        notes: dict[str, str] = {}
        for key in ("dsn", "schema"):
            own = files[-1].get(key) or files[-1].get(f"{key}_env")
            if self._has_installation and own and key in variables and key not in options:
                notes[key] = f"{variable_of(key)} goes before the {key} of {own.source}"
        return notes

    def _refuse(self, key: str, problem: str) -> None:
        # Several sets may share a value.
        if problem not in self.problems.values():
            self.problems[key] = problem

    def _rank(self, key: str) -> int:
        ranks = [rank for rank, layer in enumerate(self._layers) if key in layer.values]
        return max(ranks, default=-1)
