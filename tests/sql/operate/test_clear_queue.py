from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, refused, scalar, state, value
from tests.sql.limits.semaphores import promote, states


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_blocked_ones_may_stay(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, queue="b", delay="1 hour")
    ready, blocked = enqueue(conn, queue="a"), enqueue(conn, queue="a", depends_on=[parent])
    assert value(conn, "clear_queue", queue="a", include_blocked=False) == 1
    assert (state(conn, ready), state(conn, blocked)) == (None, "blocked")
    assert value(conn, "clear_queue", queue="a", include_blocked=None) == 1


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


def test_blocked_jobs_go_too(conn: psycopg.Connection) -> None:
    parent = enqueue(conn, queue="other")
    child = enqueue(conn, queue="a", depends_on=[parent])
    holder, waiter = (enqueue(conn, queue="a", concurrency_key="k") for _ in range(2))
    promote(conn)
    elsewhere = enqueue(conn, queue="b", concurrency_key="k")
    assert value(conn, "clear_queue", queue="a", max_jobs=1) == 1
    assert states(conn, holder, child, waiter) == [None, "blocked", "blocked"]
    assert value(conn, "clear_queue", queue="a") == 2
    promote(conn)
    assert states(conn, child, waiter) == [None, None]
    assert states(conn, parent, elsewhere) == ["ready", "ready"]


def test_children_and_batches_of_cleared_jobs_hear_of_it(conn: psycopg.Connection) -> None:
    batch = value(conn, "create_batch")
    parent = enqueue(conn, queue="a", batch_id=batch)
    value(conn, "close_batch", batch_id=batch)
    children = [
        enqueue(conn, depends_on=[parent], on_parent_failure=policy)
        for policy in ("cancel", "run", "wait")
    ]
    promote(conn)
    assert value(conn, "clear_queue", queue="a") == 1
    promote(conn)
    assert states(conn, *children) == ["cancelled", "ready", "cancelled"]
    finished = "select finished_at is not null from pgq.batches where id = %s"
    assert scalar(conn, finished, batch)


def test_the_next_waiter_goes_on_when_a_better_one_is_cleared(conn: psycopg.Connection) -> None:
    options: dict[str, Any] = {"concurrency_key": "k", "concurrency_limit": 2}
    holder = enqueue(conn, queue="b", **options)
    heavy = enqueue(conn, queue="a", **options, concurrency_weight=2)
    light = enqueue(conn, queue="b", **options)
    promote(conn)
    assert states(conn, holder, heavy, light) == ["ready", "blocked", "blocked"]
    assert value(conn, "clear_queue", queue="a") == 1
    promote(conn)
    assert state(conn, light) == "ready"
