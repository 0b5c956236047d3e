"""Short ways to start bulk operations, to work them off, and to make jobs for them."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.sql.calls import Row, claim, enqueue_many, fail, rows, value


def start(conn: psycopg.Connection, action: str, **options: Any) -> Row:
    (answer,) = rows(conn, "bulk_start", action=action, **options)
    return answer


def status(conn: psycopg.Connection, operation_id: int) -> Row:
    (found,) = rows(conn, "bulk_status", operation_id=operation_id)
    return found


def work_off(conn: psycopg.Connection, operation_id: int, max_jobs: int = 1000) -> Row:
    """Do all pages that are due."""
    while value(conn, "bulk_work", operation_id=operation_id, max_jobs=max_jobs) is not None:
        pass
    return status(conn, operation_id)


def run(conn: psycopg.Connection, action: str, **options: Any) -> Row:
    return work_off(conn, start(conn, action, starts_in="0", **options)["id"])


def many(conn: psycopg.Connection, count: int, **options: Any) -> list[int]:
    jobs = [{"task": "work", "max_attempts": 1, **options}] * count
    return [job_id for job_id, _ in enqueue_many(conn, *jobs)]


def failed(conn: psycopg.Connection, count: int, **options: Any) -> list[int]:
    ids = many(conn, count, **options)
    while held := claim(conn):
        fail(conn, *held, error_types=["Boom"] * len(held))
    return ids


def states(conn: psycopg.Connection, ids: list[int]) -> set[str | None]:
    return {answer["state"] for answer in rows(conn, "results", ids=ids)}
