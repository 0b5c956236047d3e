"""How many jobs of some tasks ended in each step of a window."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, claim_one, complete, enqueue, enqueue_many, fail, refused, rows
from tests.sql.statistics.counting import fold


def test_jobs_are_counted_in_the_step_in_which_they_ended(
    conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue_many(conn, *({"task": "t", "queue": "mail"} for _ in range(3)))
    complete(conn, *claim(conn))
    fold(conn)
    travel("10 minutes")
    enqueue(conn, task="t", queue="mail", max_attempts=1)
    fail(conn, claim_one(conn))
    enqueue(conn, task="other", queue="mail")
    complete(conn, claim_one(conn))
    (row,) = rows(conn, "task_activity", tasks=["t", "nothing"])
    assert (row["queue"], row["task"]) == ("mail", "t")
    assert (row["step_length"], len(row["ended"])) == (timedelta(minutes=1), 61)
    assert [number for number in row["ended"] if number] == [3, 1]
    assert [number for number in row["failed"] if number] == [1]
    assert len(rows(conn, "task_activity", tasks=["t", "other", "t"])) == 2


@pytest.mark.slow
def test_it_says_what_stats_says(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        enqueue_many(conn, *({"queue": f"q{n % 2}", "task": "t"} for n in range(4)))
        complete(conn, *claim(conn)[:3])
        travel("7 minutes")
    found = rows(conn, "task_activity", tasks=["t"], step="5 minutes")
    for queue, row in zip(("q0", "q1"), found, strict=True):
        steps = rows(conn, "stats", queue=queue, task="t", step="5 minutes")
        assert row["queue"] == queue
        assert row["ended"] == [step["succeeded"] for step in steps]
    assert sum(sum(row["ended"]) for row in found) == 9


@pytest.mark.parametrize(
    "options",
    [{"since": "2999-01-01"}, {"tasks": ["t"] * 501}, {"step": "1 second"}],
    ids=["no window", "many", "short"],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        rows(conn, "task_activity", **{"tasks": ["t"], **options})
