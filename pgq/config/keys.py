"""The keys of the configuration: what each may hold, in a file, a variable or an option."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pgq.lib.durations import DEFAULT_HEARTBEAT, DEFAULT_LEASE, parse_duration
from pgq.schema.names import Names

# Longer texts are cut where a message quotes them.
_QUOTED: Final = 60


@dataclass(frozen=True)
class Kind:
    """What a key may hold.

    `words` say what is expected. `read` turns what TOML or an option holds into the value, and
    raises ValueError, with the reason where that is not only the wrong kind. `parse` turns a
    variable's text into what `read` takes. A secret is never quoted. choices: the only values.
    """

    words: str
    read: Callable[[Any], Any]
    parse: Callable[[str], object] = str
    secret: bool = False
    choices: tuple[str, ...] = ()

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


def _counts(found: Any) -> tuple[int, ...]:
    if not isinstance(found, list | tuple) or not found:
        raise ValueError
    return tuple(map(_at_least(1), found))


def _numbers(text: str) -> list[object]:
    return [_number(part) for part in _split(text)]


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
    return Kind(f"{', '.join(quoted[:-1])} or {quoted[-1]}", read, choices=words)


def _address(found: Any) -> str:
    if not isinstance(found, str) or not re.fullmatch(r"https?://[^\s/?#@]+[^\s?#]*", found):
        raise ValueError
    return found.rstrip("/")


def _named(found: Any) -> Mapping[str, str]:
    if not isinstance(found, dict) or not found:
        raise ValueError
    given: dict[Any, Any] = found
    return {_text(name): _text(each) for name, each in given.items()}


def _named_text(text: str) -> object:
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


TEXT: Final = Kind("a text", _text)
DSN: Final = Kind("a text", _text, secret=True)
TEXTS: Final = Kind('an array of texts, such as ["mail", "report*"]', _texts, _split)
PATH: Final = Kind("the path of a file", _path)
COUNT: Final = Kind("a whole number, at least 1", _at_least(1), _number)
COUNTS: Final = Kind("an array of whole numbers, such as [3, 1]", _counts, _numbers)
COUNT_OR_0: Final = Kind("a whole number, at least 0", _at_least(0), _number)
ADDRESS: Final = Kind("an address such as https://pgq.example.com", _address)
NAMED: Final = Kind('a table of texts, such as {late = "state=failed"}', _named, _named_text)
FLAG: Final = Kind("true or false", _flag, _flag_text)
DURATION: Final = Kind('a length of time, such as "30s" or a number of seconds', _duration)

VARIABLES: Final[Mapping[str, Kind]] = {
    f"{key}_env": Kind("the name of an environment variable", _variable)
    for key in ("dsn", "listen_dsn")
}
"""Keys of files only: which variable holds the DSN."""


@dataclass(frozen=True)
class WorkerSet:
    """Workers for one selection of queues. What is None, `pgq.Worker` decides.

    All but processes and installation are options of `pgq.Worker` under the same name.
    """

    queues: tuple[str, ...] = ("*",)
    shares: tuple[int, ...] | None = None
    concurrency: int = 10
    prefetch: int | None = None
    processes: int = 1
    name: str | None = None
    lease: timedelta | None = None
    heartbeat_interval: timedelta | None = None
    poll_interval: timedelta | None = None
    shutdown_timeout: timedelta | None = None
    exit_after_outage: timedelta | None = None
    installation: str | None = None


@dataclass(frozen=True)
class Config:
    """What was configured; `sources` says for each dotted key where its value comes from.

    dsn is None where nothing names one: libpq's own variables may. mode: "process", "async", None.
    only: "work", "maintain" or None. worker_sets: one, or one for each table [[workers]].
    notes: what a person should know, by key: that a variable hides an installation's own DSN.
    """

    dsn: str | None = None
    schema: str = "pgq"
    listen_dsn: str | None = None
    modules: tuple[str, ...] = ()
    mode: str | None = None
    only: str | None = None
    schedules: bool = True
    schedule_source: str | None = None
    schedules_file: Path | None = None
    schema_timeout: timedelta | None = None
    log_level: str = "info"
    log_format: str = "text"
    pidfile: Path | None = None
    lock: str | None = None
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    web_url: str | None = None
    web_title: str = "pgq"
    web_trace_url: str | None = None
    web_hide: tuple[str, ...] = ()
    web_hide_args: tuple[str, ...] = ()
    web_saved: Mapping[str, str] = field(default_factory=dict)
    worker_sets: tuple[WorkerSet, ...] = (WorkerSet(),)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """A key: what it may hold, and what people read of it.

    default: in words, what a key that nobody has set means. flags: how `pgq worker` calls it where
    that is not --its-name; empty where the command writes it out by itself, or has none.
    """

    kind: Kind
    help: str
    default: str = ""
    flags: tuple[str, ...] | None = None


# In the order in which they are shown. `pgq worker`, `pgq config show` and the page about the
# configuration read them from here.
KEYS: Final[Mapping[str, Key]] = {
    "dsn": Key(DSN, "The database", "libpq's variables", ()),
    "schema": Key(
        Kind("the name of a schema", _schema), "The schema that pgq is installed in", "pgq", ()
    ),
    "listen_dsn": Key(
        DSN, "A direct connection to the server, if dsn leads through a pooler", "the dsn"
    ),
    "modules": Key(
        Kind('an array of modules\' names, such as ["app.tasks"]', _texts, _split),
        "What a worker imports for its tasks",
        flags=(),
    ),
    "worker.mode": Key(
        _one_of("process", "async"),
        "process: each worker in a process of its own, supervised and started again when it dies; "
        "async: all in one process",
        "process with several processes",
    ),
    "worker.only": Key(
        _one_of("work", "maintain"),
        "work: no maintenance, no schedules; maintain: claims nothing",
        "both",
        (),
    ),
    "worker.schedules": Key(FLAG, "Whether it makes and fires schedules", "true", ()),
    "worker.schedules_file": Key(
        PATH,
        "A TOML file of schedules to make at the start, as `pgq schedule sync` does",
        flags=("--schedules",),
    ),
    "worker.schedule_source": Key(
        TEXT, "Who owns the schedules that the modules declare", "the modules' names"
    ),
    "worker.schema_timeout": Key(
        DURATION, "How long to wait for a server or a schema that is not there yet", "1m"
    ),
    "worker.pidfile": Key(
        PATH, "Keep the process id in this file; refuse to start if that process is running"
    ),
    "worker.lock": Key(TEXT, "Refuse to start while another process on this host holds this name"),
    "worker.metrics_port": Key(
        COUNT, "Serve metrics and probes on this port, as `pgq metrics --port` does", "none"
    ),
    "worker.metrics_host": Key(
        TEXT, "Where to listen for that; other machines need the token", "127.0.0.1"
    ),
    "worker.queues": Key(TEXTS, "Names, prefix* or *; the first one is served first", "*", ()),
    "worker.shares": Key(
        COUNTS, "How often each of the queues is the first one, in place of strict order", "none"
    ),
    "worker.concurrency": Key(
        COUNT, "How many jobs a process runs at once", "10", ("-c", "--concurrency")
    ),
    "worker.prefetch": Key(
        COUNT_OR_0,
        "How many more jobs it claims ahead at most",
        "1000; as many as start within 0.1 s",
    ),
    "worker.processes": Key(COUNT, "How many worker processes", "1", ("-p", "--processes")),
    "worker.name": Key(TEXT, "Shown in `pgq stats`", "host and process id"),
    "worker.lease": Key(
        DURATION,
        "How long the worker may be silent before its jobs run elsewhere",
        f"{DEFAULT_LEASE:g}s",
    ),
    "worker.heartbeat_interval": Key(
        DURATION, "How often the worker sends a heartbeat", DEFAULT_HEARTBEAT
    ),
    "worker.poll_interval": Key(
        DURATION, "How often the worker polls at least, without notifications", "2s"
    ),
    "worker.shutdown_timeout": Key(
        DURATION,
        "How long the end may take after the first signal; running jobs get all of it but the last "
        "three seconds",
        "no limit",
    ),
    "worker.exit_after_outage": Key(
        DURATION, "End with exit code 4 if the database stays away for so long", "never"
    ),
    "worker.installation": Key(
        TEXT,
        "Which installations a set is for, such as s1 or s*; all that are chosen, without it",
        "the chosen ones",
        (),
    ),
    "web.url": Key(
        ADDRESS,
        "Where the dashboard is: logs of failed jobs, `pgq job`, `pgq health` and `pgq doctor` "
        "then lead to its pages",
        "no links",
    ),
    "web.title": Key(TEXT, "What the dashboard calls this installation", "pgq", ()),
    "web.trace_url": Key(
        TEXT, "Where traces are shown, an address with {trace_id} in it", "no links", ()
    ),
    "web.hide": Key(
        TEXTS,
        "Names whose values nobody sees in what jobs carry, besides those that look like secrets",
        flags=(),
    ),
    "web.hide_args": Key(
        TEXTS,
        "Tasks, such as mail.*, of whose arguments and results only the shape is shown",
        flags=(),
    ),
    "web.saved": Key(
        NAMED,
        "Lists of jobs to offer, by their name: the address, or what stands after its ?",
        flags=(),
    ),
    "log.level": Key(
        _one_of("debug", "info", "warning", "error"),
        "The least important messages to log",
        "info",
        ("--log-level",),
    ),
    "log.format": Key(_one_of("text", "json"), "How log lines are written", "text", ()),
}

SET_KEYS: Final = tuple(each.name for each in fields(WorkerSet))
"""Those that a set of workers may hold, without "worker."."""

PATHS: Final = tuple(name for name, key in KEYS.items() if key.kind is PATH)
"""Keys whose relative paths in a file start at the file's folder."""


def variable_of(key: str) -> str:
    """Return the environment variable that sets a key."""
    return f"PGQ_{key.upper().replace('.', '_')}"


def field_of(key: str) -> str:
    """Return the name of the field of Config or WorkerSet, and of the command's parameter."""
    return key.removeprefix("worker.").replace(".", "_")
