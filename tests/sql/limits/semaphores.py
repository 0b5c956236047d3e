"""Short ways to make jobs with a semaphore, and to see who holds it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.sql.calls import Row, enqueue, rows, state


def keyed(
    conn: psycopg.Connection, key: str = "k", limit: int | None = None, **options: Any
) -> int:
    """Enqueue a job with a semaphore."""
    return enqueue(conn, concurrency_key=key, concurrency_limit=limit, **options)


def promote(conn: psycopg.Connection, **options: Any) -> None:
    rows(conn, "promote_due", **options)


def states(conn: psycopg.Connection, *ids: int) -> list[str | None]:
    return [state(conn, job_id) for job_id in ids]


def holders(conn: psycopg.Connection, key: str = "k") -> list[int]:
    """Return the jobs that hold slots, lowest id first."""
    query = "select job_id from pgq.slots where concurrency_key = %s order by job_id"
    return [job_id for (job_id,) in conn.execute(query, (key,))]


def status(conn: psycopg.Connection, key: str = "k") -> Row | None:
    """Return the semaphore's row of semaphore_status."""
    with conn.cursor(row_factory=dict_row) as cursor:
        query = "select * from pgq.semaphore_status where concurrency_key = %s"
        return cursor.execute(query, (key,)).fetchone()
