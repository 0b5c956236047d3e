from __future__ import annotations

import psycopg
import pytest

from tests.sql.batches.test_batches import finished, followers, make
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    refused,
    rows,
    scalar,
    value,
    violations,
)


def test_an_empty_batch_finishes_at_once(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    assert not finished(conn, batch_id)
    assert value(conn, "close_batch", batch_id=batch_id) is True
    assert finished(conn, batch_id)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.slow
def test_it_finishes_with_its_last_job_and_not_before(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    for _ in range(3):
        enqueue(conn, batch_id=batch_id)
    value(conn, "close_batch", batch_id=batch_id)
    for left in (2, 1, 0):
        assert not finished(conn, batch_id)
        complete(conn, *claim(conn, batch_size=1))
        assert finished(conn, batch_id) == (left == 0)
    assert violations(conn) == []


def test_jobs_that_ended_before_the_close_finish_it_then(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    complete(conn, *claim(conn))
    rows(conn, "promote_due")
    assert not finished(conn, batch_id)
    assert followers(conn, batch_id) == []
    value(conn, "close_batch", batch_id=batch_id)
    assert finished(conn, batch_id)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.slow
def test_a_second_close_changes_nothing(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    assert value(conn, "close_batch", batch_id=batch_id) is True
    closed_at = scalar(conn, "select closed_at from pgq.batches")
    assert value(conn, "close_batch", batch_id=batch_id) is False
    complete(conn, *claim(conn))
    assert value(conn, "close_batch", batch_id=batch_id) is False
    assert scalar(conn, "select closed_at from pgq.batches") == closed_at
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.parametrize("batch_id", [None, 0, 99])
def test_an_unknown_batch_is_refused(conn: psycopg.Connection, batch_id: int | None) -> None:
    with refused("JQ002", "does not exist"):
        value(conn, "close_batch", batch_id=batch_id)


def test_close_in_the_transaction_that_enqueues(conn: psycopg.Connection) -> None:
    with conn.transaction():
        batch_id = make(conn)
        enqueue_many(conn, *[{"task": "a", "batch_id": batch_id}] * 2)
        value(conn, "close_batch", batch_id=batch_id)
    assert not finished(conn, batch_id)
    complete(conn, *claim(conn))
    assert followers(conn, batch_id) == ["finish", "success"]


def test_a_close_that_cannot_see_what_others_ended_leaves_a_note(
    conn: psycopg.Connection,
) -> None:
    batch_id = make(conn)
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        value(conn, "close_batch", batch_id=batch_id)
    assert not finished(conn, batch_id)
    assert violations(conn) == []
    rows(conn, "promote_due")
    assert followers(conn, batch_id) == ["finish", "success"]
