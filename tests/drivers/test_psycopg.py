from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Json, Jsonb, JsonbDumper

ENQUEUE = "select pgq.enqueue(%(task)s, %(args)s, queue => %(queue)s)"


def args_of(conn: psycopg.Connection, job_id: int) -> Any:
    row = conn.execute("select args from pgq.jobs where id = %s", (job_id,)).fetchone()
    assert row
    return row[0]


def enqueue(conn: psycopg.Connection, args: object) -> int:
    row = conn.execute(ENQUEUE, {"task": "t", "args": args, "queue": "q"}).fetchone()
    assert row
    job_id: int = row[0]
    return job_id


@pytest.mark.parametrize("wrap", [Json, Jsonb, json.dumps])
@pytest.mark.parametrize("args", [{"a": [1, None, "é"]}, [1, {"b": 2.5}], {}])
def test_json_jsonb_and_text(conn: psycopg.Connection, wrap: Any, args: object) -> None:
    assert args_of(conn, enqueue(conn, wrap(args))) == args


def test_a_registered_dict(conn: psycopg.Connection) -> None:
    conn.adapters.register_dumper(dict, JsonbDumper)
    assert args_of(conn, enqueue(conn, {"a": 1})) == {"a": 1}


def test_none_is_the_default(conn: psycopg.Connection) -> None:
    assert args_of(conn, enqueue(conn, None)) == {}


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("prepare", [True, False])
def test_every_kind_of_value_in_every_protocol(
    conn: psycopg.Connection, binary: bool, prepare: bool
) -> None:
    statement = (
        "select pgq.enqueue('t', %(args)s, priority => %(priority)s, run_at => %(run_at)s,"
        " max_attempts => %(max_attempts)s, timeout => %(timeout)s, expires_in => %(expires_in)s,"
        " unique_key => %(unique_key)s, headers => %(headers)s)"
    )
    values = {
        "args": Jsonb({"a": 1}),
        "priority": -(1 << 31),
        "run_at": datetime(2100, 1, 1, tzinfo=UTC),
        "max_attempts": 1_000_000,
        "timeout": timedelta(seconds=30),
        "expires_in": timedelta(days=2),
        "unique_key": "k",
        "headers": '{"h": 1}',
    }
    with conn.cursor(binary=binary) as cursor:
        row = cursor.execute(statement, values, prepare=prepare, binary=binary).fetchone()
    assert row == (1,)
    stored = conn.execute("select priority, run_at, timeout, headers from pgq.all_jobs").fetchone()
    assert stored == (
        -(1 << 31),
        values["run_at"],
        values["timeout"],
        {"h": 1},
    )


def test_ids_as_lists_and_as_text(conn: psycopg.Connection) -> None:
    for _ in range(4):
        enqueue(conn, None)
    claim = "select job_id, claim_id from pgq.claim_batch(%s, batch_size => %s)"
    complete = "select outcome from pgq.complete_batch(%s, %s)"
    ids, claims = zip(*conn.execute(claim, (["q"], 2)), strict=True)
    assert conn.execute(complete, (list(ids), list(claims))).fetchall() == [("ok",)] * 2
    ids, claims = zip(*conn.execute(claim, ("{q}", 2)), strict=True)
    texts = [f"{{{','.join(map(str, many))}}}" for many in (ids, claims)]
    assert conn.execute(complete, texts).fetchall() == [("ok",)] * 2


def test_in_a_pipeline(conn: psycopg.Connection) -> None:
    values = {"task": "t", "args": None, "queue": "q"}
    with conn.pipeline():
        cursors = [conn.execute(ENQUEUE, values) for _ in range(3)]
    assert [cursor.fetchone() for cursor in cursors] == [(1,), (2,), (3,)]


def test_a_copied_row_and_other_sql_values(conn: psycopg.Connection) -> None:
    conn.execute("create type point3 as (x int, y int, z int)")
    for statement, expected in (
        ("select pgq.enqueue('t', row(1, 2, 3)::point3)", {"x": 1, "y": 2, "z": 3}),
        ("select pgq.enqueue('t', array[1, 2])", [1, 2]),
        ("select pgq.enqueue('t', array['a', null])", ["a", None]),
        ("select pgq.enqueue('t', '{\"a\": 1}'::varchar)", {"a": 1}),
        ("select pgq.enqueue('t', '{\"a\": 1}'::json)", {"a": 1}),
    ):
        row = conn.execute(statement.encode()).fetchone()
        assert row and args_of(conn, row[0]) == expected
