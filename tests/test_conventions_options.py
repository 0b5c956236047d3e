"""A job's options stand in one list in SQL and one in Python; what repeats them fits the list."""

from __future__ import annotations

import psycopg


def _attributes(conn: psycopg.Connection, relation: str) -> list[tuple[str, str]]:
    return conn.execute(
        "select attname::text, format_type(atttypid, null) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        (f"pgq.{relation}",),
    ).fetchall()


def _arguments(conn: psycopg.Connection, function: str, mode: str) -> list[tuple[str, str]]:
    return conn.execute(
        "select name, format_type(type, null) from pg_proc, unnest(proargnames, proargmodes,"
        " coalesce(proallargtypes, proargtypes)) with ordinality as each (name, mode, type, place)"
        " where oid = %s::regproc and coalesce(mode, 'i') = %s order by place",
        (f"pgq.{function}", mode),
    ).fetchall()


def test_the_type_has_the_arguments_of_enqueue_in_their_order(conn: psycopg.Connection) -> None:
    internal = [("new_id", "bigint"), ("ref", "text")]
    read = {"args": "jsonb", "headers": "jsonb"}
    arguments = [(name, read.get(name, type_)) for name, type_ in _arguments(conn, "enqueue", "i")]
    assert _attributes(conn, "job_options") == internal + arguments


def test_a_new_job_has_the_columns_of_jobs_in_their_order(conn: psycopg.Connection) -> None:
    assert [("id", "bigint"), *_arguments(conn, "_new_job", "t")] == _attributes(conn, "jobs")
