from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import Row, enqueue_many, refused, rows
from tests.sql.operate.test_find_jobs import populate


def estimate(conn: psycopg.Connection, **options: Any) -> Row:
    (row,) = rows(conn, "estimate_jobs", **options)
    return row


@pytest.mark.slow
def test_few_are_counted_exactly(conn: psycopg.Connection) -> None:
    populate(conn)
    assert estimate(conn) == {"jobs": 8, "exact": True, "looked_at": 8, "looked_to": None}
    assert estimate(conn, states=["ready", "failed"])["jobs"] == 2
    assert estimate(conn, task="none") == {
        "jobs": 0,
        "exact": True,
        "looked_at": 8,
        "looked_to": None,
    }


def test_many_are_counted_to_a_limit(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 300)]
    found = estimate(conn, max_jobs=100)
    assert (found["jobs"], found["exact"], found["looked_to"]) == (100, False, made[-100])
    found = estimate(conn, max_jobs=1000)
    assert (found["jobs"], found["exact"]) == (300, True)


def test_not_more_is_looked_at_than_was_allowed(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}, {"task": "b"}] * 150)]
    found = estimate(conn, task="a", max_looked_at=100)
    assert found == {"jobs": 50, "exact": False, "looked_at": 100, "looked_to": made[-100]}
    assert estimate(conn, task="a", max_looked_at=301)["exact"]


@pytest.mark.parametrize(
    "options",
    [{"max_jobs": 0}, {"max_jobs": 100_001}, {"max_looked_at": 0}, {"states": ["lost"]}],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    with refused("JQ002"):
        estimate(conn, **options)
