"""A pause of a semaphore against promotions, settles, and others who change it."""

from __future__ import annotations

import psycopg

from tests.sql.calls import claim, complete, enqueue, rows, scalar, value, violations
from tests.sql.races.conftest import Start


def keyed(conn: psycopg.Connection, count: int) -> list[int]:
    return [enqueue(conn, concurrency_key="k", concurrency_limit=1) for _ in range(count)]


def pause(session: psycopg.Connection) -> None:
    value(session, "pause_semaphore", concurrency_key="k")


def resume(session: psycopg.Connection) -> bool:
    return bool(value(session, "resume_semaphore", concurrency_key="k"))


def promote(session: psycopg.Connection) -> int:
    return int(rows(session, "promote_due")[0]["promoted"])


def test_a_promotion_and_a_pause_wait_for_nobody(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """The job that had its slot before the pause was there runs; the next one does not."""
    first, _ = keyed(conn, 2)
    assert promote(other) == 1
    pausing = start(pause)
    assert not pausing.waits()
    pausing.result()
    other.commit()
    (held,) = claim(conn)
    assert held.job_id == first and complete(conn, held) == ["ok"]
    assert promote(conn) == 0 and violations(conn) == []


def test_a_pause_that_is_open_delays_no_settle_and_no_promotion(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    first, second = keyed(conn, 2)
    assert promote(conn) == 1
    (held,) = claim(conn)
    pause(other)
    completing = start(lambda session: complete(session, held))
    assert not completing.waits() and completing.result() == ["ok"]
    promoting = start(promote)
    assert not promoting.waits()
    promoting.result()
    other.commit()
    found = [one.job_id for one in claim(conn)]
    assert first not in found and found in ([], [second])
    assert promote(conn) == 0 and violations(conn) == []


def test_a_resume_is_seen_by_the_next_promotion(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    pause(conn)
    keyed(conn, 1)
    assert promote(conn) == 0
    assert resume(other)
    promoting = start(promote)
    assert not promoting.waits() and promoting.result() == 0
    other.commit()
    assert promote(conn) == 1 and violations(conn) == []


def test_who_configures_it_while_it_is_resumed(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    pause(conn)
    value(other, "configure_semaphore", concurrency_key="k", max_slots=3)
    resuming = start(resume)
    assert resuming.waits()
    other.commit()
    assert resuming.result() is True
    found = conn.execute("select max_slots, paused_at from pgq.semaphores").fetchall()
    assert found == [(3, None)]
    pause(other)
    configuring = start(
        lambda session: value(session, "configure_semaphore", concurrency_key="k", max_slots=None)
    )
    assert configuring.waits()
    other.commit()
    configuring.result()
    assert resume(conn)
    assert scalar(conn, "select count(*) from pgq.semaphores") == 0
