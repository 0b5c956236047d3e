"""What happened in a window, by queue and step."""

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
    enqueue(conn, queue="mail", max_attempts=1)
    one = claim_one(conn)
    travel("100 seconds")
    fail(conn, one)
    enqueue(conn, queue="other", max_attempts=2)
    fail(conn, claim_one(conn))
    mail, other = rows(conn, "queue_activity")
    assert mail["queue"] == "mail"
    assert (mail["step_length"], len(mail["ended"])) == (timedelta(minutes=1), 61)
    ended = [number for number in mail["ended"] if number]
    assert (ended, sum(mail["failed"]), mail["failed"][-1] + mail["failed"][-2]) == ([3, 1], 1, 1)
    assert timedelta(seconds=80) <= mail["run_p95"] <= timedelta(seconds=125)
    assert mail["run_p50"] < timedelta(seconds=10)
    assert mail["wait_p95"] is not None
    assert (other["queue"], sum(other["ended"]), other["retried"]) == ("other", 0, 1)


def test_it_says_what_stats_says(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(3):
        enqueue_many(conn, *({"queue": "q", "task": f"t{n}"} for n in range(4)))
        complete(conn, *claim(conn)[:3])
        travel("7 minutes")
    (row,) = rows(conn, "queue_activity", step="5 minutes")
    steps = rows(conn, "stats", queue="q", step="5 minutes")
    assert row["ended"] == [step["succeeded"] for step in steps]
    assert sum(row["ended"]) == 9
    (whole,) = [step for step in rows(conn, "stats", queue="q", step="61 minutes")
                if step["run_p95"]]  # fmt: skip
    for name in ("wait_p50", "wait_p95", "run_p50", "run_p95"):
        assert row[name] == whole[name]


def test_those_in_which_the_most_ended_come_first(conn: psycopg.Connection, travel: Travel) -> None:
    assert rows(conn, "queue_activity") == []
    enqueue_many(conn, *({"task": "t", "queue": name} for name in "abbc"))
    complete(conn, *claim(conn))
    assert [row["queue"] for row in rows(conn, "queue_activity")] == ["b", "a", "c"]
    assert [row["queue"] for row in rows(conn, "queue_activity", max_queues=2)] == ["b", "a"]
    travel("3 hours")
    assert rows(conn, "queue_activity") == []
    assert len(rows(conn, "queue_activity", since="-infinity")) == 3


@pytest.mark.parametrize(
    "options",
    [{"since": "2999-01-01"}, {"max_queues": 0}, {"max_queues": 10_001}, {"step": "1 second"}],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        rows(conn, "queue_activity", **options)
