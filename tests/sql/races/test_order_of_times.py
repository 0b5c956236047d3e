"""What rows say about time agrees with the order in which things happened.

A call reads the clock as it begins; here it is held up afterwards, by a lock that the test puts
into a function that it calls, while others go on.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    rows,
    scalar,
    value,
)
from tests.sql.races.conftest import Start

HOLD = "select pg_advisory_xact_lock(4712)"
WAIT = "perform pg_advisory_xact_lock_shared(4712);"
ORDER = """
    select count(*) from pgq.job_history
    where not (created_at <= ready_at and ready_at <= claimed_at and claimed_at <= finished_at)
"""


def hold_up(conn: psycopg.Connection, name: str) -> None:
    """Have a function wait for the test's lock before it does what it does."""
    found = conn.execute(
        "select pg_get_functiondef(oid), prosrc from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname = %s",
        (name,),
    ).fetchone()
    assert found
    body, source = found
    changed = source.replace("\nbegin\n", f"\nbegin\n  {WAIT}\n", 1)
    conn.execute(body.replace(source, changed).encode())


@pytest.mark.parametrize("selectors", [["default"], ["*"], ["fair"], ["limited"]])
def test_a_job_is_claimed_after_it_was_ready(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, selectors: list[str]
) -> None:
    value(conn, "configure_queue", queue="fair", fair=True)
    value(conn, "configure_queue", queue="limited", max_running=5)
    for queue in ("default", "another", "fair", "limited"):
        enqueue(conn, queue=queue)
    # The one for all cases, and the one for a plain queue.
    hold_up(conn, "_claim_from_queues")
    hold_up(conn, "_claim_plain")
    other.execute(HOLD.encode())
    claiming = start(claim, selectors)
    assert claiming.waits()
    for queue in ("default", "another", "fair", "limited"):
        enqueue(conn, queue=queue)
    other.commit()
    held = claiming.result()
    assert len(held) == (8 if selectors == ["*"] else 2)
    assert set(complete(conn, *held)) == {"ok"}
    assert scalar(conn, ORDER) == 0


def test_a_job_is_ready_after_it_was_made(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    hold_up(conn, "_check_new_blocked")
    other.execute(HOLD.encode())
    promoting = start(rows, "promote_due")
    assert promoting.waits()
    parent = enqueue(conn)
    enqueue(conn, concurrency_key="k")
    enqueue(conn, depends_on=[parent])
    complete(conn, *claim(conn, batch_size=1))
    other.commit()
    promoting.result()
    for _ in range(3):
        complete(conn, *claim(conn))
        rows(conn, "promote_due")
    assert scalar(conn, "select count(*) from pgq.job_history") == 3
    assert scalar(conn, ORDER) == 0


def test_a_batch_finishes_after_its_last_job(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    batch_id = value(conn, "create_batch")
    enqueue(conn, batch_id=batch_id, max_attempts=1)
    held = claim_one(conn)
    hold_up(conn, "_check_new_blocked")
    other.execute(HOLD.encode())
    promoting = start(rows, "promote_due")
    assert promoting.waits()
    value(conn, "close_batch", batch_id=batch_id)
    assert fail(conn, held) == [("ok", "failed")]
    other.commit()
    promoting.result()
    times = (
        "select batch.finished_at >= batch.closed_at and batch.finished_at >= past.finished_at"
        " from pgq.batches as batch, pgq.job_history as past"
    )
    assert scalar(conn, times)


def test_a_job_ends_after_it_was_made(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    hold_up(conn, "_remove_from_lane")
    other.execute(HOLD.encode())
    cancelling = start(outcomes, "cancel", 1, 2)
    assert cancelling.waits()
    first = enqueue(conn)
    other.commit()
    assert (first, cancelling.result()) == (1, ["cancelled", "not_found"])
    assert scalar(conn, "select finished_at >= created_at from pgq.job_history")
