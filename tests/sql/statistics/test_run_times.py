"""How many jobs ran how long in each step of a window."""

from __future__ import annotations

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, complete, enqueue_many, refused, rows
from tests.sql.statistics.counting import fold, to_noon


def ran(conn: psycopg.Connection, travel: Travel, jobs: int, length: str, queue: str = "q") -> None:
    """Let that many jobs of a queue run that long."""
    enqueue_many(conn, *({"task": f"of-{queue}", "queue": queue} for _ in range(jobs)))
    claims = claim(conn, [queue], batch_size=jobs)
    travel(length)
    complete(conn, *claims)


def test_buckets_of_each_step(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    ran(conn, travel, 2, "3 seconds")
    ran(conn, travel, 1, "20 seconds", "other")
    travel("1 minute")
    ran(conn, travel, 3, "3 seconds")
    since = {"since": "2030-01-01 12:00+00", "step": "1 minute"}
    expected = [(0, 4, 2), (0, 9, 1), (1, 4, 3)]
    for _ in range(2):
        found = rows(conn, "run_times", **since)
        assert [(row["at"].minute, row["bucket"], row["jobs"]) for row in found] == expected
        assert sum(row["jobs"] for row in rows(conn, "run_times", queue="q", **since)) == 5
        assert sum(row["jobs"] for row in rows(conn, "run_times", task="of-other", **since)) == 1
        fold(conn)


@pytest.mark.slow
def test_nothing_ran(conn: psycopg.Connection) -> None:
    assert rows(conn, "run_times") == []


@pytest.mark.parametrize(
    "wrong", [{"step": "1 second"}, {"since": "2030-01-02+00", "until": "2030-01-01+00"}]
)
def test_windows_that_there_are_not(
    conn: psycopg.Connection, travel: Travel, wrong: dict[str, str]
) -> None:
    to_noon(conn, travel)
    travel("2 days")
    with refused("JQ002"):
        rows(conn, "run_times", **wrong)
