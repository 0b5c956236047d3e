"""Rate limits: a bucket of tokens per queue or per key, debited by what was claimed."""

from __future__ import annotations

import random
from datetime import timedelta

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import claim, complete, enqueue, enqueue_many, refused, rows, scalar, value
from tests.sql.limits.test_max_running import fill, limit


@pytest.fixture(autouse=True)
def stopped(conn: psycopg.Connection) -> None:
    """Stop the clock: it moves by travel() only."""
    conn.execute(
        "create or replace function pgq._now() returns timestamptz language sql stable as"
        " $$ select '2030-01-01 00:00:00+00'::timestamptz $$"
    )


def keyed(conn: psycopg.Connection, key: str | None, jobs: int = 1) -> None:
    enqueue_many(conn, *[{"task": "work", "partition_key": key}] * jobs)


def next_due_in(conn: psycopg.Connection) -> timedelta | None:
    (answer,) = rows(conn, "promote_due")
    due_in = "select %s::timestamptz - pgq._now()"
    due: timedelta | None = scalar(conn, due_in, answer["next_due_at"])
    return due


def test_what_is_claimed_is_debited(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=5)
    fill(conn, 20)
    assert len(claim(conn, batch_size=3)) == 3
    assert len(claim(conn)) == 2
    assert claim(conn) == []
    travel("1 second")
    assert len(claim(conn)) == 5


@pytest.mark.parametrize("fair", [False, True])
def test_a_fair_queue_has_one_bucket_too(
    conn: psycopg.Connection, travel: Travel, fair: bool
) -> None:
    limit(conn, rate_limit=3, rate_interval="1 minute", fair=fair)
    for key in ("a", "b", None):
        keyed(conn, key, jobs=4)
    assert len(claim(conn, batch_size=2)) == 2
    assert len(claim(conn)) == 1
    assert claim(conn) == []
    assert next_due_in(conn) == timedelta(seconds=20)
    travel("1 minute")
    assert len(claim(conn)) == 3


def test_a_claim_that_finds_nothing_costs_nothing(conn: psycopg.Connection) -> None:
    limit(conn, rate_limit=2)
    assert [claim(conn, ["default"]) for _ in range(5)] == [[]] * 5
    fill(conn, 5)
    assert claim(conn, tasks=["another"]) == []
    assert len(claim(conn)) == 2


@pytest.mark.slow
def test_a_claim_that_rolls_back_costs_nothing(conn: psycopg.Connection, connect: Connect) -> None:
    limit(conn, rate_limit=2)
    fill(conn, 5)
    session = connect(autocommit=False)
    assert len(claim(session)) == 2
    session.rollback()
    assert len(claim(conn)) == 2


@pytest.mark.newest
@pytest.mark.slow
def test_fractions_of_tokens_do_not_drift(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=7, rate_interval="1 minute", rate_burst=3)
    fill(conn, 400)
    assert len(claim(conn)) == 3
    taken = 0
    for step in range(1, 301):
        travel("3.1 seconds")
        taken += len(claim(conn, batch_size=2))
        # 3.1 s are 0.3617 tokens: never capped, so that every fraction must be in the sum.
        assert taken == step * 31 * 7 // 600, step


@pytest.mark.newest
@pytest.mark.slow
def test_no_window_sees_more_than_burst_and_refill(
    conn: psycopg.Connection, travel: Travel
) -> None:
    rate, burst, numbers = 10, 4, random.Random(7)
    limit(conn, rate_limit=rate, rate_burst=burst)
    fill(conn, 1000)
    at, claims = 0.0, []
    for _ in range(150):
        step = numbers.choice([0, 0, 50, 100, 130, 400, 1000])
        travel(f"{step} milliseconds")
        at += step / 1000
        claims.append((at, len(claim(conn, batch_size=numbers.choice([1, 2, 10])))))
    for begin in range(len(claims)):
        total = 0
        for when, count in claims[begin:]:
            total += count
            assert total <= burst + rate * (when - claims[begin][0]) + 1e-6
    assert sum(count for _, count in claims) > 100


def test_the_burst_may_be_larger_than_the_limit(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=1, rate_interval="1 hour", rate_burst=10)
    fill(conn, 50)
    assert len(claim(conn)) == 10
    travel("3 hours")
    assert len(claim(conn)) == 3
    travel("1 year")
    assert len(claim(conn)) == 10


def test_zero_blocks_and_minus_one_lifts(conn: psycopg.Connection, travel: Travel) -> None:
    fill(conn, 5)
    limit(conn, rate_limit=0)
    travel("1 day")
    assert claim(conn) == []
    assert next_due_in(conn) is None
    limit(conn, rate_limit=-1)
    assert len(claim(conn)) == 5


def test_the_limit_changes_at_run_time(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=1, rate_interval="1 minute")
    fill(conn, 500)
    assert len(claim(conn)) == 1
    limit(conn, rate_limit=60)
    travel("1 second")
    assert len(claim(conn)) == 1
    travel("1 hour")
    limit(conn, rate_limit=2)
    assert len(claim(conn)) == 2
    limit(conn, rate_burst=30)
    travel("5 minutes")
    assert len(claim(conn)) == 10
    limit(conn, rate_burst=-1)
    travel("5 minutes")
    assert len(claim(conn)) == 2


def test_a_clock_that_is_set_back_neither_gives_nor_stops(
    conn: psycopg.Connection, travel: Travel
) -> None:
    limit(conn, rate_limit=5)
    fill(conn, 50)
    assert len(claim(conn)) == 5
    travel("-1 day")
    assert claim(conn) == []
    travel("1 second")
    assert len(claim(conn)) == 5


def test_every_key_has_a_bucket(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=2, rate_per_key=True)
    for key in ("a", "b"):
        keyed(conn, key, 10)
    keyed(conn, "c")
    keyed(conn, None, 10)
    assert len(claim(conn)) == 7
    assert claim(conn) == []
    travel("0.5 seconds")
    assert len(claim(conn)) == 3
    rest = "select coalesce(partition_key, 'none') from pgq.jobs where id = any(%s)"
    travel("0.5 seconds")
    ids = [held.job_id for held in claim(conn)]
    assert sorted(key for (key,) in conn.execute(rest, (ids,))) == ["a", "b", "none"]


@pytest.mark.parametrize("size", [1, 5])
def test_keys_without_tokens_do_not_hide_one_with(conn: psycopg.Connection, size: int) -> None:
    limit(conn, rate_limit=1, rate_interval="1 hour", rate_per_key=True)
    for number in range(60):
        keyed(conn, f"t{number:02}", 2)
    assert len(claim(conn)) == 60
    keyed(conn, "t30x")
    assert len(claim(conn, batch_size=size)) == 1
    assert claim(conn, batch_size=size) == []


def test_a_worker_learns_when_the_next_token_comes(
    conn: psycopg.Connection, travel: Travel
) -> None:
    limit(conn, rate_limit=4)
    fill(conn, 10)
    assert next_due_in(conn) is None
    assert len(claim(conn)) == 4
    assert next_due_in(conn) == timedelta(milliseconds=250)
    travel("0.1 seconds")
    assert next_due_in(conn) == timedelta(milliseconds=150)
    travel("0.15 seconds")
    assert next_due_in(conn) is None
    assert len(claim(conn)) == 1


def test_nobody_waits_for_a_token_without_jobs(conn: psycopg.Connection) -> None:
    limit(conn, rate_limit=1, rate_interval="1 minute", rate_per_key=True)
    keyed(conn, "a")
    claim(conn)
    keyed(conn, "b")
    # The bucket of a is empty, but only b has a job, and a token.
    assert next_due_in(conn) is None
    keyed(conn, "a")
    assert next_due_in(conn) == timedelta(minutes=1)
    limit(conn, "other", rate_limit=1)
    enqueue(conn, queue="other")
    claim(conn, ["other"])
    assert next_due_in(conn) == timedelta(minutes=1)


def test_a_release_does_not_return_the_token(conn: psycopg.Connection) -> None:
    limit(conn, rate_limit=1)
    fill(conn, 2)
    (held,) = claim(conn)
    rows(conn, "release_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    assert claim(conn) == []


def test_max_running_and_a_rate_hold_together(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=5, max_running=3)
    fill(conn, 20)
    held = claim(conn)
    assert len(held) == 3
    complete(conn, *held)
    assert len(claim(conn)) == 2
    travel("1 second")
    assert len(claim(conn)) == 1
    limits = "select tokens, running, next_token_at from pgq.queue_limits"
    assert conn.execute(limits).fetchone() == (4, 3, None)


def test_a_full_bucket_is_forgotten(conn: psycopg.Connection, travel: Travel) -> None:
    limit(conn, rate_limit=2, rate_interval="1 hour", rate_per_key=True)
    for key in ("a", "b"):
        keyed(conn, key, 5)
    assert len(claim(conn, batch_size=4)) == 4
    travel("30 minutes")
    assert len(claim(conn, batch_size=1)) == 1
    travel("40 minutes")
    conn.execute("select pgq._maintain_limits(100)")
    assert scalar(conn, "select count(*) from pgq.rate_buckets") == 1
    assert len(claim(conn)) == 3


@pytest.mark.parametrize(
    "options",
    [
        {"max_running": -2},
        {"max_running": 10**10},
        {"rate_limit": -2},
        {"rate_limit": 10**10},
        {"rate_burst": 0},
        {"rate_burst": -5},
        {"rate_interval": "0"},
        {"rate_interval": "-1 second"},
        {"rate_interval": "2 years"},
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002", next(iter(options))):
        value(conn, "configure_queue", queue="default", **options)
    assert scalar(conn, "select count(*) from pgq.queues") == 0
