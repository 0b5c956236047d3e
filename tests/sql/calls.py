"""Short ways to call the SQL functions as a plain session would: named arguments, no casts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import class_row, dict_row

Row = dict[str, Any]


class Claim(NamedTuple):
    job_id: int
    claim_id: int
    queue: str
    task: str
    args: Any
    headers: Any
    attempt: int
    max_attempts: int
    timeout: timedelta | None


def _query(function: str, options: dict[str, Any]) -> sql.Composed:
    arguments = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in options
    )
    return sql.SQL("select * from pgq.{}({})").format(sql.Identifier(function), arguments)


def rows(conn: psycopg.Connection, function: str, **options: Any) -> list[Row]:
    """Call a function and return its rows."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_query(function, options), options).fetchall()


def value(conn: psycopg.Connection, function: str, **options: Any) -> Any:
    """Call a function that answers one value."""
    answer = conn.execute(_query(function, options), options).fetchone()
    assert answer and len(answer) == 1
    return answer[0]


def scalar(conn: psycopg.Connection, query: str, *parameters: object) -> Any:
    """Return the first column of the first row of a query."""
    answer = conn.execute(query.encode(), parameters).fetchone()
    assert answer
    return answer[0]


PILED = """
    create or replace function
      pgq._dead_rows_pile_up(relation regclass, at_least bigint default 1000)
      returns boolean language sql stable set search_path = pg_catalog, pg_temp
    as 'select true'
"""
"""Lets dead rows pile up, whatever the statistics say: marks are made at once."""


def buffers(conn: psycopg.Connection, query: str, *parameters: object) -> int:
    """Return how many pages of tables and indexes a query touches."""
    explain = f"explain (analyze, buffers, format json) {query}"
    (plan,) = scalar(conn, explain, *parameters)
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def enqueue(conn: psycopg.Connection, task: str = "work", **options: Any) -> int:
    job_id: int = value(conn, "enqueue", task=task, **options)
    return job_id


def enqueue_many(conn: psycopg.Connection, *jobs: Row) -> list[tuple[int, bool]]:
    answers = rows(conn, "enqueue_many", jobs=json.dumps(jobs))
    return [(answer["id"], answer["created"]) for answer in answers]


def claim(
    conn: psycopg.Connection, queues: Sequence[str] = ("*",), batch_size: int = 100, **options: Any
) -> list[Claim]:
    options = {"queues": list(queues), "batch_size": batch_size, **options}
    with conn.cursor(row_factory=class_row(Claim)) as cursor:
        return cursor.execute(_query("claim_batch", options), options).fetchall()


def claim_one(conn: psycopg.Connection, **options: Any) -> Claim:
    (claimed,) = claim(conn, batch_size=1, **options)
    return claimed


def settle(
    conn: psycopg.Connection, function: str, claims: Sequence[Claim], **options: Any
) -> list[Row]:
    """Call complete_batch, fail_batch, snooze_batch or release_batch for these claims."""
    return rows(
        conn,
        function,
        ids=[held.job_id for held in claims],
        claim_ids=[held.claim_id for held in claims],
        **options,
    )


def complete(conn: psycopg.Connection, *claims: Claim, **options: Any) -> list[str]:
    return [answer["outcome"] for answer in settle(conn, "complete_batch", claims, **options)]


def fail(conn: psycopg.Connection, *claims: Claim, **options: Any) -> list[tuple[str, str | None]]:
    answers = settle(conn, "fail_batch", claims, **options)
    return [(answer["outcome"], answer["state"]) for answer in answers]


def outcomes(
    conn: psycopg.Connection, function: str, *ids: int | None, **options: Any
) -> list[str]:
    """Call cancel, retry or discard and return the outcomes, in the order asked."""
    answers = rows(conn, function, ids=list(ids), **options)
    assert [answer["job_id"] for answer in answers] == list(ids)
    return [answer["outcome"] for answer in answers]


def job(conn: psycopg.Connection, job_id: int) -> Row:
    """Return the job's row of all_jobs."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("select * from pgq.all_jobs where id = %s", (job_id,)).fetchall()
    (row,) = found
    return row


def state(conn: psycopg.Connection, job_id: int) -> str | None:
    """Return the job's state, None when it is nowhere."""
    answers = rows(conn, "result", job_id=job_id)
    return answers[0]["state"] if answers else None


def register(conn: psycopg.Connection, **options: Any) -> int:
    worker_id: int = value(conn, "register_worker", **{"name": "test", "queues": ["*"], **options})
    return worker_id


def violations(conn: psycopg.Connection) -> list[str]:
    return [row["violation"] for row in rows(conn, "verify")]


@contextmanager
def refused(sqlstate: str, words: str = "") -> Iterator[None]:
    """Expect an error of ours: this SQLSTATE, these words in the message, and a hint."""
    with pytest.raises(psycopg.Error) as caught:
        yield
    assert caught.value.sqlstate == sqlstate, caught.value
    assert words in (caught.value.diag.message_primary or "")
    assert caught.value.diag.message_hint
