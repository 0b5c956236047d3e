from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, refused, scalar, state, value


def test_the_ready_jobs_of_one_queue_go(conn: psycopg.Connection) -> None:
    gone = enqueue(conn, queue="a")
    kept = [enqueue(conn, queue="b"), enqueue(conn, queue="a", delay="1 hour")]
    assert value(conn, "clear_queue", queue="a") == 1
    assert state(conn, gone) is None
    assert all(state(conn, job_id) for job_id in kept)


def test_with_scheduled_ones_on_request(conn: psycopg.Connection) -> None:
    enqueue(conn, queue="a", delay="1 hour")
    enqueue(conn, queue="a")
    kept = enqueue(conn, queue="b", delay="1 hour")
    assert value(conn, "clear_queue", queue="a", include_scheduled=True) == 2
    assert state(conn, kept) == "scheduled"


def test_running_and_finished_jobs_stay(conn: psycopg.Connection) -> None:
    enqueue(conn)
    complete(conn, claim_one(conn))
    enqueue(conn)
    held = claim_one(conn)
    assert value(conn, "clear_queue", queue="default", include_scheduled=True) == 0
    assert complete(conn, held) == ["ok"]
    assert scalar(conn, "select count(*) from pgq.job_history") == 2


def test_at_most_max_jobs_best_first(conn: psycopg.Connection) -> None:
    worse, best = enqueue(conn, priority=5), enqueue(conn, priority=1)
    enqueue(conn, delay="1 hour")
    options = {"queue": "default", "include_scheduled": True}
    assert value(conn, "clear_queue", **options, max_jobs=0) == 0
    assert value(conn, "clear_queue", **options, max_jobs=1) == 1
    assert (state(conn, best), state(conn, worse)) == (None, "ready")
    assert value(conn, "clear_queue", **options, max_jobs=10) == 2


def test_null_means_the_default(conn: psycopg.Connection) -> None:
    kept = enqueue(conn, delay="1 hour")
    enqueue(conn)
    options = {"include_scheduled": None, "max_jobs": None}
    assert value(conn, "clear_queue", queue="default", **options) == 1
    assert state(conn, kept) == "scheduled"


def test_an_unknown_queue_is_empty(conn: psycopg.Connection) -> None:
    assert value(conn, "clear_queue", queue="nothing") == 0


@pytest.mark.parametrize("options", [{"queue": None}, {"queue": "a", "max_jobs": -1}], ids=str)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "clear_queue", **options)
