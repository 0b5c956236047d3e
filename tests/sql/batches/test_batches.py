"""Batches: who counts, when they finish, what follows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.batches.calls import close, finished, followers, make
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    job,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
    violations,
)
from tests.sql.conftest import Silence
from tests.sql.limits.semaphores import promote
from tests.sql.test_plans import Plans


def test_what_follows_is_an_ordinary_job_that_knows_the_batch(
    conn: psycopg.Connection, travel: Travel
) -> None:
    after = {"task": "a", "args": {"n": 1}, "headers": {"trace": "t"}, "delay": "1 hour"}
    batch_id = value(conn, "create_batch", on_finish=json.dumps({**after, "priority": 3}))
    travel("1 day")
    close(conn, batch_id)
    found = job(conn, scalar(conn, "select id from pgq.jobs"))
    assert (found["task"], found["args"], found["priority"]) == ("a", {"n": 1}, 3)
    assert found["headers"] == {"trace": "t", "batch": {"id": batch_id, "succeeded": True}}
    assert found["state"] == "scheduled" and found["batch_id"] is None
    wait = "select run_at - finished_at from pgq.jobs, pgq.batches"
    assert scalar(conn, wait).total_seconds() == pytest.approx(3600)


@pytest.mark.parametrize("how", ["fail", "cancel", "expire"])
def test_one_job_that_does_not_succeed_makes_it_a_failure(
    conn: psycopg.Connection, travel: Travel, how: str
) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    bad = enqueue(conn, batch_id=batch_id, max_attempts=1, priority=5, expires_in="1 hour")
    close(conn, batch_id)
    complete(conn, claim_one(conn))
    if how == "fail":
        fail(conn, claim_one(conn))
    elif how == "cancel":
        outcomes(conn, "cancel", bad)
    else:
        travel("2 hours")
        rows(conn, "maintain")
    promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]
    assert scalar(conn, "select status from pgq.batch_status") == "failed"
    (header,) = {
        scalar(conn, "select headers ->> 'batch' from pgq.jobs where task = %s", task)
        for task in ("failure", "finish")
    }
    assert json.loads(header) == {"id": batch_id, "succeeded": False}


@pytest.mark.parametrize(
    "options",
    [
        {"delay": "1 hour"},
        {"concurrency_key": "taken"},
        {"depends_on": [1]},
        {"backoff": "1 hour", "priority": -1},
    ],
    ids=["scheduled", "semaphore", "parents", "retry"],
)
def test_jobs_that_wait_are_alive(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    batch_id = make(conn)
    enqueue(conn, "holder", queue="other", concurrency_key="taken")
    promote(conn)
    enqueue(conn, batch_id=batch_id)
    waiting = enqueue(conn, batch_id=batch_id, **options)
    close(conn, batch_id)
    if "backoff" in options:
        fail(conn, claim_one(conn))
    complete(conn, claim_one(conn, queues=["default"]))
    promote(conn)
    assert state(conn, waiting) in ("scheduled", "blocked")
    assert not finished(conn, batch_id)
    outcomes(conn, "cancel", waiting)
    promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]
    assert violations(conn) == []


@pytest.mark.parametrize("function", ["snooze_batch", "release_batch"])
def test_a_job_that_is_handed_back_is_alive(conn: psycopg.Connection, function: str) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    options = {"delays": ["1 hour"]} if function == "snooze_batch" else {}
    settle(conn, function, [claim_one(conn)], **options)
    promote(conn)
    assert not finished(conn, batch_id)


@pytest.mark.slow
def test_jobs_that_are_discarded_or_cleared_are_gone_and_no_failure(
    conn: psycopg.Connection,
) -> None:
    batch_id = make(conn)
    discarded = enqueue(conn, batch_id=batch_id)
    enqueue(conn, batch_id=batch_id, queue="cleared")
    enqueue(conn, batch_id=batch_id, queue="cleared", delay="1 hour")
    done = enqueue(conn, batch_id=batch_id, queue="q")
    close(conn, batch_id)
    complete(conn, claim_one(conn, queues=["q"]))
    assert outcomes(conn, "discard", discarded, done) == ["discarded", "discarded"]
    promote(conn)
    assert not finished(conn, batch_id)
    assert value(conn, "clear_queue", queue="cleared", include_scheduled=True) == 2
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


def forget_by_discard(conn: psycopg.Connection, travel: Travel, job_id: int) -> None:
    assert outcomes(conn, "discard", job_id) == ["discarded"]


def forget_by_prune(conn: psycopg.Connection, travel: Travel, job_id: int) -> None:
    travel("2 days")
    value(conn, "prune", older_than="0")


def forget_in_the_default_partition(conn: psycopg.Connection, travel: Travel, job_id: int) -> None:
    conn.execute("update pgq.job_history set finished_at = '2001-01-01' where id = %s", (job_id,))
    assert scalar(conn, "select count(*) from pgq.job_history_default") == 1
    value(conn, "prune", older_than="0")


@pytest.mark.parametrize("comes_back", [False, True])
@pytest.mark.parametrize(
    "forget", [forget_by_discard, forget_by_prune, forget_in_the_default_partition]
)
def test_a_failure_that_is_forgotten_was_one(
    conn: psycopg.Connection,
    travel: Travel,
    forget: Callable[[psycopg.Connection, Travel, int], None],
    comes_back: bool,
) -> None:
    """A retry takes a failure back; a job that leaves the history does not."""
    batch_id = make(conn)
    failed = enqueue(conn, batch_id=batch_id, max_attempts=1)
    last = enqueue(conn, batch_id=batch_id, queue="last", delay="7 days")
    close(conn, batch_id)
    fail(conn, claim_one(conn))
    if comes_back:
        assert outcomes(conn, "retry", failed) == ["retried"]
        complete(conn, claim_one(conn))
    forget(conn, travel, failed)
    assert state(conn, failed) is None
    outcomes(conn, "run_now", last)
    complete(conn, claim_one(conn, queues=["last"]))
    promote(conn)
    shown = "select status, not_succeeded from pgq.batch_status"
    if comes_back:
        assert followers(conn, batch_id) == ["finish", "success"]
        assert conn.execute(shown).fetchone() == ("succeeded", 0)
    else:
        assert followers(conn, batch_id) == ["failure", "finish"]
        assert conn.execute(shown).fetchone() == ("failed", 1)


def test_a_discard_of_the_last_job_finishes_it(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    job_id = enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    outcomes(conn, "discard", job_id)
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.slow
def test_a_lost_worker_ends_the_last_job(conn: psycopg.Connection, silence: Silence) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id, max_attempts=1)
    close(conn, batch_id)
    claim_one(conn, worker_id=register(conn, lease="1 second"))
    silence("2 seconds")
    rows(conn, "maintain")
    promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]


def test_children_that_are_cancelled_with_their_parent_end_the_batch(
    conn: psycopg.Connection,
) -> None:
    batch_id = make(conn)
    parent = enqueue(conn, batch_id=batch_id, max_attempts=1)
    child = enqueue(conn, batch_id=batch_id, depends_on=[parent])
    enqueue(conn, batch_id=batch_id, depends_on=[child])
    close(conn, batch_id)
    promote(conn)
    fail(conn, claim_one(conn))
    for _ in range(4):
        promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]


@pytest.mark.slow
def test_jobs_may_join_while_one_of_them_lives(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    for _ in range(3):
        held = claim_one(conn)
        enqueue(conn, batch_id=batch_id)
        complete(conn, held)
        assert not finished(conn, batch_id)
    complete(conn, claim_one(conn))
    assert followers(conn, batch_id) == ["finish", "success"]


def test_a_job_that_joins_in_the_transaction_of_the_last_settle(
    conn: psycopg.Connection,
) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    with conn.transaction():
        enqueue(conn, batch_id=batch_id)
        complete(conn, claim_one(conn))
    assert not finished(conn, batch_id)
    complete(conn, claim_one(conn))
    assert followers(conn, batch_id) == ["finish", "success"]


def test_nothing_joins_a_finished_or_unknown_batch(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    close(conn, batch_id)
    for wrong in (batch_id, 0, batch_id + 1):
        with refused("JQ001", f"batch {wrong} has finished or does not exist"):
            enqueue(conn, batch_id=wrong)
        with refused("JQ001", f"job 2: batch {wrong} has finished"):
            enqueue_many(conn, {"task": "a"}, {"task": "b", "batch_id": wrong})
    with refused("JQ001", "option of the wrong type"):
        enqueue_many(conn, {"task": "b", "batch_id": "x"})
    assert scalar(conn, "select count(*) from pgq.jobs where queue = 'default'") == 0


def test_enqueue_many_adds_to_several_batches(conn: psycopg.Connection) -> None:
    one, two = make(conn), make(conn)
    enqueue_many(
        conn,
        {"task": "a", "batch_id": one},
        {"task": "b", "batch_id": two, "unique_key": "k"},
        {"task": "c", "batch_id": None},
        {"task": "d", "batch_id": one},
    )
    found = conn.execute("select task, batch_id from pgq.all_jobs order by task").fetchall()
    assert found == [("a", one), ("b", two), ("c", None), ("d", one)]
    close(conn, one)
    close(conn, two)
    complete(conn, *claim(conn))
    assert finished(conn, one) and finished(conn, two)
    found = conn.execute("select batch_id from pgq.all_jobs where task = 'b'").fetchall()
    assert found == [(two,)]


def test_the_owner_of_a_key_stays_in_its_batch(conn: psycopg.Connection) -> None:
    one, two = make(conn), make(conn)
    owner = enqueue(conn, batch_id=one, unique_key="k")
    for how in ("return", "replace", "bump"):
        assert enqueue(conn, batch_id=two, unique_key="k", on_conflict=how) == owner
        assert job(conn, owner)["batch_id"] == one


def test_a_retry_before_the_end_counts_and_later_fires_nothing_again(
    conn: psycopg.Connection,
) -> None:
    batch_id = make(conn)
    bad = enqueue(conn, batch_id=batch_id, max_attempts=1, priority=-1)
    enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    fail(conn, claim_one(conn))
    promote(conn)
    outcomes(conn, "retry", bad)
    fail(conn, claim_one(conn))
    complete(conn, claim_one(conn))
    promote(conn)
    assert followers(conn, batch_id) == ["failure", "finish"]
    outcomes(conn, "retry", bad)
    complete(conn, *claim(conn, queues=["default"]))
    promote(conn)
    assert state(conn, bad) == "succeeded"
    assert followers(conn, batch_id) == ["failure", "finish"]
    assert scalar(conn, "select succeeded from pgq.batches") is False


def test_a_repeated_settle_fires_nothing_again(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    enqueue(conn, batch_id=batch_id)
    close(conn, batch_id)
    held = claim_one(conn)
    assert complete(conn, held) == ["ok"]
    assert complete(conn, held) == ["already"]
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.slow
def test_the_usual_job_notes_nothing(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    enqueue(conn)
    with conn.transaction(force_rollback=True):
        conn.execute("set transaction isolation level repeatable read")
        complete(conn, claim_one(conn))
        assert scalar(conn, "select count(batch_id) from pgq.releases") == 0
    enqueue(conn, batch_id=batch_id)
    outcomes(conn, "cancel", 2)
    assert scalar(conn, "select count(batch_id) from pgq.releases") == 1


@pytest.mark.slow
def test_finished_batches_go_with_the_history(conn: psycopg.Connection, travel: Travel) -> None:
    closed, empty = make(conn), make(conn)
    close(conn, closed)
    for days, left in ((13, [closed, empty]), (2, [empty])):
        travel(f"{days} days")
        rows(conn, "maintain")
        found = conn.execute("select id from pgq.batch_status order by id").fetchall()
        assert [batch_id for (batch_id,) in found] == left


def test_verify_finds_a_batch_that_was_forgotten(conn: psycopg.Connection) -> None:
    batch_id = make(conn)
    conn.execute("update pgq.batches set closed_at = now()")
    assert violations(conn) == ["batch without live jobs that has not finished, and nobody knows"]
    conn.execute("insert into pgq.releases (batch_id) values (%s)", (batch_id,))
    assert violations(conn) == []
    promote(conn)
    assert followers(conn, batch_id) == ["finish", "success"]


@pytest.mark.slow
def test_looking_at_a_batch_reads_few_rows(conn: psycopg.Connection) -> None:
    """On tables that were never analyzed, with thousands of live and of finished jobs."""
    plans = Plans(conn)
    batch_id = make(conn)
    enqueue_many(conn, *[{"task": "a", "batch_id": batch_id}] * 3000)
    complete(conn, *claim(conn, batch_size=1000))
    close(conn, batch_id)
    with plans.stay_small():
        assert scalar(conn, "select done from pgq._finish_batch(%s, now())", batch_id)
    held = claim(conn, batch_size=10)
    with plans.stay_small():
        complete(conn, *held)
    with plans.stay_small():
        rows(conn, "results", ids=[one.job_id for one in held])
    assert not finished(conn, batch_id)
