"""What happened in a window, by queue and task."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, claim_one, complete, enqueue, enqueue_many, fail, refused, rows
from tests.sql.statistics.counting import fold


def test_the_task_that_ran_longest_comes_first(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue_many(conn, *({"task": "short"} for _ in range(3)))
    complete(conn, *claim(conn))
    fold(conn)
    enqueue(conn, "long", queue="q", max_attempts=1)
    one = claim_one(conn)
    travel("100 seconds")
    fail(conn, one)
    first, second = rows(conn, "task_stats")
    assert (first["queue"], first["task"], first["failed"]) == ("q", "long", 1)
    assert timedelta(seconds=100) <= first["run_time"] < timedelta(seconds=120)
    assert first["run_mean"] == first["run_time"]
    assert (second["task"], second["succeeded"], second["failed"]) == ("short", 3, 0)
    assert [row["task"] for row in rows(conn, "task_stats", max_tasks=1)] == ["long"]
    assert [row["task"] for row in rows(conn, "task_stats", of_queue="q")] == ["long"]
    assert rows(conn, "task_stats", of_queue="Q") == []


def test_a_window(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn)
    complete(conn, *claim(conn))
    travel("2 hours")
    assert rows(conn, "task_stats") == []
    (row,) = rows(conn, "task_stats", since="-infinity")
    assert row["succeeded"] == 1


@pytest.mark.parametrize(
    "options",
    [{"since": "2999-01-01"}, {"max_tasks": 0}, {"max_tasks": 10_001}],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        rows(conn, "task_stats", **options)
