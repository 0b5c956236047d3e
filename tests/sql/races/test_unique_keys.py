"""Unique keys with a scope or a window, between sessions: who waits, and who gets the key."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    job,
    outcomes,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.races.conftest import Start

HOWS = pytest.mark.parametrize("how", ["return", "replace", "bump", "discard"])
QUEUED: dict[str, Any] = {"unique_key": "k", "unique_while": "queued"}
WINDOW: dict[str, Any] = {"unique_key": "k", "unique_for": "1 hour"}


@HOWS
def test_an_enqueue_waits_for_the_claim_of_a_queued_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    owner = enqueue(conn, args="[1]", **QUEUED)
    claim_one(other)
    enqueueing = start(enqueue, args="[2]", on_conflict=how, **QUEUED)
    assert enqueueing.waits()
    other.commit()
    second = enqueueing.result()
    assert second not in (owner, None)
    assert (state(conn, owner), state(conn, second)) == ("running", "ready")


@HOWS
def test_a_claim_of_a_queued_key_that_rolls_back(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    owner = enqueue(conn, args="[1]", **QUEUED)
    claim_one(other)
    enqueueing = start(enqueue, args="[2]", on_conflict=how, **QUEUED)
    assert enqueueing.waits()
    other.rollback()
    assert enqueueing.result() == (None if how == "discard" else owner)
    assert job(conn, owner)["args"] == ([2] if how == "replace" else [1])
    assert scalar(conn, "select array_agg(job_id) from pgq.queued_keys") == [owner]


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_passes_over_a_job_that_is_being_replaced(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    owner = enqueue(conn, args="[1]", **QUEUED)
    enqueue(other, args="[2]", on_conflict="replace", **QUEUED)
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.commit() if commits else other.rollback()
    held = claim_one(conn)
    assert (held.job_id, held.args) == (owner, [2] if commits else [1])
    assert enqueue(conn, **QUEUED) != owner


def test_a_bulk_replace_whose_owner_is_claimed_meanwhile(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """It has found the owner and waits for another key while the claim takes the key away."""
    owner = enqueue(conn, args="[1]", **QUEUED)
    enqueue(other, unique_key="l")
    change = {"task": "b", "args": [2], "on_conflict": "replace"}
    replacing = start(enqueue_many, {**change, **QUEUED}, {**change, "unique_key": "l"})
    assert replacing.waits()
    held = claim_one(conn)
    assert held.job_id == owner
    other.rollback()
    (second, created), _ = replacing.result()
    assert (created, second != owner) == (True, True)
    assert job(conn, owner)["args"] == [1]


@HOWS
@pytest.mark.parametrize("commits", [True, False])
def test_two_windows_at_once(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str, commits: bool
) -> None:
    first = enqueue(other, args="[1]", **WINDOW)
    enqueueing = start(enqueue, args="[2]", on_conflict=how, **WINDOW)
    assert enqueueing.waits()
    other.commit() if commits else other.rollback()
    second = enqueueing.result()
    assert second == ({"discard": None}.get(how, first) if commits else second)
    owner = first if commits else second
    assert scalar(conn, "select array_agg(job_id) from pgq.key_windows") == [owner]
    assert scalar(conn, "select array_agg(id) from pgq.jobs") == [owner]


@pytest.mark.parametrize("scope", [WINDOW, {"unique_key": "k"}], ids=["window", "plain"])
@HOWS
def test_a_window_that_opens_while_an_enqueue_waits(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str, scope: Any
) -> None:
    """When the enqueue goes on, no live job owns the key any more, but the window does."""
    outcomes(conn, "cancel", enqueue(conn, **WINDOW))
    value(conn, "release_unique_key", unique_key="k")
    throttling = enqueue(other, **WINDOW)
    enqueueing = start(enqueue, on_conflict=how, **scope)
    assert enqueueing.waits()
    assert outcomes(other, "cancel", throttling) == ["cancelled"]
    other.commit()
    assert enqueueing.result() == (None if how == "discard" else throttling)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0
    assert scalar(conn, "select count(*) from pgq.ready") == 0


@HOWS
@pytest.mark.parametrize("commits", [True, False])
def test_two_bulk_calls_with_the_same_keys(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str, commits: bool
) -> None:
    """In opposite orders, with twins inside each call, and another job between them."""
    jobs = [
        {"task": "a", "args": [number], "unique_key": f"k{number % 5}", "on_conflict": how}
        for number in range(7)
    ]
    first: Any = enqueue_many(other, *jobs)
    enqueueing = start(enqueue_many, *jobs[::-1], {"task": "plain"})
    assert enqueueing.waits()
    other.commit() if commits else other.rollback()
    second = enqueueing.result()[:-1]
    assert [created for _, created in first] == [True] * 5 + [False] * 2
    assert sum(created for _, created in second) == (0 if commits else 5)
    live = set(scalar(conn, "select array_agg(id) from pgq.jobs where unique_key is not null"))
    stored = first if commits else second
    assert live == {job_id for job_id, created in stored if created}
    named = {job_id for job_id, _ in second}
    assert named == ({None} if how == "discard" and commits else live | named & {None})
    assert scalar(conn, "select count(*) from pgq.ready") == 6
    assert rows(conn, "verify") == []


def test_a_bulk_call_finds_an_owner_that_ends_while_it_waits(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    """It has passed the owned key and holds the next when it finds that nobody owns the first."""
    owner = enqueue(conn, unique_key="a")
    enqueue(other, unique_key="c")
    keys = [{"task": "b", "unique_key": key} for key in "cba"]
    enqueueing = start(enqueue_many, *keys, {"task": "plain"})
    assert enqueueing.waits()
    assert outcomes(conn, "cancel", owner) == ["cancelled"]
    other.rollback()
    made = enqueueing.result()
    assert [created for _, created in made] == [True] * 4
    assert set(scalar(conn, "select array_agg(id) from pgq.jobs")) == {one for one, _ in made}
    assert rows(conn, "verify") == []


@HOWS
@pytest.mark.parametrize("scope", [WINDOW, QUEUED], ids=["window", "queued"])
def test_a_window_that_opens_while_a_bulk_call_waits(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str, scope: Any
) -> None:
    """The key is free when the call goes on, and so it stores a job that the window forbids."""
    throttling = enqueue(other, **WINDOW)
    jobs = [
        {"task": "b", "on_conflict": how, **scope},
        {"task": "b", "on_conflict": how, **scope, "unique_key": "l"},
    ]
    enqueueing = start(enqueue_many, *jobs)
    assert enqueueing.waits()
    assert outcomes(other, "cancel", throttling) == ["cancelled"]
    other.commit()
    first, (second, created) = enqueueing.result()
    assert first == (None if how == "discard" else throttling, False)
    assert created and scalar(conn, "select array_agg(id) from pgq.jobs") == [second]
    in_force = {("k", throttling)} | ({("l", second)} if scope is WINDOW else set())
    found = conn.execute("select unique_key, job_id from pgq.key_windows").fetchall()
    assert set(found) == in_force
    assert rows(conn, "verify") == []


def test_a_bulk_call_in_an_old_snapshot(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    """What has ended since still looks live; the key is free all the same, and then taken."""
    owner = enqueue(conn, unique_key="k")
    other.execute("set transaction isolation level repeatable read")
    assert scalar(other, "select count(*) from pgq.jobs") == 1
    assert outcomes(conn, "cancel", owner) == ["cancelled"]
    (second, created), again = enqueue_many(other, *[{"task": "a", "unique_key": "k"}] * 2)
    assert (created, again) == (True, (second, False))
    assert enqueue_many(other, {"task": "a", "unique_key": "k"}) == [(second, False)]
    assert enqueue(other, unique_key="k") == second
    other.commit()
    assert scalar(conn, "select array_agg(id) from pgq.jobs") == [second]


def test_a_window_that_is_over_has_one_successor(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    old = enqueue(conn, **WINDOW)
    complete(conn, claim_one(conn))
    travel("2 hours")
    new = enqueue(other, **WINDOW)
    enqueueing = [start(enqueue, **WINDOW) for _ in range(3)]
    assert all(call.waits() for call in enqueueing)
    other.commit()
    assert {call.result() for call in enqueueing} == {new} != {old}


def test_throttled_calls_do_not_wait_for_each_other(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    owner = enqueue(conn, **WINDOW)
    complete(conn, claim_one(conn))
    assert enqueue(other, **WINDOW) == owner
    enqueueing = start(enqueue, **WINDOW)
    assert not enqueueing.waits() and enqueueing.result() == owner


def test_an_enqueue_and_the_sweep_of_its_window(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    enqueue(conn, **WINDOW)
    complete(conn, claim_one(conn))
    travel("2 hours")
    new = enqueue(other, **WINDOW)
    sweeping = start(rows, "maintain")
    assert not sweeping.waits()
    sweeping.result()
    other.commit()
    assert scalar(conn, "select array_agg(job_id) from pgq.key_windows") == [new]


@pytest.mark.parametrize("function", ["complete_batch", "release_batch"])
def test_a_release_of_a_key_and_a_settle_of_its_owner(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, function: str
) -> None:
    enqueue(conn, unique_key="k")
    settle(other, function, [claim_one(conn)])
    releasing = start(value, "release_unique_key", unique_key="k")
    assert releasing.waits()
    other.commit()
    assert releasing.result() is (function == "release_batch")
    assert rows(conn, "unique_key_owner", unique_key="k") == []


@HOWS
def test_overlapping_calls_never_deadlock(conn: psycopg.Connection, start: Start, how: str) -> None:
    """Every scope and windows of a moment, in four orders, while others claim and release keys."""
    scopes: list[dict[str, Any]] = [
        {"unique_while": "queued"},
        {"unique_for": "1 ms"},
        {"unique_for": "1 ms", "unique_while": "queued"},
        {},
    ]
    jobs = [
        {"task": "a", "unique_key": f"k{number}", "on_conflict": how, **scopes[number % 4]}
        for number in range(12)
    ]

    def repeat(session: psycopg.Connection, turn: int) -> None:
        shuffled = jobs[turn:] + jobs[:turn]
        for _ in range(12):
            assert len(enqueue_many(session, *shuffled, {"task": "plain"}, *jobs[:3])) == 16

    def work(session: psycopg.Connection) -> None:
        for turn in range(20):
            held = claim(session, batch_size=7)
            complete(session, *held) if turn % 2 else settle(session, "release_batch", held[::-1])

    def tidy(session: psycopg.Connection) -> None:
        for turn in range(20):
            value(session, "release_unique_key", unique_key=f"k{turn % 12}")
            session.execute("select pgq._prune_key_windows(100)")
            rows(session, "promote_due")

    calls = [start(repeat, turn) for turn in (0, 3, 6, 9)]
    for call in [*calls, start(work), start(work), start(tidy)]:
        call.result()
    most = scalar(
        conn,
        "select max(count) from (select count(*) from pgq.jobs"
        " where unique_key is not null group by unique_key) as per_key",
    )
    assert most in (None, 1)


@pytest.mark.parametrize("commits", [True, False])
def test_a_bulk_call_waits_for_the_release_of_a_key(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """The entry of the index stays while the release may still be taken back."""
    owner = enqueue(conn, unique_key="k")
    assert value(other, "release_unique_key", unique_key="k")
    jobs = [{"task": "a", "unique_key": key} for key in "jkl"]
    enqueueing = start(enqueue_many, *jobs)
    assert enqueueing.waits()
    other.commit() if commits else other.rollback()
    (_, first), (found, created), (_, last) = enqueueing.result()
    assert (first, created, last) == (True, commits, True)
    assert (found != owner) == commits
    assert scalar(conn, "select array_agg(id) from pgq.jobs where unique_key = 'k'") == [found]


@pytest.mark.parametrize("commits", [True, False])
def test_two_bulk_calls_with_windows(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, commits: bool
) -> None:
    """The windows belong to those who stored the jobs, all of them."""
    jobs = [{"task": "a", "unique_key": key, "unique_for": "1 hour"} for key in "abcde"]
    first = dict(enqueue_many(other, *jobs[:4]))
    enqueueing = start(enqueue_many, *jobs[::-1])
    assert enqueueing.waits()
    end = other.commit if commits else other.rollback
    end()
    second = dict(enqueueing.result())
    assert sum(second.values()) == (1 if commits else 5)
    assert set(second) >= set(first if commits else [])
    windows = "select array_agg(job_id order by unique_key) from pgq.key_windows"
    owners = "select array_agg(id order by unique_key) from pgq.jobs"
    assert scalar(conn, windows) == scalar(conn, owners)
    assert set(scalar(conn, owners)) == set(second)


@pytest.mark.parametrize("how", ["raise", "discard"])
def test_a_bulk_call_that_finds_its_key_taken_when_it_goes_on(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, how: str
) -> None:
    """All or nothing: also what has no key and was stored before."""
    enqueue(other, unique_key="k")
    jobs = [{"task": "plain"}, {"task": "a", "unique_key": "j"}]
    enqueueing = start(enqueue_many, *jobs, {"task": "a", "unique_key": "k", "on_conflict": how})
    assert enqueueing.waits()
    other.commit()
    if how == "raise":
        with pytest.raises(psycopg.Error) as caught:
            enqueueing.result()
        assert caught.value.sqlstate == "JQ003"
    else:
        assert [created for _, created in enqueueing.result()] == [True, True, False]
    assert scalar(conn, "select count(*) from pgq.jobs") == (1 if how == "raise" else 3)
