"""await_batch(): who is told that a batch has finished."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.batches.calls import close, make
from tests.sql.calls import claim_one, complete, enqueue, refused, rows, scalar, value

Heard = Callable[[], list[str]]


@pytest.fixture
def heard(conn: psycopg.Connection, connect: Connect) -> Heard:
    """What was notified since the last call."""
    listener = connect()
    listener.execute("listen pgq_ended")

    def collect() -> list[str]:
        conn.execute("notify pgq_ended, 'end of the test'")
        found: list[str] = []
        for note in listener.notifies(timeout=10):
            if note.payload == "end of the test":
                return found
            found.append(note.payload)
        raise AssertionError("the end was not heard")

    return collect


def await_batch(conn: psycopg.Connection, batch_id: int, **options: object) -> bool:
    answer: bool = value(conn, "await_batch", batch_id=batch_id, **options)
    return answer


def left(conn: psycopg.Connection) -> int:
    count: int = scalar(conn, "select count(*) from pgq.awaited_batches")
    return count


def test_only_an_awaited_batch_is_told_and_once(conn: psycopg.Connection, heard: Heard) -> None:
    quiet, awaited = make(conn), make(conn)
    enqueue(conn, batch_id=awaited)
    assert await_batch(conn, awaited)
    assert await_batch(conn, awaited)
    close(conn, quiet)
    close(conn, awaited)
    assert heard() == []
    complete(conn, claim_one(conn, queues=["default"]))
    assert heard() == [f"batch {awaited}"]
    assert left(conn) == 0


def test_a_finish_that_rolls_back_is_not_told(
    conn: psycopg.Connection, connect: Connect, heard: Heard
) -> None:
    batch_id = make(conn)
    await_batch(conn, batch_id)
    other = connect(autocommit=False)
    close(other, batch_id)
    other.rollback()
    assert heard() == []
    close(conn, batch_id)
    assert heard() == [f"batch {batch_id}"]


def test_what_has_finished_or_never_was_is_not_awaited(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    close(conn, batch_id)
    assert not await_batch(conn, batch_id)
    assert not await_batch(conn, 10**9)
    assert value(conn, "await_batch", batch_id=None) is False
    assert left(conn) == 0


def test_without_notifications(conn: psycopg.Connection, heard: Heard) -> None:
    value(conn, "configure", notify=False)
    batch_id = make(conn)
    await_batch(conn, batch_id)
    close(conn, batch_id)
    assert heard() == []
    assert left(conn) == 0


@pytest.mark.slow
def test_who_waits_no_more_is_forgotten(conn: psycopg.Connection, travel: Travel) -> None:
    batch_id = make(conn)
    await_batch(conn, batch_id, timeout="5 minutes")
    await_batch(conn, batch_id)
    for wait, expected in (("4 minutes", 2), ("2 minutes", 1), ("5 minutes", 0)):
        travel(wait)
        rows(conn, "maintain")
        assert left(conn) == expected


@pytest.mark.parametrize("timeout", ["-1 seconds", "25 hours", "infinity"])
def test_timeouts_that_are_refused(conn: psycopg.Connection, timeout: str) -> None:
    if timeout == "infinity" and conn.info.server_version < 170000:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "timeout"):
        await_batch(conn, 1, timeout=timeout)


def test_registering_waits_for_no_finish_under_way(
    conn: psycopg.Connection, connect: Connect
) -> None:
    """It sees the batch as it was; the look afterwards, or the next one, sees the rest."""
    batch_id = make(conn)
    other = connect(autocommit=False)
    close(other, batch_id)
    conn.execute("set statement_timeout = '5s'")
    assert await_batch(conn, batch_id)
    other.commit()
    assert not await_batch(conn, batch_id)
