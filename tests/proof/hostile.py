"""Values that no caller should pass, by type, and sane ones by name, for fuzz_functions.

A literal that Postgres itself refuses to cast is dropped, so what is left reaches the function.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any, Final

import psycopg

_DIGITS: Final = "7" * 5000
_DEEP: Final = 3000
NAMES: Final = (
    *("", " ", "*", "%", "%s %I", "$1", "'", '"', "\\", "{}", "a{n}b", "null", "NULL", "-1"),
    *("\t\n\r", "\x01\x1b[31m", "\u202e\u2066evil\u2069", "\u200b", "\ufeff", "e\u0301"),
    "\U0001f4a9",
    *("a" * 129, "a" * 513, "x" * 200_000, _DIGITS, "((a+)+)+$", "[", "pgq.jobs; drop table x"),
    *("../..", "now", "infinity", "epoch", "Etc/UTC", "9" * 40, "a,b", "a.b.*", "**.x", "#"),
)
JSONS: Final = (
    *("{}", "[]", "null", "1", '"x"', "true", "", " ", "{", '{"a":', "nope", "NaN", "[1,]"),
    *('{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": 1e400000}', '{"a": 1e-400}', '{"n": NaN}'),
    *(f'{{"n": {_DIGITS}}}', f"[{_DIGITS}]", '{"": 1}', '{"a": 1, "a": 2}', f'"{"x" * 200_000}"'),
    *("[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP, "[" * 200_000),
    *("[[]]", "[null]", "[{}]", '[{"task": null}]', '[{"task": "work", "nope": 1}]', "[[{}]]"),
    *('[{"task": "work", "priority": 1e30}]', '[{"task": "work", "run_at": "soon"}]'),
    *('[{"task": "work", "delay": "-1 year"}]', '[{"task": "work", "depends_on": [[1]]}]'),
    *('[{"task": "work", "args": "\\u0000"}]', '[{"task": "work", "delay": "infinity"}]'),
    *('{"task": "work"}', '[{"task": "work"}]', '{"task": {"task": "work"}}', '{"kind": "x"}'),
    *('{"kind": "constant", "base": "1 s"}', '{"kind": "exponential", "base": "-1 s"}'),
    *('{"kind": "list", "delays": []}', '{"kind": "constant", "base": "infinity"}'),
    '[{"name": "s", "task": "work", "cron": "* * * * *"}, {"name": "s", "task": "work"}]',
)
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "text": NAMES + JSONS,
    "bigint": (
        *("-1", "0", "1", "2", "3", "7", "100", "1000", "100000", "100001", "2147483647"),
        *("2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808"),
    ),
    "boolean": ("true", "false"),
    "interval": (
        *("0", "-1 us", "1 us", "1 ms", "1 s", "1 month -30 days", "-1 month 31 days", "1 day"),
        *("100 years", "101 years", "178000000 years", "-178000000 years", "infinity"),
        *("-infinity", "2147483647 days", "-2147483648 months", "9223372036854775807 us"),
    ),
    "timestamp with time zone": (
        *("infinity", "-infinity", "epoch", "now", "4713-01-01 00:00:00+00 BC", "0001-01-01"),
        *("294276-12-31 23:59:59+00", "2000-01-01 00:00+00", "9998-01-01 00:00+00", "2030-02-28"),
        *("2026-03-29 02:30 Europe/Berlin", "1970-01-01 00:00-15:59", "9999-12-31 23:59:59+00"),
    ),
}
# What an argument of this name usually is: so that other arguments are looked at, too.
SANE: Final[dict[str, tuple[str, ...]]] = {
    "task": ("work", "t", "k", "receipt"),
    "of_task": ("work", "t"),
    "queue": ("a", "q", "fair", "later"),
    "of_queue": ("a", "q"),
    "action": ("cancel", "retry", "discard", "run_now", "reprioritise", "redrive"),
    "cron": ("* * * * *", "0 0 29 2 *", "@daily"),
    "expression": ("* * * * *", "30 2 * * sun", "0 0 30 2 *"),
    "timezone": ("UTC", "Europe/Berlin", "Asia/Kathmandu"),
    "on_conflict": ("return", "raise", "replace", "bump", "discard", "merge"),
    "on_parent_failure": ("cancel", "run", "wait"),
    "concurrency_key": ("sema", "nobody"),
    "concurrency_on_conflict": ("block", "discard"),
    "concurrency_order": ("continue", "block"),
    "unique_key": ("w", "x", "fresh"),
    "unique_while": ("live", "queued"),
    "unique_by": ("args",),
    "catch_up": ("one", "all", "none"),
    "overlap": ("skip", "allow"),
    "instruction": ("pause", "resume", "stop"),
    "statistics": ("full", "off"),
    "states": ("{ready}", "{failed,cancelled}", "{scheduled,blocked,running}"),
    "queues": ("{*}", "{q,a}", "{fair}"),
    "name": ("calm", "s"),
    "topic": ("orders.paid", "orders.*"),
    "args": ("{}", '{"n": 1}', "[1, 2]"),
    "payload": ("{}", '{"n": 1}'),
    "headers": ("{}", '{"n": 1}'),
    "jobs": ('[{"task": "work"}]', '[{"task": "work", "queue": "q", "unique_key": "x"}]'),
    "tasks": ('{"work": {}}', '{"t": {"queue": "q"}}'),
    "schedules": ('[{"name": "s", "task": "work", "every": "1 hour"}]',),
    "backoff": ('{"kind": "constant", "base": "1 s"}', "default"),
    "older_than": ("1 day", "0"),
}
# What an object of these arguments may say, and more.
KEYS: Final = (
    *("task", "queue", "args", "priority", "run_at", "delay", "max_attempts", "backoff", "timeout"),
    *("expires_in", "unique_key", "on_conflict", "headers", "concurrency_key", "concurrency_limit"),
    *("concurrency_duration", "concurrency_weight", "concurrency_on_conflict", "depends_on", "ref"),
    *("on_parent_failure", "partition_key", "unique_while", "unique_for", "batch_id", "unique_by"),
    *(
        "max_wait",
        "concurrency_order",
        "name",
        "cron",
        "every",
        "timezone",
        "starts_at",
        "catch_up",
    ),
    *("catch_up_window", "overlap", "description", "on_exhausted", "declared", "nope", ""),
)
ODD: Final[Any] = (None, True, [], {}, [1], [[]], [None], {"a": 1}, 1e300, -0.5)
OBJECTS: Final = frozenset(("jobs", "schedules", "tasks", "options", "on_finish", "on_success"))
# A face takes values of any type.
ANY: Final = ("text", "text", "jsonb", "json", "bigint", "boolean", "interval", "date", "text[]")


class Pools:
    """Draws literals: sane or hostile ones, in single values and in arrays."""

    def __init__(self, conn: psycopg.Connection, draw: random.Random) -> None:
        self.draw = draw
        self.ids: list[str] = ["1"]  # of what is there: jobs, claims, workers, batches, operations
        self._good = {
            kind: [one for one in values if _is_castable(conn, one, kind)]
            for kind, values in (*VALUES.items(), ("jsonb", JSONS), ("json", JSONS))
        }
        self._good["date"] = ["2030-01-01", "infinity"]

    def literal(self, name: str, kind: str) -> tuple[str | None, str]:
        """Draw a value for an argument: its text, and the type to which it is cast."""
        how = self.draw.random()
        if kind == "anycompatible":
            kind = self.draw.choice(ANY) if how > 0.5 else "text"
        if how < 0.05:
            return None, kind
        if kind == "text" and name in OBJECTS and how < 0.6:
            return self._objects(name), kind
        if how < 0.5 and name in SANE and kind in ("text", "text[]"):
            return self._fitting(self.draw.choice(SANE[name]), kind)
        if kind.endswith("[]"):
            return self._array(kind.removesuffix("[]")), kind
        return self._one(kind), kind

    def _objects(self, name: str) -> str:
        """Draw objects with options of any value, as an array, as one, or by name."""
        several = [self._object() for _ in range(self.draw.choice((1, 1, 1, 3)))]
        if name == "tasks":
            return json.dumps({f"t{number}": one for number, one in enumerate(several)})
        return json.dumps(several if name in ("jobs", "schedules") else several[0])

    def _object(self) -> dict[str, object]:
        made: dict[str, object] = {"task": "work", "name": "s", "every": "1 hour"}
        made = {key: value for key, value in made.items() if self.draw.random() < 0.7}
        for key in self.draw.sample(KEYS, self.draw.choice((1, 1, 2, 5))):
            sane = SANE.get(key, ("1 minute", "2030-01-01 00:00+00"))
            made[key] = self.draw.choice(
                (
                    self.draw.choice(sane),
                    self.draw.choice(self._good[self.draw.choice(list(VALUES))]),
                    int(self._one("bigint")),
                    self.draw.choice(
                        (None, True, [], {}, [1], [[]], [None], {"a": 1}, 1e300, -0.5)
                    ),
                    [int(self._one("bigint"))],
                )
            )
        return made

    def _fitting(self, text: str, kind: str) -> tuple[str, str]:
        is_array = text.startswith("{") and not text.startswith('{"') and text != "{}"
        if kind.endswith("[]"):
            return (text if is_array else "{work,q}"), kind
        return text, kind

    def _one(self, kind: str) -> str:
        if kind == "bigint" and self.draw.random() < 0.5:
            return self.draw.choice(self.ids)
        return self.draw.choice(self._good[kind])

    def _array(self, kind: str) -> str:
        how = self.draw.random()
        few = [self._one(kind) for _ in range(self.draw.randrange(5))]
        if how < 0.05:
            return "{NULL,NULL}"
        if how < 0.1:
            return "{{1,2},{3,4}}" if kind == "bigint" else "{}"
        if how < 0.13 and kind == "bigint":
            return _array_of(map(str, range(self.draw.choice((1000, 100_001)))))
        if how < 0.2:
            few += few
        if how < 0.3:
            return _array_of([*few, None])
        return _array_of(few)


def _array_of(values: Iterable[str | None]) -> str:
    quoted = [
        "NULL" if one is None else '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for one in values
    ]
    return f"{{{','.join(quoted)}}}"


def _is_castable(conn: psycopg.Connection, text: str, kind: str) -> bool:
    try:
        conn.execute(f"select %s::{kind}".encode(), (text,))
    except psycopg.Error:
        return False
    return True
