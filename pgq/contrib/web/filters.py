"""What a list of jobs is filtered by: from an address and back, and as arguments of the functions.

An address holds everything, so it can be kept, sent and opened again.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import urlencode

from pgq.calls.bulk import bulk_start
from pgq.lib.durations import format_duration, parse_duration
from pgq.rows import State

STATES: Final[tuple[State, ...]] = get_args(State)
ENDED: Final = frozenset(STATES[4:])
SIZES: Final = (25, 50, 100, 250)
_LARGEST_ID: Final = 2**63 - 1
# By the name in an address: the argument of list_jobs().
_TEXTS: Final = {
    "queue": "queue",
    "task": "task",
    "key": "unique_key",
    "concurrency": "concurrency_key",
    "partition": "partition_key",
    "error": "fingerprint",
    "type": "error_type",
}
_IDS: Final = {"batch": "batch_id", "worker": "worker_id"}
_PLACES: Final = {"before": "before_id", "after": "after_id"}
_TIMES: Final = {
    "enqueued_since": "created_after",
    "enqueued_until": "created_before",
    "ended_since": "finished_after",
    "ended_until": "finished_before",
}
_DOCUMENTS: Final = ("args", "headers")
# The arguments' own names are read, too.
_ALIASES: Final = {
    meaning: name for names in (_TEXTS, _IDS, _PLACES, _TIMES) for name, meaning in names.items()
}
NAMES: Final = ("state", *_TEXTS, *_IDS, "since", "until", *_TIMES, *_DOCUMENTS)
_DOTS, _ESCAPED = re.compile(r"([.\\])"), r"\\\1"
_BULK: Final = frozenset(inspect.signature(bulk_start).parameters)


class When(NamedTuple):
    """A time: so long ago, or exactly then."""

    ago: timedelta | None = None
    at: datetime | None = None

    def moment(self, now: datetime) -> datetime:
        """Return the time, as seen from now."""
        return self.at or now - (self.ago or timedelta(0))

    def __str__(self) -> str:
        """Return it as an address has it: `24h`, or in ISO 8601."""
        return self.at.isoformat() if self.at else format_duration(self.ago or timedelta(0))


class Filters(NamedTuple):
    """What a list shows, under the names of list_jobs()."""

    states: tuple[State, ...] = ()
    queue: str | None = None
    task: str | None = None
    unique_key: str | None = None
    concurrency_key: str | None = None
    partition_key: str | None = None
    batch_id: int | None = None
    worker_id: int | None = None
    error_type: str | None = None
    fingerprint: str | None = None
    headers: Any = None
    args: Any = None
    created_after: When | None = None
    created_before: When | None = None
    finished_after: When | None = None
    finished_before: When | None = None
    oldest: bool = False
    size: int = 50
    before_id: int | None = None
    after_id: int | None = None

    @property
    def is_empty(self) -> bool:
        """Say whether every job fits."""
        return not self.given

    @property
    def given(self) -> dict[str, Any]:
        """Return the filters that are there, under the names of list_jobs()."""
        order = {"oldest", "size", *_PLACES.values()}
        return {
            name: value
            for name, value in self._asdict().items()
            if name not in order and value is not None and value != ()
        }

    def of_search(self, now: datetime) -> dict[str, Any]:
        """Return the arguments of find_jobs() and estimate_jobs()."""
        found = self.given
        if "states" in found:
            found["states"] = list(found["states"])
        for name in _TIMES.values():
            if name in found:
                found[name] = found[name].moment(now)
        return found

    def of_list(self, now: datetime) -> dict[str, Any]:
        """Return the arguments of list_jobs()."""
        return {**self.of_search(now), **self.place}

    @property
    def place(self) -> dict[str, Any]:
        """Return the arguments of list_jobs() that choose the page."""
        found: dict[str, Any] = {"page_size": self.size}
        if self.oldest:
            found["newest_first"] = False
        for name in _PLACES.values():
            if (value := getattr(self, name)) is not None:
                found[name] = value
        return found

    def of_bulk(self, now: datetime) -> dict[str, Any]:
        """Return the arguments of bulk_start(); see `not_of_bulk`."""
        return {name: value for name, value in self.of_search(now).items() if name in _BULK}

    @property
    def not_of_bulk(self) -> list[str]:
        """Return the names of the filters that bulk_start() does not know: it would take more."""
        return [name for name in self.given if name not in _BULK]

    def pairs(self, *, paths: bool = True, places: bool = True) -> list[tuple[str, str]]:
        """Return the names and values of an address.

        With paths, each value of args and headers has a name of its own: `args.user_id`.
        """
        found: list[tuple[str, str]] = [("state", state) for state in self.states]
        for names in (_TEXTS, _IDS):
            for name, meaning in names.items():
                if (value := getattr(self, meaning)) is not None:
                    found.append((name, str(value)))
        found += [(name, str(when)) for name, when in self._times()]
        for name in _DOCUMENTS:
            found += _flat(name, getattr(self, name), paths=paths)
        if self.oldest:
            found.append(("order", "old"))
        if self.size != Filters().size:
            found.append(("size", str(self.size)))
        if places:
            for name, meaning in _PLACES.items():
                if (value := getattr(self, meaning)) is not None:
                    found.append((name, str(value)))
        return found

    def _times(self) -> Iterator[tuple[str, When]]:
        short = "ended" if self.states and ENDED.issuperset(self.states) else "enqueued"
        for name, meaning in _TIMES.items():
            when: When | None = getattr(self, meaning)
            if when is not None:
                kind, _, side = name.partition("_")
                yield (side if kind == short else name), when

    def query(self, **changes: Any) -> str:
        """Return the query string of these filters, with some of them changed."""
        return urlencode(self._replace(**changes).pairs())


class Problem(NamedTuple):
    """What is wrong with a part of an address."""

    name: str
    what: str


def of_pairs(
    pairs: Iterable[tuple[str, str]], passed_over: Iterable[str] = ("q",)
) -> tuple[Filters, list[Problem]]:
    """Read the names and values of an address, and say what is wrong with them.

    Values that are empty do not count: forms send them. A name that is not known is a problem,
    because a list without that filter, and what is done to it, would have more jobs.
    """
    reader = _Reader()
    others = set(passed_over)
    for name, value in pairs:
        if value and name not in others:
            reader.read(name, value)
    return reader.finish(), reader.problems


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._found: dict[str, Any] = {}
        self._states: set[str] = set()
        self._sides: dict[str, When] = {}
        self._kinds: dict[str, Callable[[str, str], Any]] = {
            **dict.fromkeys(_TEXTS, lambda name, value: self._keep(_TEXTS[name], name, value)),
            **dict.fromkeys(_IDS, lambda name, value: self._id(_IDS[name], name, value)),
            **dict.fromkeys(_PLACES, lambda name, value: self._id(_PLACES[name], name, value)),
            **dict.fromkeys(("since", "until", *_TIMES), self._time),
            **dict.fromkeys(_DOCUMENTS, self._document),
            "state": self._state,
            "order": self._order,
            "size": self._size,
        }

    def read(self, name: str, value: str) -> None:
        """Read one of the pairs."""
        if re.search("[\x00\ud800-\udfff]", name + value):
            self._complain(name, "it has a character that the database cannot store")
            return
        document, dot, path = name.partition(".")
        name = _ALIASES.get(name, name)
        if dot and document in _DOCUMENTS:
            self._path(document, path, value)
        elif name in self._kinds:
            self._kinds[name](name, value)
        else:
            self._complain(name, "there is no such filter")

    def finish(self) -> Filters:
        """Return what was read."""
        states = tuple(state for state in STATES if state in self._states)
        kind = "ended" if states and ENDED.issuperset(states) else "enqueued"
        for side, when in self._sides.items():
            self._keep(_TIMES[f"{kind}_{side}"], side, when)
        return Filters(**{**self._found, "states": states})

    def _complain(self, name: str, what: str) -> None:
        self.problems.append(Problem(name[:80], what))

    def _keep(self, meaning: str, name: str, value: Any) -> None:
        if meaning in self._found and self._found[meaning] != value:
            self._complain(name, "it is there twice")
        else:
            self._found[meaning] = value

    def _state(self, name: str, value: str) -> None:
        for each in value.split(","):
            if each.strip() in STATES:
                self._states.add(each.strip())
            elif each.strip():
                self._complain(name, f"there is no state {each.strip()[:40]!r}")

    def _id(self, meaning: str, name: str, value: str) -> None:
        if re.fullmatch(r"-?[0-9]{1,19}", value) and abs(int(value)) <= _LARGEST_ID:
            self._keep(meaning, name, int(value))
        else:
            self._complain(name, "it is no id")

    def _time(self, name: str, value: str) -> None:
        when = when_of(value)
        if when is None:
            self._complain(name, "it is neither a time nor a length of time such as 24h")
        elif name in _TIMES:
            self._keep(_TIMES[name], name, when)
        else:
            self._sides[name] = when

    def _order(self, name: str, value: str) -> None:
        if value in ("old", "new"):
            self._keep("oldest", name, value == "old")
        else:
            self._complain(name, "it is old or new")

    def _size(self, name: str, value: str) -> None:
        if re.fullmatch("[0-9]{1,3}", value) and 1 <= int(value) <= SIZES[-1]:
            self._keep("size", name, int(value))
        else:
            self._complain(name, f"it is a number up to {SIZES[-1]}")

    def _document(self, name: str, value: str) -> None:
        parsed = value_of(value)
        if isinstance(parsed, str) and not value.startswith('"'):
            self._complain(name, "it is not JSON")
        elif parsed is None:
            self._complain(name, "null fits every job")
        elif name == "headers" and not isinstance(parsed, dict):
            self._complain(name, "headers are an object")
        else:
            self._keep(name, name, parsed)

    def _path(self, document: str, path: str, value: str) -> None:
        place = self._found.setdefault(document, {})
        *outer, last = keys_of_path(path)
        for key in outer:
            place = place.setdefault(key, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last in place:
            self._complain(f"{document}.{path}", "there is another value in its place")
        else:
            place[last] = value_of(value)


def when_of(text: str) -> When | None:
    """Read a length of time (`24h`) or a time in ISO 8601, of UTC unless it says; else None."""
    ago = parse_duration(text)
    if ago is not None:
        return When(ago=ago) if ago < timedelta(days=36500) else None
    try:
        at = datetime.fromisoformat(text)
        return When(at=(at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def value_of(text: str) -> Any:
    """Read a value that arguments contain: JSON, and what is not JSON as the text that it is."""
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    # What a string has escaped must be storable too.
    return text if re.search("\\\\u(?:0000|[dD][89a-fA-F])", text) else value


def text_of(value: Any) -> str:
    """Write a value, so that `value_of` reads the same one."""
    if isinstance(value, str) and value_of(value) == value and value:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value


def _refuse(text: str) -> Any:
    raise ValueError(text)


def _flat(name: str, document: Any, *, paths: bool) -> Iterator[tuple[str, str]]:
    if document is None:
        return
    if not paths or not isinstance(document, Mapping) or not document:
        yield name, json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return
    for key, value in document.items():
        path = f"{name}.{_DOTS.sub(_ESCAPED, key)}"
        if isinstance(value, Mapping) and value:
            yield from _flat(path, value, paths=True)
        else:
            yield path, text_of(value)


def keys_of_path(path: str) -> list[str]:
    """Return the keys of a path: `a.b` are two, `a\\.b` is one."""
    keys = [""]
    for part in re.findall(r"\\.|[^.\\]+|\.|\\", path, re.DOTALL):
        if part == ".":
            keys.append("")
        else:
            keys[-1] += part[1:] if len(part) == 2 and part[0] == "\\" else part
    return keys
