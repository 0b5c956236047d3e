from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    Row,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    rows,
    scalar,
    value,
)

NUMBERS = ("total", "waiting", "running", "succeeded", "failed", "cancelled", "expired")


def progress(conn: psycopg.Connection, batch_id: int) -> Row:
    """The numbers that are not zero."""
    (row,) = rows(conn, "batch_progress", batch_id=batch_id)
    assert set(row) == {*NUMBERS, "finished_at"}
    return {name: row[name] for name in NUMBERS if row[name]}


def test_every_state_is_counted(conn: psycopg.Connection) -> None:
    batch_id, other = value(conn, "create_batch"), value(conn, "create_batch")
    assert progress(conn, batch_id) == {}
    enqueue(conn, batch_id=other)
    enqueue(conn, queue="elsewhere")
    enqueue(conn, batch_id=batch_id, queue="late", delay="1 hour")
    parent = enqueue(conn, batch_id=batch_id, queue="late")
    enqueue(conn, batch_id=batch_id, queue="late", depends_on=[parent], on_parent_failure="run")
    enqueue(conn, batch_id=batch_id, queue="late", concurrency_key="k")
    assert progress(conn, batch_id) == {"total": 4, "waiting": 4}

    for _ in range(4):
        enqueue(conn, batch_id=batch_id, queue="now", max_attempts=1)
    first, second, third, fourth = claim(conn, queues=["now"])
    assert progress(conn, batch_id) == {"total": 8, "waiting": 4, "running": 4}
    complete(conn, first, second)
    fail(conn, third)
    outcomes(conn, "cancel", parent)
    expected = {
        "total": 8,
        "waiting": 3,
        "running": 1,
        "succeeded": 2,
        "failed": 1,
        "cancelled": 1,
    }
    assert progress(conn, batch_id) == expected
    assert progress(conn, other) == {"total": 1, "waiting": 1}
    complete(conn, fourth)


@pytest.mark.slow
def test_expired_jobs_and_the_end(conn: psycopg.Connection) -> None:
    batch_id = value(conn, "create_batch")
    enqueue(conn, batch_id=batch_id, expires_in="1 millisecond")
    value(conn, "close_batch", batch_id=batch_id)
    conn.execute("select pg_sleep(0.005)")
    rows(conn, "maintain")
    rows(conn, "promote_due")
    assert progress(conn, batch_id) == {"total": 1, "expired": 1}
    assert rows(conn, "batch_progress", batch_id=batch_id)[0]["finished_at"]


def test_a_retry_counts_as_waiting_and_a_discarded_waiting_job_not_at_all(
    conn: psycopg.Connection,
) -> None:
    batch_id = value(conn, "create_batch")
    job_id = enqueue(conn, batch_id=batch_id, max_attempts=1)
    fail(conn, claim_one(conn))
    outcomes(conn, "retry", job_id)
    assert progress(conn, batch_id) == {"total": 1, "waiting": 1}
    outcomes(conn, "discard", job_id)
    assert progress(conn, batch_id) == {}


def test_an_unknown_batch_has_no_row(conn: psycopg.Connection) -> None:
    assert rows(conn, "batch_progress", batch_id=7) == []
    assert rows(conn, "batch_progress", batch_id=None) == []


def one_of_each_end(conn: psycopg.Connection, travel: Travel, batch_id: int) -> dict[str, int]:
    """Let four jobs of a batch end, each in its way; return their ids by state."""
    ended = {
        "succeeded": enqueue(conn, batch_id=batch_id),
        "failed": enqueue(conn, batch_id=batch_id, queue="bad", max_attempts=1),
        "cancelled": enqueue(conn, batch_id=batch_id, queue="later"),
        "expired": enqueue(conn, batch_id=batch_id, queue="later", expires_in="1 minute"),
    }
    complete(conn, claim_one(conn))
    fail(conn, claim_one(conn, queues=["bad"]))
    outcomes(conn, "cancel", ended["cancelled"])
    travel("1 hour")
    rows(conn, "maintain")
    assert {state: job(conn, job_id)["state"] for state, job_id in ended.items()} == {
        state: state for state in ended
    }
    return ended


Forget = Callable[[psycopg.Connection, Travel, list[int]], None]


def discarded(conn: psycopg.Connection, travel: Travel, ids: list[int]) -> None:
    assert set(outcomes(conn, "discard", *ids)) == {"discarded"}


def pruned(conn: psycopg.Connection, travel: Travel, ids: list[int]) -> None:
    travel("2 days")
    assert value(conn, "prune", older_than="0") > 0


def pruned_from_the_default_partition(
    conn: psycopg.Connection, travel: Travel, ids: list[int]
) -> None:
    conn.execute("update pgq.job_history set finished_at = '2001-01-01'")
    value(conn, "prune", older_than="0")


@pytest.mark.slow
@pytest.mark.parametrize("forget", [discarded, pruned, pruned_from_the_default_partition])
@pytest.mark.parametrize("when", ["before it finished", "afterwards"])
def test_what_had_ended_counts_for_ever(
    conn: psycopg.Connection, travel: Travel, forget: Forget, when: str
) -> None:
    batch_id, other = value(conn, "create_batch"), value(conn, "create_batch")
    ended = one_of_each_end(conn, travel, batch_id)
    one_of_each_end(conn, travel, other)
    last = enqueue(conn, batch_id=batch_id, queue="last", delay="7 days")
    expected = {"total": 5, "waiting": 1, **dict.fromkeys(ended, 1)}
    assert progress(conn, batch_id) == expected
    if when == "before it finished":
        forget(conn, travel, list(ended.values()))
        assert progress(conn, batch_id) == expected
    value(conn, "close_batch", batch_id=batch_id)
    outcomes(conn, "run_now", last)
    complete(conn, claim_one(conn, queues=["last"]))
    if when == "afterwards":
        forget(conn, travel, [*ended.values(), last])
    assert progress(conn, batch_id) == {"total": 5, **dict.fromkeys(ended, 1), "succeeded": 2}
    assert progress(conn, other) == {"total": 4, **dict.fromkeys(ended, 1)}
    shown = conn.execute("select status, live, not_succeeded from pgq.batch_status order by id")
    assert shown.fetchall() == [("failed", 0, 3), ("open", 0, 3)]


def test_a_job_that_was_retried_counts_once_when_it_is_discarded(
    conn: psycopg.Connection,
) -> None:
    batch_id = value(conn, "create_batch")
    job_id = enqueue(conn, batch_id=batch_id, max_attempts=1)
    fail(conn, claim_one(conn))
    outcomes(conn, "retry", job_id)
    complete(conn, claim_one(conn))
    outcomes(conn, "discard", job_id)
    outcomes(conn, "discard", job_id)
    assert progress(conn, batch_id) == {"total": 1, "succeeded": 1}


@pytest.mark.slow
def test_many_of_several_batches_are_discarded_at_once(conn: psycopg.Connection) -> None:
    batches = [value(conn, "create_batch") for _ in range(3)]
    ids = [enqueue(conn, batch_id=batch_id) for batch_id in batches for _ in range(batch_id)]
    complete(conn, *claim(conn, batch_size=len(ids)))
    outcomes(conn, "discard", *ids)
    assert scalar(conn, "select count(*) from pgq.job_history") == 0
    for batch_id in batches:
        assert progress(conn, batch_id) == {"total": batch_id, "succeeded": batch_id}


def test_a_batch_whose_only_job_goes_with_its_queue_had_none(conn: psycopg.Connection) -> None:
    batch_id = value(conn, "create_batch")
    enqueue(conn, batch_id=batch_id, queue="cleared")
    value(conn, "close_batch", batch_id=batch_id)
    assert value(conn, "clear_queue", queue="cleared") == 1
    rows(conn, "promote_due")
    assert progress(conn, batch_id) == {}
    shown = conn.execute("select status, live, not_succeeded from pgq.batch_status")
    assert shown.fetchall() == [("succeeded", 0, 0)]
