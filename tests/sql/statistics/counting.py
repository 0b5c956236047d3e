"""What the tests of statistics have in common."""

from __future__ import annotations

from collections import Counter

import psycopg

from tests.servers import Travel
from tests.sql.calls import scalar

COUNTED = """
    select outcome, sum(jobs)::bigint
    from (
      select outcome, jobs from pgq.stat_totals
      union all
      select outcome, jobs from pgq.stat_deltas where error is null
    ) as counted
    group by outcome
"""


def counted(conn: psycopg.Connection) -> Counter[str]:
    """Return how many jobs had which outcome, folded or not."""
    return Counter(dict(conn.execute(COUNTED.encode()).fetchall()))


def fold(conn: psycopg.Connection, most: int = 20_000) -> int:
    """Count deltas, as the step of maintain() does."""
    taken: int = scalar(conn, "select pgq._fold_statistics(%s)", most)
    return taken


def left(conn: psycopg.Connection) -> int:
    """Return how many deltas are not counted yet."""
    rows: int = scalar(conn, "select count(*) from pgq.stat_deltas")
    return rows


def totals(conn: psycopg.Connection) -> Counter[str]:
    """Return how many jobs had which outcome, of those that were folded."""
    query = "select outcome, sum(jobs)::bigint from pgq.stat_totals group by outcome"
    return Counter(dict(conn.execute(query.encode()).fetchall()))


def minutes(conn: psycopg.Connection) -> list[tuple[str, int]]:
    """Return how many jobs each minute has, in UTC."""
    return conn.execute(
        "select to_char(minute at time zone 'UTC', 'HH24:MI'), sum(jobs)::bigint"
        " from pgq.stat_minutes group by minute order by minute"
    ).fetchall()


def to_noon(conn: psycopg.Connection, travel: Travel) -> None:
    """Set the clock to half a minute after noon of the first day of 2030, in UTC."""
    travel(scalar(conn, "select timestamptz '2030-01-01 12:00:30+00' - pgq._now()"))
