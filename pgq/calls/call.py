"""What a call of the database is: a statement, its arguments, and how its rows are read. No I/O.

An argument that is None is left out of the statement, and the function's own default counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

from pgq.calls.columns import MOMENT, PLAIN, Kind, decode, kinds_of
from pgq.calls.columns import Row as Row
from pgq.lib.checks import as_ids, as_listed, check_integer, check_text, check_truth
from pgq.options import Option
from pgq.schema.names import quote_identifier
from pgq.values import interval_text, json_text, moment_text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


# The functions that leave a row in the audit.
AUDITED: Final = frozenset({
    *("add_mark", "reset_statistics"),
    *("bulk_start", "bulk_stop", "cancel", "clear_queue", "close_batch", "configure"),
    *("configure_queue", "configure_semaphore", "discard", "enqueue_again", "order_worker"),
    *("configure_retention", "configure_task", "forget_task", "sync_tasks"),
    *("pause_queue", "pause_schedule", "pause_task", "prune", "prune_schedule_history"),
    *("pause_semaphore", "release_semaphore", "resume_schedule", "resume_semaphore", "resume_task"),
    *("release_unique_key", "report_lost_worker", "reprioritise", "resume_queue"),
    *("retry", "run_now", "run_schedule_now", "schedule", "sync_schedules"),
    "redrive",
    *("shard_assign", "shard_init", "shard_spread", "subscribe", "unschedule", "unsubscribe"),
    *("start_cron", "stop_cron"),
})  # fmt: skip


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
    # Whether it may be sent twice, because a key keeps the second time from doing the same again.
    repeats: bool = False
    # Whether the database notes who changed something by it.
    audited: bool = False
    # Its texts with the parameters in them, by schema and encoding: putting one together takes long
    # beside sending it, and an idle worker sends the same claim again and again.
    texts: dict[tuple[str, str], str] = field(default_factory=dict, compare=False, repr=False)  # pyright: ignore

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
        key: None if sent is None else _SENT[sql_type](sent, key)
        for key, (sql_type, sent) in given.items()
    }
    return Call(template, parameters, answer.read, prepares=prepares, audited=name in AUDITED)


def name_actor(actor: str) -> Call[None]:
    """Return what tells the database who acts, for the rest of the transaction."""
    template = "select set_config('pgq.actor', %(actor)s::text, true)"
    return Call(template, {"actor": check_text(actor, "actor")}, lambda _rows: None)


def _listed(each: Callable[[Any, str], Any], given: Any, what: str) -> list[Any]:
    return [None if one is None else each(one, what) for one in as_listed(given, what)]


def _ids(given: Any, what: str) -> str:
    """Return ids as one text: cheaper than an array of thousands of driver values."""
    return "{" + ",".join(map(str, as_ids(given, what))) + "}"


# What is sent of a value, by the type of the argument and with its name for errors. Each refuses
# what is of another type, so that a new binding need not.
_SENT: Final[dict[str, Callable[[Any, str], Any]]] = {
    "text": check_text,
    "bigint": check_integer,
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
# A function that returns void.
nothing: Final[Answer[None]] = Answer("answer", lambda _rows: None)


def rows_as(kind: Callable[..., T]) -> Answer[list[T]]:
    """Return what reads any number of rows, each a NamedTuple of that type."""
    kinds = kinds_of(cast("type", kind))
    columns = ", ".join(column.asked.format(name) for name, column in kinds.items())
    cells = [*kinds.values()]
    make: Callable[[Row], T] = kind._make  # type: ignore[attr-defined]
    return Answer(columns, lambda rows: list(map(make, decode(rows, cells))))


def row_as(kind: Callable[..., T]) -> Answer[T]:
    """Return what reads exactly one row; see `rows_as`."""
    rows = rows_as(kind)
    return Answer(rows.columns, lambda found: rows.read(found)[0])


def row_or_none(kind: Callable[..., T]) -> Answer[T | None]:
    """Return what reads one row or none; see `rows_as`."""
    rows = rows_as(kind)
    return Answer(rows.columns, lambda found: rows.read(found)[0] if found else None)


def argument(option: Option, given: Any) -> Argument | None:
    """Wrap the value of an option as the list of them says."""
    if given is None:
        return None
    made = given if option.sent is None else option.sent(given, option.name)
    if option.sql_type == "jsonb":
        return Argument("text", json_text(made, option.name))
    return Argument(option.sql_type, made)
