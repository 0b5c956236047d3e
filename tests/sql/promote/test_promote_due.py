from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import claim, enqueue, job, refused, rows, state


def promote(conn: psycopg.Connection, **options: object) -> tuple[int, object]:
    (answer,) = rows(conn, "promote_due", **options)
    return answer["promoted"], answer["next_due_at"]


@pytest.mark.slow
def test_due_jobs_become_ready(conn: psycopg.Connection, travel: Travel) -> None:
    soon, later = enqueue(conn, delay="1 minute"), enqueue(conn, delay="1 hour")
    assert promote(conn) == (0, job(conn, soon)["run_at"])
    travel("2 minutes")
    assert promote(conn) == (1, job(conn, later)["run_at"])
    assert (state(conn, soon), state(conn, later)) == ("ready", "scheduled")
    found = job(conn, soon)
    assert found["ready_at"] - found["run_at"] >= timedelta(minutes=1)
    travel("1 hour")
    assert promote(conn) == (1, None)
    assert promote(conn) == (0, None)


def test_the_earliest_come_first(conn: psycopg.Connection, travel: Travel) -> None:
    second = enqueue(conn, delay="2 minutes")
    first = enqueue(conn, delay="1 minute")
    travel("5 minutes")
    assert promote(conn, batch_size=1)[0] == 1
    assert (state(conn, first), state(conn, second)) == ("ready", "scheduled")


def test_at_the_same_time_the_best_come_first(conn: psycopg.Connection, travel: Travel) -> None:
    at = "2100-01-01"
    worse, better = (enqueue(conn, run_at=at, priority=priority) for priority in (5, -5))
    travel("100 years")
    promote(conn, batch_size=1)
    assert (state(conn, better), state(conn, worse)) == ("ready", "scheduled")


def test_promoted_jobs_keep_queue_and_priority(conn: psycopg.Connection, travel: Travel) -> None:
    low = enqueue(conn, queue="q", priority=5, delay="1 s")
    high = enqueue(conn, queue="q", priority=1, delay="2 s")
    travel("3 s")
    assert promote(conn, batch_size=None)[0] == 2
    assert [held.job_id for held in claim(conn, ["q"])] == [high, low]


def test_it_is_bounded(conn: psycopg.Connection, travel: Travel) -> None:
    for _ in range(5):
        enqueue(conn, delay="1 s")
    travel("2 s")
    assert [promote(conn, batch_size=2)[0] for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("size", [0, -1, 100_001])
def test_batch_sizes_that_are_refused(conn: psycopg.Connection, size: int) -> None:
    with refused("JQ002", "batch_size"):
        promote(conn, batch_size=size)
