"""What the tests of schedules share: a clock that stands still, and short calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.sql.calls import Row, rows, scalar, value

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def set_clock(conn: psycopg.Connection, moment: datetime) -> None:
    """Stop the clock of the test's database at a moment, for all its sessions."""
    body = f"select timestamptz '{moment.isoformat()}'"
    conn.execute(
        "create or replace function pgq._now() returns timestamptz language sql"
        f" as $clock$ {body} $clock$".encode()
    )


def schedule(
    conn: psycopg.Connection, name: str = "s", task: str = "work", **options: Any
) -> datetime:
    next_run_at: datetime = value(conn, "schedule", name=name, task=task, **options)
    return next_run_at


def fire(conn: psycopg.Connection, **options: Any) -> tuple[int, datetime | None]:
    (answer,) = rows(conn, "fire_due_schedules", **options)
    return answer["fired"], answer["next_run_at"]


def found(conn: psycopg.Connection, name: str = "s") -> Row:
    """Return the row of a schedule."""
    row: Row = scalar(conn, "select to_jsonb(s) from pgq.schedules as s where name = %s", name)
    return row


def next_run(conn: psycopg.Connection, name: str = "s") -> datetime:
    moment: datetime = scalar(conn, "select next_run_at from pgq.schedules where name = %s", name)
    return moment


def runs(conn: psycopg.Connection, name: str = "s") -> list[tuple[datetime, str]]:
    """Return what became of the ticks of a schedule, in their order."""
    return conn.execute(
        "select run_at, outcome from pgq.schedule_runs where schedule = %s order by run_at", (name,)
    ).fetchall()


def ticks(conn: psycopg.Connection, name: str = "s") -> list[datetime]:
    """Return the ticks for which a job was enqueued, in UTC.

    In a zone an hour that comes twice is equal to no time of another zone, in Python.
    """
    ran = runs(conn, name)
    return [run_at.astimezone(UTC) for run_at, outcome in ran if outcome == "enqueued"]


def missed(conn: psycopg.Connection, name: str = "s") -> list[tuple[datetime, datetime]]:
    """Return the first and the last tick of each time that ticks were passed over."""
    return conn.execute(
        "select run_at, missed_until from pgq.schedule_runs"
        " where schedule = %s and outcome = 'missed' order by run_at",
        (name,),
    ).fetchall()


def jobs(conn: psycopg.Connection) -> int:
    count: int = scalar(conn, "select count(*) from pgq.jobs")
    return count
