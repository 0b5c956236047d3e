from __future__ import annotations

import psycopg
import pytest

from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    job,
    outcomes,
    refused,
    rows,
    scalar,
    state,
)
from tests.sql.limits.semaphores import holders, keyed, promote, states


@pytest.mark.slow
def test_a_ready_job_passes_the_others(conn: psycopg.Connection) -> None:
    others = [enqueue(conn), enqueue(conn)]
    late = enqueue(conn)
    assert outcomes(conn, "reprioritise", late, priority=-1) == ["reprioritised"]
    assert job(conn, late)["priority"] == -1
    assert [claim_one(conn).job_id for _ in range(3)] == [late, *others]


def test_a_scheduled_job_keeps_its_time(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, delay="1 hour")
    due = job(conn, job_id)["run_at"]
    assert outcomes(conn, "reprioritise", job_id, priority=7) == ["reprioritised"]
    found = job(conn, job_id)
    assert (found["state"], found["priority"], found["run_at"]) == ("scheduled", 7, due)


def test_a_child_still_waits_for_its_parent(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = enqueue(conn, depends_on=[parent])
    promote(conn)
    assert outcomes(conn, "reprioritise", child, priority=-5) == ["reprioritised"]
    promote(conn)
    assert state(conn, child) == "blocked"
    complete(conn, claim_one(conn))
    promote(conn)
    assert (state(conn, child), job(conn, child)["priority"]) == ("ready", -5)


@pytest.mark.slow
def test_a_waiter_gets_the_next_slot(conn: psycopg.Connection) -> None:
    holder, first, second = (keyed(conn) for _ in range(3))
    promote(conn)
    outcomes(conn, "reprioritise", second, priority=-1)
    promote(conn)
    complete(conn, claim_one(conn))
    promote(conn)
    assert states(conn, holder, first, second) == ["succeeded", "blocked", "ready"]


def test_a_ready_holder_of_a_semaphore_lines_up_again(conn: psycopg.Connection) -> None:
    holder, waiter = keyed(conn), keyed(conn)
    promote(conn)
    assert holders(conn) == [holder]
    assert outcomes(conn, "reprioritise", holder, priority=9) == ["reprioritised"]
    promote(conn)
    assert holders(conn) == [waiter]
    assert state(conn, holder) == "blocked"


def test_the_same_priority_moves_nobody(conn: psycopg.Connection) -> None:
    first, second = enqueue(conn), enqueue(conn)
    held = keyed(conn, priority=3)
    promote(conn)
    place = "select ready_xid::text from pgq.ready where job_id = %s"
    before = scalar(conn, place, first)
    assert outcomes(conn, "reprioritise", first, priority=0) == ["reprioritised"]
    assert outcomes(conn, "reprioritise", held, priority=3) == ["reprioritised"]
    assert scalar(conn, place, first) == before
    assert holders(conn) == [held]
    assert [claimed.job_id for claimed in claim(conn)] == [first, second, held]


def test_what_is_not_moved(conn: psycopg.Connection) -> None:
    done = enqueue(conn)
    complete(conn, claim_one(conn))
    running = enqueue(conn)
    held = claim_one(conn)
    expected = ["finished", "running", "not_found", "not_found"]
    assert outcomes(conn, "reprioritise", done, running, 99, None, priority=3) == expected
    assert job(conn, running)["priority"] == job(conn, done)["priority"] == 0
    assert complete(conn, held) == ["ok"]


def test_many_in_the_order_asked(conn: psycopg.Connection) -> None:
    made = [job_id for job_id, _ in enqueue_many(conn, *[{"task": "a"}] * 2000)]
    asked = made[1000:] + made[:1000] + made[:1]
    assert outcomes(conn, "reprioritise", *asked, priority=2) == ["reprioritised"] * 2001
    assert scalar(conn, "select count(*) from pgq.ready where priority = 2") == 2000


def test_nothing_to_move(conn: psycopg.Connection) -> None:
    assert rows(conn, "reprioritise", ids=[], priority=1) == []
    assert rows(conn, "reprioritise", ids=None, priority=1) == []


@pytest.mark.slow
@pytest.mark.parametrize("priority", [None, 2**31, -(2**31) - 1])
def test_priorities_that_are_refused(conn: psycopg.Connection, priority: int | None) -> None:
    job_id = enqueue(conn)
    with refused("JQ002", "priority is null or out of range"):
        outcomes(conn, "reprioritise", job_id, priority=priority)
