"""What the tests of statistics have in common."""

from __future__ import annotations

from collections import Counter
from typing import Final

import psycopg

from tests.servers import Travel
from tests.sql.calls import scalar

COUNTED: Final = """
    select outcome, sum(jobs)::bigint
    from (
      select outcome, jobs from pgq.stat_periods
      union all
      select outcome, jobs from pgq.stat_deltas where error is null
    ) as counted
    group by outcome
"""
TOTALS: Final = """
    select task = '', outcome, sum(jobs)::bigint
    from pgq.stat_totals
    cross join lateral (
      values ('succeeded', succeeded), ('failed', failed), ('cancelled', cancelled),
        ('expired', expired), ('retried', retried), ('snoozed', snoozed), ('released', released),
        ('lost', lost)
    ) as known (outcome, jobs)
    group by 1, 2
    having sum(jobs) > 0
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
    """Return how many jobs had which outcome by the totals: of queues, and of queues and tasks."""
    kinds: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for is_queue, outcome, jobs in conn.execute(TOTALS.encode()):
        kinds[is_queue][outcome] = jobs
    assert kinds[True] == kinds[False]
    return kinds[True]


def minutes(conn: psycopg.Connection) -> list[tuple[str, int]]:
    """Return how many jobs each minute has, in UTC."""
    return conn.execute(
        "select to_char(began_at at time zone 'UTC', 'HH24:MI'), sum(jobs)::bigint"
        " from pgq.stat_periods where unit = 'minute' group by began_at order by began_at"
    ).fetchall()


def to_noon(conn: psycopg.Connection, travel: Travel) -> None:
    """Set the clock to half a minute after noon of the first day of 2030, in UTC."""
    travel(scalar(conn, "select timestamptz '2030-01-01 12:00:30+00' - pgq._now()"))
