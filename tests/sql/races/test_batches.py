"""What meets over the end of a batch: settles, a close, jobs that join, promotions."""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.batches.test_batches import close, finished, followers, make, promote
from tests.sql.calls import (
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    rows,
    scalar,
    violations,
)
from tests.sql.races.conftest import Start

Settle = Callable[[psycopg.Connection, Claim], object]


def discard_after_release(conn: psycopg.Connection, held: Claim) -> None:
    rows(conn, "release_batch", ids=[held.job_id], claim_ids=[held.claim_id])
    outcomes(conn, "discard", held.job_id)


SETTLES = pytest.mark.parametrize(
    ("settle", "follower"),
    [(complete, "success"), (fail, "failure"), (discard_after_release, "success")],
    ids=["complete", "fail", "discard"],
)


def settle_all_but(conn: psycopg.Connection, jobs: int) -> tuple[int, list[Claim]]:
    """Make a closed batch of which so many claimed jobs are left."""
    batch_id = make(conn)
    enqueue_many(conn, *[{"task": "a", "batch_id": batch_id, "max_attempts": 1}] * (jobs + 1))
    close(conn, batch_id)
    complete(conn, claim_one(conn))
    return batch_id, claim(conn)


@SETTLES
@pytest.mark.parametrize("first_commits_first", [True, False])
def test_two_last_jobs_settled_at_once(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    connect: Connect,
    settle: Settle,
    follower: str,
    first_commits_first: bool,
) -> None:
    third = connect(autocommit=False)
    batch_id, (one, two) = settle_all_but(conn, 2)
    settle(other, one)
    settle(third, two)
    for session in (other, third) if first_commits_first else (third, other):
        assert not finished(conn, batch_id)
        session.commit()
    promote(conn)
    assert followers(conn, batch_id) == sorted(["finish", follower])


@SETTLES
@pytest.mark.parametrize("promotes", [True, False])
def test_a_settle_that_rolls_back_finishes_nothing(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    settle: Settle,
    follower: str,
    promotes: bool,
) -> None:
    batch_id, (last,) = settle_all_but(conn, 1)
    settle(other, last)
    if promotes:
        promote(other)
        assert finished(other, batch_id)
    other.rollback()
    promote(conn)
    assert not finished(conn, batch_id) and followers(conn, batch_id) == []
    settle(conn, last)
    promote(conn)
    assert followers(conn, batch_id) == sorted(["finish", follower])


@pytest.mark.parametrize("closes_first", [True, False])
@pytest.mark.parametrize("commits_first", [True, False])
def test_a_close_against_the_last_settle(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    connect: Connect,
    closes_first: bool,
    commits_first: bool,
) -> None:
    third = connect(autocommit=False)
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    held = claim_one(conn)
    if closes_first:
        close(other, batch_id)
        complete(third, held)
    else:
        complete(third, held)
        close(other, batch_id)
    for session in (other, third) if commits_first else (third, other):
        assert not finished(conn, batch_id)
        promote(conn)
        session.commit()
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.parametrize("commits", [True, False])
def test_a_close_against_a_producer_that_is_not_done(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool
) -> None:
    batch_id = make(conn)
    enqueue(other, batch_id=batch_id)
    close(conn, batch_id)
    promote(conn)
    assert not finished(conn, batch_id)
    assert violations(conn) == []
    other.commit() if commits else other.rollback()
    promote(conn)
    assert finished(conn, batch_id) != commits
    complete(conn, *claim(conn, queues=["default"]))
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.parametrize("commits", [True, False])
def test_a_running_job_adds_one_while_it_is_settled(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool
) -> None:
    batch_id, (last,) = settle_all_but(conn, 1)
    enqueue(other, batch_id=batch_id)
    assert complete(conn, last) == ["ok"]
    promote(conn)
    assert not finished(conn, batch_id)
    other.commit() if commits else other.rollback()
    promote(conn)
    assert finished(conn, batch_id) != commits
    complete(conn, *claim(conn, queues=["default"]))
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


def enqueue_one_of_many(conn: psycopg.Connection, **options: object) -> object:
    return enqueue_many(conn, {"task": "a", **options})


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("step", [enqueue, enqueue_one_of_many])
def test_who_adds_a_job_is_refused_while_a_finish_is_under_way(
    conn: psycopg.Connection, other: psycopg.Connection, commits: bool, step: Callable[..., object]
) -> None:
    batch_id, (last,) = settle_all_but(conn, 1)
    complete(other, last)
    assert finished(other, batch_id)
    with refused("JQ001", f"batch {batch_id} is just being finished"):
        step(conn, batch_id=batch_id)
    other.commit() if commits else other.rollback()
    if commits:
        with refused("JQ001", f"batch {batch_id} has finished"):
            step(conn, batch_id=batch_id)
        assert followers(conn, batch_id) == ["finish", "success"]
    else:
        step(conn, batch_id=batch_id)
        promote(conn)
        assert not finished(conn, batch_id)


def test_who_adds_a_job_waits_for_nobody_else(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect, start: Start
) -> None:
    """Producers and settles of one batch stay open; none of them holds up another."""
    batch_id, (one, two, three) = settle_all_but(conn, 3)
    third = connect(autocommit=False)
    enqueue(other, batch_id=batch_id)
    complete(third, one)
    for step, options in ((enqueue, {"batch_id": batch_id}), (complete, {})):
        arguments = () if step is enqueue else (two,)
        call = start(step, *arguments, **options)
        assert not call.waits()
        call.result()
    call = start(promote)
    assert not call.waits()
    other.commit()
    third.commit()
    complete(conn, three)
    promote(conn)
    assert not finished(conn, batch_id)


def test_a_snapshot_older_than_the_finish_adds_nothing(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    batch_id, (last,) = settle_all_but(conn, 1)
    other.execute("set transaction isolation level repeatable read")
    other.execute("select count(*) from pgq.jobs")
    complete(conn, last)
    with pytest.raises(psycopg.errors.SerializationFailure):
        enqueue(other, batch_id=batch_id)
    other.rollback()


def test_settles_that_do_not_see_each_other_lose_no_batch(
    conn: psycopg.Connection, other: psycopg.Connection, connect: Connect
) -> None:
    """Snapshots that were taken before any of the jobs had ended."""
    batch_id, (one, two) = settle_all_but(conn, 2)
    third = connect(autocommit=False)
    for session in (other, third):
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from pgq.jobs")
    complete(other, one)
    other.commit()
    promote(conn)
    complete(third, two)
    promote(third)
    third.commit()
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


def test_ten_promotes_finish_it_once(conn: psycopg.Connection, start: Start) -> None:
    batch_ids = []
    for _ in range(8):
        batch_id, (last,) = settle_all_but(conn, 1)
        batch_ids.append(batch_id)
        fail(conn, last)  # leaves the rest to a promotion
        assert not finished(conn, batch_id)
    for call in [start(promote) for _ in range(10)]:
        call.result()
    for batch_id in batch_ids:
        assert followers(conn, batch_id) == ["failure", "finish"]


def test_a_promotion_passes_over_a_batch_that_another_finishes(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    batch_id, (last,) = settle_all_but(conn, 1)
    fail(conn, last)
    promote(other)
    promoting = start(promote)
    assert not promoting.waits()
    other.rollback()
    assert not finished(conn, batch_id)
    promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]


def end_a_few(session: psycopg.Connection, choose: random.Random) -> None:
    """Claim two jobs and end each somehow, some after adding another one to their batch."""
    for one in claim(session, queues=["default"], batch_size=2):
        if choose.random() < 0.2:
            batch_id = scalar(session, "select batch_id from pgq.jobs where id = %s", one.job_id)
            enqueue(session, batch_id=batch_id, max_attempts=1)
        choose.choice([complete, complete, fail, discard_after_release])(session, one)


def test_random_ends_of_batches(conn: psycopg.Connection, start: Start) -> None:
    """Sessions settle, add and discard jobs of a few batches, and commit or roll back."""
    batch_ids = [make(conn) for _ in range(4)]
    for batch_id in batch_ids:
        enqueue_many(conn, *[{"task": "a", "batch_id": batch_id, "max_attempts": 1}] * 15)

    def work(session: psycopg.Connection, seed: int) -> None:
        choose = random.Random(seed)
        for turn in range(50):
            with session.transaction(force_rollback=choose.random() < 0.2):
                end_a_few(session, choose)
            if turn == 10 + seed:
                close(session, batch_ids[seed % 4])
            if choose.random() < 0.3:
                promote(session)

    for call in [start(work, seed) for seed in range(6)]:
        call.result()
    while held := claim(conn, queues=["default"]):
        complete(conn, *held)
    promote(conn)
    for batch_id in batch_ids:
        assert followers(conn, batch_id) in (["finish", "success"], ["failure", "finish"])
