"""Scopes, windows and debounce of unique keys, and what bulk calls make of them."""

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
    fail,
    job,
    outcomes,
    refused,
    rows,
    scalar,
    settle,
    state,
    value,
    violations,
)

HOWS = pytest.mark.parametrize("how", ["return", "replace", "bump"])


def queued(conn: psycopg.Connection, **options: Any) -> int:
    return enqueue(conn, **{"unique_key": "k", "unique_while": "queued", **options})


def throttled(conn: psycopg.Connection, **options: Any) -> int:
    return enqueue(conn, **{"unique_key": "k", "unique_for": "1 hour", **options})


def end(conn: psycopg.Connection) -> None:
    """Claim the one ready job and complete it."""
    assert complete(conn, claim_one(conn)) == ["ok"]


def markers(conn: psycopg.Connection) -> int:
    count: int = scalar(conn, "select count(*) from pgq.queued_keys")
    return count


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unique_while": "running", "unique_key": "k"}, "unique_while is running"),
        ({"unique_while": "live"}, "without unique_key"),
        ({"unique_for": "1 hour"}, "without unique_key"),
        ({"unique_for": "0", "unique_key": "k"}, "unique_for is not positive"),
        ({"unique_for": "-1 hour", "unique_key": "k"}, "unique_for is not positive"),
        ({"unique_for": "101 years", "unique_key": "k"}, "unique_for is not positive"),
        (
            {"unique_key": "k", "on_conflict": "replace", "depends_on": [1]},
            "both depends_on and on_conflict",
        ),
    ],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], words: str) -> None:
    with refused("JQ001", words):
        enqueue(conn, **options)
    with refused("JQ001", f"job 2: {words}" if words.startswith("unique") else words):
        enqueue_many(conn, {"task": "a"}, {"task": "b", **options})
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.slow
def test_a_live_key_is_taken_while_its_job_runs(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k", unique_while="live")
    claim_one(conn)
    assert enqueue(conn, unique_key="k") == owner


def test_a_queued_key_is_free_from_the_claim_on(conn: psycopg.Connection) -> None:
    owner = queued(conn)
    assert queued(conn) == owner
    held = claim_one(conn)
    assert (held.job_id, markers(conn)) == (owner, 0)
    second = queued(conn)
    assert second != owner
    assert queued(conn) == second
    assert complete(conn, held) == ["ok"]
    assert queued(conn) == second


@pytest.mark.slow
@HOWS
def test_the_running_job_of_a_queued_key_does_not_count(conn: psycopg.Connection, how: str) -> None:
    owner = queued(conn, args="[1]")
    claim_one(conn)
    second = queued(conn, args="[2]", on_conflict=how)
    assert second != owner
    assert (job(conn, owner)["args"], job(conn, second)["args"]) == ([1], [2])


@pytest.mark.parametrize("step", ["fail_batch", "snooze_batch", "release_batch"])
def test_a_job_that_comes_back_has_lost_its_queued_key(conn: psycopg.Connection, step: str) -> None:
    owner = queued(conn, backoff="0")
    options = {"delays": ["0"]} if step == "snooze_batch" else {}
    settle(conn, step, [claim_one(conn)], **options)
    assert state(conn, owner) in ("ready", "scheduled")
    assert queued(conn) != owner


@pytest.mark.slow
@pytest.mark.parametrize("step", ["cancel", "discard", "clear_queue", "expire"])
def test_a_queued_key_goes_with_its_job(
    conn: psycopg.Connection, travel: Travel, step: str
) -> None:
    owner = queued(conn, expires_in="1 minute")
    assert markers(conn) == 1
    if step == "clear_queue":
        assert value(conn, "clear_queue", queue="default") == 1
    elif step == "expire":
        travel("2 minutes")
        rows(conn, "maintain")
        assert state(conn, owner) == "expired"
    else:
        outcomes(conn, step, owner)
    assert markers(conn) == 0
    assert queued(conn) != owner


def test_only_the_claimed_jobs_lose_their_keys(conn: psycopg.Connection) -> None:
    first = queued(conn, unique_key="a", priority=1)
    second = queued(conn, unique_key="b", priority=2)
    live = enqueue(conn, unique_key="c", priority=0)
    assert [held.job_id for held in claim(conn, batch_size=2)] == [live, first]
    assert job(conn, second)["unique_key"] == "b"
    assert queued(conn, unique_key="b") == second
    assert queued(conn, unique_key="c") == live
    assert queued(conn, unique_key="a") != first


@pytest.mark.parametrize(("before", "after"), [("live", "queued"), ("queued", "live")])
def test_replace_brings_its_own_scope(conn: psycopg.Connection, before: str, after: str) -> None:
    owner = enqueue(conn, unique_key="k", unique_while=before)
    for _ in range(2):
        assert owner == enqueue(conn, unique_key="k", unique_while=after, on_conflict="replace")
    claim_one(conn)
    assert (enqueue(conn, unique_key="k") == owner) == (after == "live")


def test_bump_and_return_leave_the_scope_alone(conn: psycopg.Connection) -> None:
    owner = queued(conn)
    for how in ("bump", "return"):
        assert enqueue(conn, unique_key="k", on_conflict=how) == owner
    claim_one(conn)
    assert enqueue(conn, unique_key="k") != owner


def test_a_window_outlives_its_job(conn: psycopg.Connection, travel: Travel) -> None:
    owner = throttled(conn)
    end(conn)
    travel("59 minutes")
    assert throttled(conn) == owner
    assert enqueue(conn, unique_key="k") == owner
    with refused("JQ003", "taken"):
        throttled(conn, on_conflict="raise")
    travel("2 minutes")
    second = throttled(conn)
    assert second != owner
    end(conn)
    travel("59 minutes")
    assert throttled(conn) == second


def test_the_key_of_a_window_that_is_over_is_still_taken_by_a_live_job(
    conn: psycopg.Connection, travel: Travel
) -> None:
    owner = throttled(conn, delay="3 hours")
    travel("2 hours")
    assert throttled(conn) == owner
    assert rows(conn, "unique_key_owner", unique_key="k")[0]["until_at"] is None


@HOWS
def test_an_ended_owner_is_only_returned(conn: psycopg.Connection, how: str) -> None:
    owner = throttled(conn, args="[1]")
    end(conn)
    before = job(conn, owner)
    assert throttled(conn, args="[2]", on_conflict=how) == owner
    assert enqueue_many(
        conn, {"task": "b", "unique_key": "k", "unique_for": "1 h", "on_conflict": how}
    ) == [(owner, False)]
    assert job(conn, owner) == before
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


def test_a_window_keeps_the_key_of_a_job_that_is_gone(conn: psycopg.Connection) -> None:
    owner = throttled(conn)
    assert outcomes(conn, "discard", owner) == ["discarded"]
    assert throttled(conn, on_conflict="replace") == owner
    assert state(conn, owner) is None


@HOWS
def test_a_window_over_a_queued_key_counts_while_the_job_runs(
    conn: psycopg.Connection, how: str
) -> None:
    owner = throttled(conn, unique_while="queued", args="[1]")
    claim_one(conn)
    assert throttled(conn, unique_while="queued", args="[2]", on_conflict=how) == owner
    assert job(conn, owner)["args"] == [1]


def test_replace_changes_the_waiting_job_of_a_window_and_not_the_window(
    conn: psycopg.Connection, travel: Travel
) -> None:
    owner = throttled(conn, args="[1]", delay="10 minutes")
    until = scalar(conn, "select until_at from pgq.key_windows")
    travel("5 minutes")
    assert throttled(conn, args="[2]", on_conflict="replace") == owner
    assert (job(conn, owner)["args"], state(conn, owner)) == ([2], "ready")
    assert scalar(conn, "select until_at from pgq.key_windows") == until


def test_no_window_begins_without_a_new_job(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    assert throttled(conn) == owner
    end(conn)
    assert enqueue(conn, unique_key="k") != owner


def test_discard_names_nobody(conn: psycopg.Connection) -> None:
    owner = throttled(conn, on_conflict="discard")
    assert owner is not None
    drop = {"unique_key": "k", "on_conflict": "discard"}
    assert value(conn, "enqueue", task="b", **drop) is None
    claim_one(conn)
    assert value(conn, "enqueue", task="b", **drop) is None
    many: Any = enqueue_many(
        conn, {"task": "b", **drop}, {"task": "c", **drop, "unique_key": "free"}, {"task": "d"}
    )
    assert [created for _, created in many] == [False, True, True]
    assert many[0][0] is None and None not in (many[1][0], many[2][0])
    assert scalar(conn, "select count(*) from pgq.jobs where task = 'b'") == 0


def test_duplicates_in_one_call_follow_the_rules_in_order(conn: psycopg.Connection) -> None:
    key: dict[str, Any] = {"unique_key": "k", "unique_while": "queued", "unique_for": "1 hour"}
    made = enqueue_many(
        conn,
        {"task": "first", **key},
        {"task": "plain"},
        {"task": "second", **key, "on_conflict": "discard"},
        {"task": "third", **key, "on_conflict": "replace", "priority": 5},
        {"task": "fourth", **key, "on_conflict": "bump", "priority": 3},
        {"task": "fifth", **key},
    )
    owner = made[0][0]
    assert [made[place] for place in (0, 2, 3, 4, 5)] == [
        (owner, True),
        (None, False),
        (owner, False),
        (owner, False),
        (owner, False),
    ]
    found = job(conn, owner)
    assert (found["task"], found["priority"]) == ("third", 3)
    assert markers(conn) == 1
    assert scalar(conn, "select count(*) from pgq.jobs") == 2
    with refused("JQ003"):
        enqueue_many(conn, {"task": "a", **key, "on_conflict": "raise"})


def test_many_and_one_do_the_same(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue_many(
        conn,
        {"task": "a", "unique_key": "window", "unique_for": "1 hour"},
        {"task": "b", "unique_key": "queued", "unique_while": "queued"},
    )
    for held in claim(conn):
        complete(conn, held)
    kept = scalar(conn, "select job_id from pgq.key_windows where unique_key = 'window'")
    answers = enqueue_many(
        conn,
        {"task": "a", "unique_key": "window"},
        {"task": "b", "unique_key": "queued", "unique_while": "queued"},
    )
    assert answers[0] == (kept, False)
    assert answers[1][1] is True


def test_a_debounced_job_runs_once_after_the_last_call(
    conn: psycopg.Connection, travel: Travel
) -> None:
    options: dict[str, Any] = {"unique_key": "k", "delay": "5 minutes", "on_conflict": "replace"}
    owner = enqueue(conn, args="[1]", **options)
    for version in (2, 3):
        travel("4 minutes")
        assert rows(conn, "promote_due")[0]["promoted"] == 0
        assert enqueue(conn, args=f"[{version}]", **options) == owner
    travel("4 minutes")
    assert claim(conn) == [] and rows(conn, "promote_due")[0]["promoted"] == 0
    travel("2 minutes")
    assert rows(conn, "promote_due")[0]["promoted"] == 1
    held = claim_one(conn)
    assert (held.job_id, held.args) == (owner, [3])
    complete(conn, held)
    assert scalar(conn, "select count(*) from pgq.all_jobs") == 1


@pytest.mark.slow
def test_a_debounced_job_that_is_due_is_put_off_again(conn: psycopg.Connection) -> None:
    owner = enqueue(conn, unique_key="k")
    assert enqueue(conn, unique_key="k", delay="1 hour", on_conflict="replace") == owner
    assert (state(conn, owner), claim(conn)) == ("scheduled", [])


def test_a_job_blocked_by_a_semaphore_is_debounced(
    conn: psycopg.Connection, travel: Travel
) -> None:
    semaphore: dict[str, Any] = {"concurrency_key": "s", "concurrency_limit": 1}
    holder = enqueue(conn, **semaphore)
    rows(conn, "promote_due")
    owner = enqueue(conn, unique_key="k", args="[1]", **semaphore)
    rows(conn, "promote_due")
    assert (state(conn, holder), state(conn, owner)) == ("ready", "blocked")
    again: dict[str, Any] = {
        "unique_key": "k",
        "on_conflict": "replace",
        "delay": "1 minute",
        **semaphore,
    }
    assert enqueue(conn, args="[2]", **again) == owner
    assert state(conn, owner) == "scheduled"
    travel("2 minutes")
    rows(conn, "promote_due")
    assert state(conn, owner) == "blocked"
    end(conn)
    rows(conn, "promote_due")
    assert (claim_one(conn).args, scalar(conn, "select count(*) from pgq.slots")) == ([2], 1)


def test_a_debounced_holder_gives_its_slot_back(conn: psycopg.Connection) -> None:
    semaphore: dict[str, Any] = {"concurrency_key": "s", "concurrency_limit": 1}
    owner = enqueue(conn, unique_key="k", **semaphore)
    rows(conn, "promote_due")
    waiter = enqueue(conn, **semaphore)
    rows(conn, "promote_due")
    assert (state(conn, owner), state(conn, waiter)) == ("ready", "blocked")
    enqueue(conn, unique_key="k", on_conflict="replace", delay="1 hour", **semaphore)
    rows(conn, "promote_due")
    assert (state(conn, owner), state(conn, waiter)) == ("scheduled", "ready")


def test_a_job_blocked_by_a_parent_is_debounced_and_keeps_it(
    conn: psycopg.Connection, travel: Travel
) -> None:
    parent = enqueue(conn)
    owner = enqueue(conn, unique_key="k", depends_on=[parent], args="[1]")
    again: dict[str, Any] = {"unique_key": "k", "on_conflict": "replace", "args": "[2]"}
    assert enqueue(conn, delay="1 hour", **again) == owner
    assert (state(conn, owner), job(conn, owner)["args"]) == ("blocked", [2])
    end(conn)
    rows(conn, "promote_due")
    assert state(conn, owner) == "scheduled"
    travel("61 minutes")
    rows(conn, "promote_due")
    assert claim_one(conn).job_id == owner


def test_a_retry_of_a_job_in_its_window(conn: psycopg.Connection) -> None:
    owner = throttled(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    assert outcomes(conn, "retry", owner) == ["retried"]
    assert throttled(conn, args="[2]", on_conflict="replace") == owner
    assert claim_one(conn).args == [2]


def test_a_retried_job_that_had_been_claimed_has_no_queued_key(conn: psycopg.Connection) -> None:
    owner = queued(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    second = queued(conn)
    assert outcomes(conn, "retry", owner) == ["retried"]
    assert (state(conn, owner), state(conn, second)) == ("ready", "ready")


def test_windows_that_are_over_are_swept(conn: psycopg.Connection, travel: Travel) -> None:
    for number in range(5):
        throttled(conn, unique_key=f"k{number}")
    throttled(conn, unique_key="long", unique_for="1 day")
    travel("2 hours")
    assert scalar(conn, "select pgq._prune_key_windows(3)") == 3
    swept = {row["step"]: row["affected"] for row in rows(conn, "maintain")}
    assert swept["window"] == 2
    assert scalar(conn, "select array_agg(unique_key) from pgq.key_windows") == ["long"]


EACH = """
select coalesce(unique_key, 'job ' || id), task, args, priority, state,
  exists (select from pgq.queued_keys as queued where queued.job_id = id),
  (select array_agg(parent_id) from pgq.dependencies where child_id = id),
  (select partition_key from pgq.ready as lane where lane.job_id = id)
from pgq.all_jobs
order by 1, id
"""
WINDOWS = """
select taken.unique_key, until_at > pgq._now(), exists (select from pgq.jobs where id = job_id)
from pgq.key_windows as taken
order by 1
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [None, "return", "replace", "bump", "discard"])
def test_a_bulk_call_does_what_single_ones_do(
    conn: psycopg.Connection, travel: Travel, how: str | None
) -> None:
    """Jobs of every scope, under keys that are free, taken in every way, or free again."""
    value(conn, "configure_queue", queue="fair", fair=True)
    parent = enqueue(conn, task="parent", queue="other")
    throttled(conn, unique_key="over", unique_for="1 minute")
    throttled(conn, unique_key="ended")
    queued(conn, unique_key="claimed")
    complete(conn, *claim(conn, batch_size=2))
    claim(conn)
    travel("5 minutes")
    queued(conn, unique_key="queued", priority=7)
    enqueue(conn, unique_key="live", priority=7)
    enqueue(conn, unique_key="later", delay="1 hour")
    held = enqueue(conn, unique_key="running", priority=-1)
    assert claim_one(conn).job_id == held
    scopes: list[dict[str, Any]] = [
        {},
        {"unique_while": "queued", "queue": "fair"},
        {"unique_for": "1 hour", "delay": "1 minute"},
        {"unique_for": "1 hour", "unique_while": "queued", "concurrency_key": "s"},
    ]
    if how != "replace":
        scopes.append({"depends_on": [parent]})
    keys = ("over", "ended", "claimed", "queued", "live", "later", "running", "free", "free too")
    jobs: list[dict[str, Any]] = [
        {
            "task": "t",
            "args": [n],
            "priority": 9 - n,
            "unique_key": key,
            "on_conflict": how,
            **scope,
        }
        for key in keys
        for n, scope in enumerate(scopes)
    ]

    def one_by_one(given: list[dict[str, Any]]) -> list[tuple[Any, bool]]:
        made: list[tuple[Any, bool]] = []
        for options in given:
            newest = scalar(conn, "select max(id) from pgq.all_jobs")
            job_id = value(conn, "enqueue", **{**options, "args": str(options["args"])})
            made.append((job_id, job_id is not None and job_id > newest))
        return made

    def outcome(made: Any) -> Any:
        known: dict[Any, Any] = dict(
            conn.execute("select id, unique_key from pgq.all_jobs").fetchall()
        )
        answers = [(known.get(job_id, job_id), created) for job_id, created in made]
        return answers, conn.execute(EACH).fetchall(), conn.execute(WINDOWS).fetchall()

    for given in (jobs, jobs[::-1]):
        with conn.transaction(force_rollback=True):
            single = outcome(one_by_one(given))
        with conn.transaction(force_rollback=True):
            assert outcome(enqueue_many(conn, *given)) == single


def test_a_key_that_is_given_twice_may_raise(conn: psycopg.Connection) -> None:
    twins = [{"task": "a", "unique_key": "k", "on_conflict": "raise"}] * 2
    with refused("JQ003", "taken: k"):
        enqueue_many(conn, {"task": "plain"}, *twins)
    assert scalar(conn, "select count(*) from pgq.jobs") == 0


@pytest.mark.slow
def test_many_keys_in_one_call(conn: psycopg.Connection) -> None:
    jobs = [{"task": "a", "args": [n], "unique_key": f"k{n}"} for n in range(3000)]
    made = enqueue_many(conn, *jobs, {"task": "plain"})
    assert all(created for _, created in made) and len(set(made)) == 3001
    found = conn.execute("select id, (args ->> 0)::int from pgq.jobs where unique_key is not null")
    assert [(job_id, n) for n, (job_id, _) in enumerate(made[:-1])] == sorted(
        found.fetchall(), key=lambda row: row[1]
    )
    again = enqueue_many(conn, *jobs[::2])
    assert again == [(job_id, False) for job_id, _ in made[:-1:2]]


@pytest.mark.parametrize("end", ["cancelled", "expired"])
@pytest.mark.parametrize("unique_while", ["live", "queued"])
def test_a_key_keeps_its_scope_from_a_cancel_to_a_retry(
    conn: psycopg.Connection, travel: Travel, end: str, unique_while: str
) -> None:
    owner = enqueue(conn, unique_key="k", unique_while=unique_while, expires_in="10 s")
    if end == "cancelled":
        assert outcomes(conn, "cancel", owner) == ["cancelled"]
    else:
        travel("20 s")
        rows(conn, "maintain")
    assert state(conn, owner) == end
    assert outcomes(conn, "retry", owner) == ["retried"]
    assert enqueue(conn, unique_key="k") == owner
    held = claim_one(conn)
    another = enqueue(conn, unique_key="k")
    assert (another == owner) == (unique_while == "live")
    assert complete(conn, held) == ["ok"]
    assert scalar(conn, "select count(*) from pgq.queued_keys") == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["bump", "replace"])
def test_an_owner_that_stands_in_no_lane_is_left_as_it_is(
    conn: psycopg.Connection, how: str
) -> None:
    """That never happens; should it, verify() tells, and nobody looks for it for ever."""
    owner = enqueue(conn, unique_key="k")
    conn.execute("delete from pgq.ready")
    assert enqueue(conn, unique_key="k", on_conflict=how, priority=-1) == owner
    jobs = [{"task": "work", "unique_key": "k", "on_conflict": how}, {"task": "work"}]
    (found, other) = enqueue_many(conn, *jobs)
    assert found == (owner, False) and other[1]
    assert violations(conn) != []
    conn.execute("delete from pgq.jobs where id = %s", (owner,))
