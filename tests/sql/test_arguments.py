"""What every public function makes of odd arguments, whatever they mean to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg import sql

from tests.sql.calls import claim, enqueue, rows, violations

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
HUGE = "x" * 200_000
ROOM = 1000  # characters that an error may have, its hint and its context of ours included

# One value for each type, where an argument must be given.
PLAIN = {
    "text": "a",
    "bigint": "1",
    "interval": "1 minute",
    "timestamp with time zone": "2030-01-01 00:00+00",
    "boolean": "true",
    "anycompatible": "{}",
    "jsonb": "[]",
}


class Argument(NamedTuple):
    name: str
    kind: str
    is_required: bool


def public_functions(conn: psycopg.Connection) -> Iterator[tuple[str, list[Argument]]]:
    found = conn.execute(
        "select proname, pronargs - pronargdefaults, proargnames,"
        " array(select format_type(kind, null) from unnest(proargtypes) as kind)"
        " from pg_proc where pronamespace = 'pgq'::regnamespace and proname !~ '^_'"
        " and prorettype <> 'trigger'::regtype order by proname"
    ).fetchall()
    for function, required, names, kinds in found:
        yield (
            function,
            [
                Argument(name, kind, place < required)
                for place, (name, kind) in enumerate(zip(names or (), kinds, strict=False))
            ],
        )


def call(
    conn: psycopg.Connection, function: str, arguments: list[Argument], literals: dict[str, str]
) -> psycopg.Error | None:
    """Call with these values, plain ones where needed; return the error, if any."""
    given = {
        argument.name: literals.get(argument.name) or plain(argument.kind)
        for argument in arguments
        if argument.name in literals or argument.is_required
    }
    query = sql.SQL("select * from pgq.{}({})").format(
        sql.Identifier(function),
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.SQL(text))  # type: ignore[arg-type]
            for name, text in given.items()
        ),
    )
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(query).fetchall()
    except psycopg.Error as error:
        return error
    return None


# What one job of enqueue_many() may hold, and what one schedule.
JOB_OPTIONS = (
    *("task", "queue", "priority", "run_at", "delay", "max_attempts", "backoff", "timeout"),
    *("expires_in", "unique_key", "on_conflict", "headers", "concurrency_key", "args", "ref"),
    *("concurrency_limit", "concurrency_duration", "concurrency_weight", "batch_id"),
    *("concurrency_on_conflict", "depends_on", "on_parent_failure", "partition_key"),
    *("unique_while", "unique_for", "unique_by", "max_wait", HUGE),
)
SCHEDULE_OPTIONS = (
    *("name", "task", "cron", "every", "timezone", "starts_at", "catch_up", "catch_up_window"),
    *("overlap", "description", "args", "queue", "priority", "backoff", "headers", HUGE),
)

ODD_ARRAYS = {
    "of two dimensions": "array[[{0}, {0}], [{0}, {0}]]",
    "with two dimensions of one": "array[[{0}]]",
    "with a null": "array[{0}, null]",
    "of nulls": "array[null, null]",
    "that starts at 5": "'[5:6]={{{1},{1}}}'",
    "that is empty": "'{{}}'",
}


def plain(kind: str) -> str:
    if kind.endswith("[]"):
        return f"'{{{PLAIN[kind[:-2]]}}}'::{kind}"
    return f"'{PLAIN[kind]}'::{'text' if kind == 'anycompatible' else kind}"


def odd_array(kind: str, oddity: str) -> str:
    element = kind[:-2]
    return f"{ODD_ARRAYS[oddity].format(plain(element), PLAIN[element])}::{kind}"


ODD_VALUES = {
    "bigint": ("-1", "0", str(2**63 - 1), str(-(2**63))),
    "interval": ("-1 s", "0", "infinity", "-infinity", "178000000 years", "101 years"),
    "timestamp with time zone": (
        *("infinity", "-infinity", "290000-01-01", "4000-01-01 BC"),
        *("294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC"),
    ),
    "text": ("bogus", "", "*"),
    "text[]": ("{bogus}", "{}", '{""}'),
    "bigint[]": ("{-1}", f"{{{2**63 - 1}}}"),
    "interval[]": ("{-1 s}", "{infinity}"),
}
# Arguments that are any text, a name or an explanation, and not one of a few words.
FREE = {
    *(
        "about",
        "after_key",
        "batch_id",
        "concurrency_key",
        "concurrency_keys",
        "description",
        "error_type",
    ),
    *(
        "error_types",
        "fingerprint",
        "fingerprints",
        "of_fingerprint",
        "of_key",
        "of_name",
        "of_task",
    ),
    *("host", "label", "messages", "name", "partition_key", "pid_space", "queue", "queues"),
    *("reason", "results", "schedule_name", "source", "task", "tasks", "tracebacks", "unique_key"),
    *("version", "what", "who"),
    *("declared", "of_queue", "on_exhausted", "topic"),
}


@pytest.mark.newest
@pytest.mark.slow
def test_odd_values_are_taken_or_refused_by_us(conn: psycopg.Connection) -> None:
    """No range and no word of a few is left to Postgres, or to an empty answer."""
    enqueue(conn, queue="a")
    raw, taken = [], set()
    is_old = conn.info.server_version < 170000
    for function, arguments in public_functions(conn):
        for argument in arguments:
            for odd in ODD_VALUES.get(argument.kind, ()):
                if "infinity" in odd and "interval" in argument.kind and is_old:
                    continue
                literals = {argument.name: f"'{odd}'::{argument.kind}"}
                error = call(conn, function, arguments, literals)
                if error and not (error.sqlstate or "").startswith("JQ"):
                    raw.append(f"{function}({argument.name} => {odd}): {error.sqlstate}")
                if odd in ("bogus", "{bogus}") and not error:
                    taken.add(argument.name)
    assert raw == []
    assert taken <= FREE


@pytest.mark.slow
@pytest.mark.parametrize("oddity", ODD_ARRAYS)
def test_odd_arrays_are_taken_or_refused_by_us(conn: psycopg.Connection, oddity: str) -> None:
    """One at a time, and all of a function's arrays alike, which then fit each other."""
    raw = []
    for function, arguments in public_functions(conn):
        odd = {
            argument.name: odd_array(argument.kind, oddity)
            for argument in arguments
            if argument.kind.endswith("[]")
        }
        for literals in (*({name: literal} for name, literal in odd.items()), odd):
            error = call(conn, function, arguments, literals) if literals else None
            if error and not (error.sqlstate or "").startswith("JQ"):
                raw.append(f"{function}({', '.join(literals)}): {error.sqlstate}")
    assert raw == []


@pytest.mark.slow
def test_errors_show_little_of_what_was_given(conn: psycopg.Connection) -> None:
    long = []
    for function, arguments in public_functions(conn):
        for argument in arguments:
            if argument.kind not in ("text", "text[]", "anycompatible"):
                continue
            literal = f"array['{HUGE}']" if argument.kind == "text[]" else f"'{HUGE}'::text"
            error = call(conn, function, arguments, {argument.name: literal})
            if error and len(said(error)) > ROOM:
                long.append(f"{function}({argument.name}): {error.sqlstate}")
    assert long == []


def said(error: psycopg.Error) -> str:
    diag = error.diag
    return f"{diag.message_primary} {diag.message_detail} {diag.message_hint}"


@pytest.mark.slow
@pytest.mark.parametrize("odd", [HUGE, [HUGE], {HUGE: HUGE}], ids=["text", "list", "object"])
def test_errors_about_jobs_and_schedules_show_little(conn: psycopg.Connection, odd: object) -> None:
    job = {"task": "t", "unique_key": "k", "concurrency_key": "c"}
    schedule = {"name": "s", "task": "t", "cron": "* * * * *"}
    calls = [("enqueue_many", {"jobs": [job | {name: odd}]}) for name in JOB_OPTIONS]
    calls += [
        ("sync_schedules", {"source": "test", "schedules": [schedule | {name: odd}]})
        for name in SCHEDULE_OPTIONS
    ]
    errors = []
    for function, given in calls:
        options = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in given.items()
        }
        try:
            with conn.transaction(force_rollback=True):
                rows(conn, function, **options)
        except psycopg.Error as error:
            errors.append(error)
    assert {error.sqlstate[:2] for error in errors if error.sqlstate} == {"JQ"}
    assert max(len(said(error)) for error in errors) <= ROOM
    assert len(errors) > 20


@pytest.mark.parametrize("oddity", ["of two dimensions", "that starts at 5"])
@pytest.mark.parametrize(
    "function", ["complete_batch", "fail_batch", "snooze_batch", "release_batch"]
)
def test_settles_take_ids_and_claims_in_any_array(
    conn: psycopg.Connection, function: str, oddity: str
) -> None:
    """By their order, whatever the dimensions and the first index."""
    for _ in range(4):
        enqueue(conn)
    held = claim(conn)

    def odd(values: list[object], kind: str) -> str:
        shape = "[5:8]={{{},{},{},{}}}" if "starts" in oddity else "{{{{{},{}}},{{{},{}}}}}"
        return f"'{shape.format(*values)}'::{kind}[]"

    more = {
        "complete_batch": f", results => {odd([1, 2, 3, 4], 'text')}",
        "fail_batch": f", messages => {odd([1, 2, 3, 4], 'text')}",
        "snooze_batch": f", delays => {odd(['1m', '2m', '3m', '4m'], 'interval')}",
        "release_batch": "",
    }
    answers = conn.execute(
        f"select job_id, outcome from pgq.{function}("
        f"{odd([one.job_id for one in held], 'bigint')},"
        f" {odd([one.claim_id for one in held], 'bigint')}{more[function]})".encode()
    ).fetchall()
    assert answers == [(one.job_id, "ok") for one in held]
    if function == "complete_batch":
        assert [rows(conn, "result", job_id=one.job_id)[0]["result"] for one in held] == [
            1,
            2,
            3,
            4,
        ]
    assert violations(conn) == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("cancel(17)", "function pgq.cancel(integer) does not exist"),
        ("retry(17)", "function pgq.retry(integer) does not exist"),
        (
            "enqueue('t', delay => 300)",
            "function pgq.enqueue(unknown, delay => integer) does not exist",
        ),
        (
            "enqueue('t', prioritiy => 3)",
            "function pgq.enqueue(unknown, prioritiy => integer) does not exist",
        ),
    ],
)
def test_what_postgres_says_of_wrong_calls_stands_in_the_docs(
    conn: psycopg.Connection, call: str, says: str
) -> None:
    with pytest.raises(psycopg.errors.UndefinedFunction) as caught:
        conn.execute(f"select pgq.{call}".encode())
    assert caught.value.diag.message_primary == says
    lines = [line for line in DOCUMENTED.splitlines() if f"`{call}`" in line]
    assert len(lines) == 1 and f"`{says}`" in lines[0]


@pytest.mark.parametrize(
    "call", ["enqueue('t', {})", "enqueue_many({})", "sync_schedules('s', {})"]
)
def test_an_array_of_rows_is_refused_by_postgres_and_taken_as_json(
    conn: psycopg.Connection, call: str
) -> None:
    """Before any function of ours begins; the docs say what to write."""
    rows_of = "array[row(1, 2)]"
    with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
        conn.execute(f"select pgq.{call.format(rows_of)}".encode())
    says = caught.value.diag.message_primary
    (line,) = [line for line in DOCUMENTED.splitlines() if line.startswith("| `0A000`")]
    assert f"`{says}`" in line and f"`to_jsonb({rows_of})`" in line
    if call.startswith("enqueue('t'"):
        conn.execute(f"select pgq.{call.format(f'to_jsonb({rows_of})')}".encode())
