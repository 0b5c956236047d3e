"""max_running: how many jobs of a queue may run at a time, over all workers."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    value,
)
from tests.sql.conftest import Silence

LIMITS = "select queue, max_running, running, rate_limit, tokens, fair from pgq.queue_limits"


def limit(conn: psycopg.Connection, queue: str = "default", **options: object) -> None:
    value(conn, "configure_queue", queue=queue, **options)


def fill(conn: psycopg.Connection, jobs: int, queue: str = "default", **options: object) -> None:
    enqueue_many(conn, *[{"task": "work", "queue": queue, **options}] * jobs)


def test_as_many_run_as_the_limit_says(conn: psycopg.Connection) -> None:
    limit(conn, max_running=3)
    fill(conn, 10)
    held = claim(conn, ["default"])
    assert len(held) == 3
    assert claim(conn, ["default"]) == []
    assert conn.execute(LIMITS).fetchall() == [("default", 3, 3, None, None, False)]
    complete(conn, *held[:2])
    assert len(claim(conn, ["*"])) == 2


@pytest.mark.parametrize("function", ["fail_batch", "snooze_batch", "release_batch"])
def test_whoever_hands_a_job_back_makes_room(conn: psycopg.Connection, function: str) -> None:
    limit(conn, max_running=1)
    fill(conn, 2)
    held = claim(conn)
    options = {"delays": ["1 hour"]} if function == "snooze_batch" else {}
    settle(conn, function, held, **options)
    assert len(claim(conn)) == 1


@pytest.mark.slow
def test_a_rescue_makes_room(conn: psycopg.Connection, silence: Silence) -> None:
    limit(conn, max_running=2)
    fill(conn, 4)
    assert len(claim(conn, worker_id=register(conn, lease="1 second"))) == 2
    assert claim(conn) == []
    silence("1 minute")
    assert value(conn, "rescue_lost_workers") == 2
    assert len(claim(conn)) == 2
    assert claim(conn) == []


@pytest.mark.slow
def test_zero_lets_nothing_pass_and_minus_one_everything(conn: psycopg.Connection) -> None:
    fill(conn, 5)
    limit(conn, max_running=0)
    assert claim(conn) == []
    limit(conn, max_running=-1)
    assert len(claim(conn)) == 5
    assert conn.execute(LIMITS).fetchall() == []


def test_null_leaves_the_limit(conn: psycopg.Connection) -> None:
    limit(conn, max_running=2, rate_limit=7)
    limit(conn, max_running=None, backoff="1 minute")
    assert conn.execute(LIMITS).fetchall() == [("default", 2, 0, 7, 7, False)]


def test_jobs_that_run_already_count(conn: psycopg.Connection) -> None:
    fill(conn, 10)
    held = claim(conn, batch_size=4)
    limit(conn, max_running=5)
    assert len(claim(conn)) == 1
    complete(conn, *held)
    assert len(claim(conn)) == 4


def test_a_limit_that_is_lowered_lets_the_running_ones_end(conn: psycopg.Connection) -> None:
    limit(conn, max_running=5)
    fill(conn, 10)
    held = claim(conn)
    limit(conn, max_running=2)
    complete(conn, *held[:3])
    assert claim(conn) == []
    complete(conn, held[3])
    assert len(claim(conn)) == 1


@pytest.mark.slow
def test_other_queues_give_what_a_full_one_does_not(conn: psycopg.Connection) -> None:
    limit(conn, "full", max_running=1)
    fill(conn, 50, "full", priority=-5)
    fill(conn, 50, "a", priority=9)
    fill(conn, 5, "z", priority=1)
    assert {held.queue for held in claim(conn, batch_size=1)} == {"full"}
    # The best of the others come first: z before a, although full has the best jobs of all.
    assert [held.queue for held in claim(conn, batch_size=5)] == ["z"] * 5
    assert [held.queue for held in claim(conn, batch_size=5)] == ["a"] * 5


@pytest.mark.slow
def test_a_queue_with_room_for_some_leaves_the_rest_to_the_best(conn: psycopg.Connection) -> None:
    for queue, most in (("one", 1), ("two", 2), ("none", 0)):
        limit(conn, queue, max_running=most)
        fill(conn, 20, queue, priority=-5)
    fill(conn, 20, "a", priority=9)
    fill(conn, 20, "z", priority=1)
    taken = sorted(held.queue for held in claim(conn, batch_size=10))
    assert taken == ["one", "two", "two", *["z"] * 7]


@pytest.mark.slow
def test_a_limited_queue_named_exactly_leaves_room_to_the_next(conn: psycopg.Connection) -> None:
    limit(conn, "full", max_running=1)
    fill(conn, 5, "full")
    fill(conn, 5, "other")
    taken = [held.queue for held in claim(conn, ["full", "other"], batch_size=4)]
    assert taken == ["full", "other", "other", "other"]


@pytest.mark.slow
def test_two_claims_of_one_transaction_count_together(connect: Connect) -> None:
    session = connect(autocommit=False)
    limit(session, max_running=3)
    fill(session, 10)
    assert [len(claim(session, batch_size=2)) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
def test_a_transaction_that_sees_the_past_is_refused(
    conn: psycopg.Connection, connect: Connect, level: str
) -> None:
    limit(conn, max_running=3)
    fill(conn, 3)
    enqueue(conn, queue="free")
    session = connect(autocommit=False)
    session.isolation_level = psycopg.IsolationLevel[level]
    assert len(claim(session, ["free"])) == 1
    with refused("JQ002", "has limits"):
        claim(session, ["default"])


def test_a_cancelled_or_discarded_waiter_takes_no_room(conn: psycopg.Connection) -> None:
    limit(conn, max_running=1)
    first, second, third = (enqueue(conn) for _ in range(3))
    assert outcomes(conn, "cancel", first) == ["cancelled"]
    assert outcomes(conn, "discard", second) == ["discarded"]
    assert [held.job_id for held in claim(conn)] == [third]


@pytest.mark.slow
def test_a_retry_after_a_failure_waits_for_room(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, max_running=1, backoff="1 minute")
    fill(conn, 2)
    assert fail(conn, *claim(conn)) == [("ok", "scheduled")]
    assert len(claim(conn)) == 1
    travel("2 minutes")
    rows(conn, "promote_due")
    assert claim(conn) == []


def test_the_claim_counts_by_the_index_of_limited_jobs(conn: psycopg.Connection) -> None:
    fill(conn, 500, "free")
    assert len(claim(conn, ["free"], batch_size=500)) == 500
    limit(conn, max_running=5)
    fill(conn, 5)
    claim(conn, ["default"], batch_size=2)
    conn.execute("analyze pgq.running")
    assert scalar(conn, "select count(*) from pgq.running where limited_xid is not null") == 2
    conn.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    plan = conn.execute(
        "explain select count(*) from pgq.running where queue = 'default' and limited_xid >= '0'"
    ).fetchall()
    assert any("running_limited_idx" in line for (line,) in plan)
