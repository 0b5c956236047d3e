"""Jobs with a concurrency_key: who gets a slot, in which order, and when it is given back."""

from __future__ import annotations

from datetime import timedelta
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
    register,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.conftest import Silence
from tests.sql.limits.semaphores import holders, keyed, promote, states, status


def test_a_keyed_job_is_blocked_until_it_is_promoted(conn: psycopg.Connection) -> None:
    job_id = keyed(conn)
    assert state(conn, job_id) == "blocked"
    assert claim(conn) == []
    promote(conn)
    assert (state(conn, job_id), holders(conn)) == ("ready", [job_id])
    assert complete(conn, claim_one(conn)) == ["ok"]
    assert holders(conn) == []


@pytest.mark.parametrize("limit", [None, 1, 3])
def test_at_most_the_limit_hold_it(conn: psycopg.Connection, limit: int | None) -> None:
    made = [keyed(conn, limit=limit) for _ in range(5)]
    free = limit or 1
    promote(conn)
    assert holders(conn) == made[:free]
    promote(conn)
    held = claim(conn)
    promote(conn)
    assert [each.job_id for each in held] == holders(conn) == made[:free]
    assert states(conn, *made[free:]) == ["blocked"] * (5 - free)


def test_a_settle_hands_its_slot_on_at_once(conn: psycopg.Connection) -> None:
    first, second, third = (keyed(conn) for _ in range(3))
    promote(conn)
    complete(conn, claim_one(conn))
    assert states(conn, first, second, third) == ["succeeded", "ready", "blocked"]
    assert complete(conn, claim_one(conn)) == ["ok"]
    assert claim_one(conn).job_id == third


@pytest.mark.newest
@pytest.mark.slow
def test_a_large_settle_hands_all_its_slots_on_at_once(conn: psycopg.Connection) -> None:
    made = [keyed(conn, key, limit=70) for key in "abc" for _ in range(140)]
    promote(conn)
    held = claim(conn, batch_size=1000)
    assert len(held) == 210
    assert set(complete(conn, *held)) == {"ok"}
    assert states(conn, *made) == (["succeeded"] * 70 + ["ready"] * 70) * 3
    assert scalar(conn, "select count(*) from pgq.releases") == 0


def test_waiters_that_come_together_are_noted_once_per_key(conn: psycopg.Connection) -> None:
    options: dict[str, Any] = {"concurrency_limit": 2}
    enqueue_many(conn, *[{"task": "a", "concurrency_key": key, **options} for key in "ab" * 20])
    notes = conn.execute("select concurrency_key from pgq.releases order by 1").fetchall()
    assert notes == [("a",), ("b",)]
    promote(conn)
    assert len(holders(conn, "a")) == len(holders(conn, "b")) == 2
    assert scalar(conn, "select count(*) from pgq.releases") == 0


@pytest.mark.slow
def test_who_was_noted_first_comes_first(conn: psycopg.Connection) -> None:
    late = [keyed(conn, key) for key in "zyx"]
    for held in range(3):
        assert states(conn, *late) == ["ready"] * held + ["blocked"] * (3 - held)
        promote(conn, batch_size=1)


def test_keys_do_not_mind_each_other(conn: psycopg.Connection) -> None:
    made = [keyed(conn, key) for key in "abab"]
    plain = enqueue(conn)
    promote(conn)
    assert states(conn, *made, plain) == ["ready", "ready", "blocked", "blocked", "ready"]


def test_a_key_counts_over_all_queues(conn: psycopg.Connection) -> None:
    made = [keyed(conn, queue=queue) for queue in ("one", "two")]
    promote(conn)
    assert states(conn, *made) == ["ready", "blocked"]


@pytest.mark.slow
def test_the_order_is_priority_then_id(conn: psycopg.Connection) -> None:
    low, first, second, high = (keyed(conn, priority=number) for number in (5, 0, 0, -5))
    ran = []
    promote(conn)
    for _ in range(4):
        held = claim_one(conn)
        ran.append(held.job_id)
        complete(conn, held)
    assert ran == [high, first, second, low]


def test_many_by_one_call(conn: psycopg.Connection) -> None:
    options: dict[str, Any] = {
        "concurrency_key": "k",
        "concurrency_limit": 2,
        "concurrency_weight": 2,
    }
    made = enqueue_many(conn, *[{"task": "a", **options}, {"task": "a"}] * 2)
    assert states(conn, *(job_id for job_id, _ in made)) == ["blocked", "ready"] * 2
    promote(conn)
    assert holders(conn) == [made[0][0]]


def test_a_small_batch_size_promotes_as_many_and_the_rest_later(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=10) for _ in range(8)]
    plenty = enqueue(conn, delay="1 hour")
    for _ in range(40):
        before = len(holders(conn))
        (answer,) = rows(conn, "promote_due", batch_size=3)
        assert len(holders(conn)) <= before + 3
        if answer["next_due_at"] == job(conn, plenty)["run_at"]:
            break
    assert holders(conn) == made


# Weights.


def test_weights_are_counted(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=5, concurrency_weight=weight) for weight in (2, 2, 2, 1)]
    promote(conn)
    assert holders(conn) == made[:2]
    found = status(conn)
    assert found and (found["used_slots"], found["holders"], found["waiters"]) == (4, 2, 2)


def test_a_heavy_job_is_not_overtaken_for_ever(conn: psycopg.Connection) -> None:
    """The small ones behind it would always fit; it would never."""
    small = [keyed(conn, limit=3) for _ in range(2)]
    promote(conn)
    heavy = keyed(conn, limit=3, concurrency_weight=3)
    behind = [keyed(conn, limit=3) for _ in range(2)]
    promote(conn)
    held = claim(conn)
    assert holders(conn) == small
    complete(conn, held[0])
    promote(conn)
    assert holders(conn) == small[1:]
    complete(conn, held[1])
    assert holders(conn) == [heavy]
    complete(conn, claim_one(conn))
    assert holders(conn) == behind


def test_a_better_priority_goes_before_a_heavy_job(conn: psycopg.Connection) -> None:
    heavy = keyed(conn, limit=3, concurrency_weight=3, priority=5)
    light = keyed(conn, limit=3)
    promote(conn)
    assert states(conn, heavy, light) == ["blocked", "ready"]


def test_heavier_than_the_limit_runs_alone(conn: psycopg.Connection) -> None:
    light = keyed(conn, limit=4)
    promote(conn)
    heavy = keyed(conn, limit=4, concurrency_weight=4)
    behind = keyed(conn, limit=4)
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=2)
    promote(conn)
    assert holders(conn) == [light]
    complete(conn, claim_one(conn))
    promote(conn)
    assert holders(conn) == [heavy]
    complete(conn, claim_one(conn))
    assert holders(conn) == [behind]


# Limits that differ between jobs.


def test_each_job_brings_its_own_limit(conn: psycopg.Connection) -> None:
    """A deployment lowers the limit: no job starts beside more others than it allows."""
    old = [keyed(conn, limit=3) for _ in range(2)]
    new = keyed(conn, limit=1)
    later = keyed(conn, limit=3)
    promote(conn)
    assert holders(conn) == old
    complete(conn, *claim(conn))
    assert holders(conn) == [new]
    promote(conn)
    # Its own limit lets the last one run beside the new one.
    assert holders(conn) == [new, later]


def test_a_higher_limit_behind_a_lower_one_is_not_forgotten(conn: psycopg.Connection) -> None:
    made = [keyed(conn, limit=1), keyed(conn, limit=3), keyed(conn, limit=3), keyed(conn, limit=3)]
    for _ in range(3):
        promote(conn)
    assert holders(conn) == made[:3]


# Discard.


def test_discard_drops_the_job_when_the_key_is_taken(conn: psycopg.Connection) -> None:
    first, second = (keyed(conn, concurrency_on_conflict="discard") for _ in range(2))
    promote(conn)
    assert states(conn, first, second) == ["ready", "cancelled"]
    assert job(conn, second)["errors"][0]["message"] == "semaphore k was taken"
    third, patient = keyed(conn, concurrency_on_conflict="discard"), keyed(conn)
    promote(conn)
    assert states(conn, third, patient) == ["cancelled", "blocked"]
    held = claim_one(conn)
    fourth = keyed(conn, concurrency_on_conflict="discard")
    promote(conn)
    assert states(conn, first, fourth) == ["running", "cancelled"]
    complete(conn, held)
    assert states(conn, patient) == ["ready"]


def test_discard_drops_nobody_for_whom_there_is_room(conn: psycopg.Connection) -> None:
    """The first calls stop before the key is full."""
    made = [keyed(conn, limit=6, concurrency_on_conflict="discard") for _ in range(8)]
    for _ in range(40):
        rows(conn, "promote_due", batch_size=1)
    assert states(conn, *made) == ["ready"] * 6 + ["cancelled"] * 2


def test_discard_of_a_parent_tells_its_child(conn: psycopg.Connection) -> None:
    keyed(conn)
    promote(conn)
    dropped = keyed(conn, concurrency_on_conflict="discard")
    child = enqueue(conn, depends_on=[dropped])
    for _ in range(3):
        promote(conn)
    assert states(conn, dropped, child) == ["cancelled", "cancelled"]


def test_a_stopped_semaphore_drops_too(conn: psycopg.Connection) -> None:
    value(conn, "configure_semaphore", concurrency_key="k", max_slots=0)
    dropped, patient = keyed(conn, concurrency_on_conflict="discard"), keyed(conn)
    promote(conn)
    assert states(conn, dropped, patient) == ["cancelled", "blocked"]


# Duration.


def test_a_slot_expires_and_is_not_given_back_twice(
    conn: psycopg.Connection, travel: Travel
) -> None:
    made = [keyed(conn, concurrency_duration="1 minute") for _ in range(3)]
    promote(conn)
    late = claim_one(conn)
    travel("61 seconds")
    promote(conn)
    assert holders(conn) == made[:1]
    rows(conn, "maintain")
    promote(conn)
    assert holders(conn) == [made[1]]
    assert complete(conn, late) == ["ok"]
    promote(conn)
    assert holders(conn) == [made[1]]
    assert states(conn, *made) == ["succeeded", "ready", "blocked"]


@pytest.mark.slow
def test_the_duration_counts_from_the_start_of_the_run(
    conn: psycopg.Connection, travel: Travel
) -> None:
    """Else a queue that was paused for long would let loose all that wait for the key."""
    first, second = (keyed(conn, concurrency_duration="1 minute") for _ in range(2))
    promote(conn)
    for _ in range(3):
        travel("50 seconds")
        rows(conn, "maintain")
        promote(conn)
    assert (state(conn, first), holders(conn)) == ("ready", [first])
    assert claim_one(conn).job_id == first
    travel("55 seconds")
    rows(conn, "maintain")
    promote(conn)
    assert holders(conn) == [first]
    travel("6 seconds")
    rows(conn, "maintain")
    promote(conn)
    assert holders(conn) == [second]
    assert states(conn, first, second) == ["running", "ready"]


@pytest.mark.slow
def test_without_a_duration_it_is_held_to_the_end(conn: psycopg.Connection, travel: Travel) -> None:
    first, _ = (keyed(conn, backoff="60") for _ in range(2))
    promote(conn)
    claim_one(conn)
    travel("1 year")
    rows(conn, "maintain")
    promote(conn)
    # Nobody has registered the claim, so it was rescued meanwhile, and waits for its backoff.
    assert first not in holders(conn) and state(conn, first) == "scheduled"


@pytest.mark.slow
def test_an_expired_holder_that_fails_waits_again(conn: psycopg.Connection, travel: Travel) -> None:
    first, second = (keyed(conn, concurrency_duration="1 s", backoff="0") for _ in range(2))
    promote(conn)
    late = claim_one(conn)
    travel("2 s")
    rows(conn, "maintain")
    promote(conn)
    assert fail(conn, late) == [("ok", "blocked")]
    promote(conn)
    assert states(conn, first, second) == ["blocked", "ready"]


# Ways to give a slot back.


@pytest.mark.parametrize(
    ("function", "options", "goes_to"),
    [
        ("fail_batch", {}, "blocked"),
        ("fail_batch", {"retry_in": [timedelta(hours=1)]}, "scheduled"),
        ("fail_batch", {"final": [True]}, "failed"),
        ("fail_batch", {"cancel": [True]}, "cancelled"),
        ("release_batch", {}, "blocked"),
        ("snooze_batch", {"delays": [timedelta(0)]}, "blocked"),
        ("snooze_batch", {"delays": [timedelta(hours=1)]}, "scheduled"),
        ("complete_batch", {}, "succeeded"),
    ],
)
def test_every_settle_gives_the_slot_back(
    conn: psycopg.Connection, function: str, options: dict[str, Any], goes_to: str
) -> None:
    first, second = keyed(conn, backoff="0", priority=1), keyed(conn, priority=1)
    promote(conn)
    held = claim_one(conn)
    urgent = keyed(conn)
    settle(conn, function, [held], **options)
    assert states(conn, first) == [goes_to]
    promote(conn)
    promote(conn)
    assert holders(conn) == [urgent]
    assert states(conn, second) == ["blocked"]
    # A second settle of the same claim changes nothing.
    settle(conn, function, [held], **options)
    promote(conn)
    assert holders(conn) == [urgent]


def test_a_retry_lines_up_again_behind_those_of_its_priority(conn: psycopg.Connection) -> None:
    first, second = keyed(conn, backoff="0"), keyed(conn)
    worse = keyed(conn, priority=1)
    promote(conn)
    fail(conn, claim_one(conn))
    promote(conn)
    assert states(conn, first, second, worse) == ["blocked", "ready", "blocked"]
    complete(conn, claim_one(conn))
    promote(conn)
    assert states(conn, first, second, worse) == ["ready", "succeeded", "blocked"]


@pytest.mark.slow
def test_a_retry_that_becomes_due_waits_for_the_key(
    conn: psycopg.Connection, travel: Travel
) -> None:
    first, second = keyed(conn, backoff="1 minute"), keyed(conn)
    promote(conn)
    assert fail(conn, claim_one(conn)) == [("ok", "scheduled")]
    promote(conn)
    travel("2 minutes")
    promote(conn)
    assert states(conn, first, second) == ["blocked", "ready"]
    complete(conn, claim_one(conn))
    assert states(conn, first) == ["ready"]


@pytest.mark.parametrize("function", ["cancel", "discard", "retry"])
def test_a_ready_holder_that_is_taken_away(conn: psycopg.Connection, function: str) -> None:
    first, second = keyed(conn, priority=1), keyed(conn)
    promote(conn)
    assert holders(conn) == [second]
    outcomes(conn, function, second)
    assert holders(conn) == []
    promote(conn)
    assert holders(conn) == [second if function == "retry" else first]


@pytest.mark.parametrize("function", ["cancel", "discard"])
def test_a_waiter_that_is_taken_away(conn: psycopg.Connection, function: str) -> None:
    first, second, third = (keyed(conn) for _ in range(3))
    promote(conn)
    outcomes(conn, function, second)
    complete(conn, claim_one(conn))
    assert holders(conn) == [third] and first


def test_cancelling_a_running_holder(conn: psycopg.Connection) -> None:
    first, second = keyed(conn), keyed(conn)
    promote(conn)
    held = claim_one(conn)
    assert outcomes(conn, "cancel", first) == ["requested"]
    assert holders(conn) == [first]
    fail(conn, held)
    promote(conn)
    assert states(conn, first, second) == ["cancelled", "ready"]


@pytest.mark.slow
def test_holders_and_waiters_expire(conn: psycopg.Connection, travel: Travel) -> None:
    first, second, third = (
        keyed(conn, expires_in=expires_in) for expires_in in ("1 minute", "1 minute", None)
    )
    promote(conn)
    travel("2 minutes")
    rows(conn, "maintain")
    promote(conn)
    assert states(conn, first, second, third) == ["expired", "expired", "ready"]


@pytest.mark.slow
def test_clearing_the_queue_frees_the_key(conn: psycopg.Connection) -> None:
    keyed(conn, queue="gone")
    promote(conn)
    kept = keyed(conn, queue="kept")
    promote(conn)
    value(conn, "clear_queue", queue="gone")
    promote(conn)
    assert holders(conn) == [kept]


@pytest.mark.slow
def test_a_lost_run_gives_the_slot_back(conn: psycopg.Connection, silence: Silence) -> None:
    worker_id = register(conn, lease="1 second")
    first, second = keyed(conn, backoff="1 hour"), keyed(conn)
    promote(conn)
    claim_one(conn, worker_id=worker_id)
    silence("5 seconds")
    rows(conn, "maintain")
    promote(conn)
    assert states(conn, first, second) == ["scheduled", "ready"]


# Time, unique keys, history.


def test_a_delayed_job_takes_no_slot_before_its_time(
    conn: psycopg.Connection, travel: Travel
) -> None:
    delayed, now = keyed(conn, delay="1 minute", priority=-1), keyed(conn)
    promote(conn)
    assert states(conn, delayed, now) == ["scheduled", "ready"]
    travel("2 minutes")
    promote(conn)
    assert states(conn, delayed) == ["blocked"]
    complete(conn, claim_one(conn))
    assert holders(conn) == [delayed]


def test_a_retry_from_the_history_waits_again(conn: psycopg.Connection) -> None:
    first, second = keyed(conn, max_attempts=1, concurrency_weight=1), keyed(conn)
    promote(conn)
    fail(conn, claim_one(conn))
    promote(conn)
    assert outcomes(conn, "retry", first) == ["retried"]
    promote(conn)
    assert states(conn, first, second) == ["blocked", "ready"]
    complete(conn, claim_one(conn))
    assert holders(conn) == [first]


def test_replacing_a_waiter_moves_it_to_another_key(conn: psycopg.Connection) -> None:
    keyed(conn)
    promote(conn)
    waiter = keyed(conn, unique_key="u")
    promote(conn)
    assert keyed(conn, "other", unique_key="u", on_conflict="replace") == waiter
    promote(conn)
    assert holders(conn, "other") == [waiter]


def test_bumping_a_waiter_moves_it_forward(conn: psycopg.Connection) -> None:
    keyed(conn)
    promote(conn)
    ahead, waiter = keyed(conn), keyed(conn, unique_key="u")
    keyed(conn, unique_key="u", on_conflict="bump", priority=-1)
    promote(conn)
    complete(conn, claim_one(conn))
    assert states(conn, ahead, waiter) == ["blocked", "ready"]


def test_a_child_takes_a_slot_only_when_its_parents_are_done(conn: psycopg.Connection) -> None:
    parent = enqueue(conn)
    child = keyed(conn, depends_on=[parent], priority=-1)
    promote(conn)
    other = keyed(conn)
    promote(conn)
    assert states(conn, child, other) == ["blocked", "ready"]
    complete(conn, *claim(conn))
    promote(conn)
    promote(conn)
    assert holders(conn) == [child]


def test_a_note_for_a_strict_transaction_is_kept(conn: psycopg.Connection, connect: Any) -> None:
    """Its snapshot may be older than slots that count."""
    first, second = keyed(conn), keyed(conn)
    promote(conn)
    strict = connect(autocommit=False)
    strict.execute("set transaction isolation level repeatable read; select from pgq.jobs")
    assert complete(strict, claim_one(strict)) == ["ok"]
    promote(strict)
    strict.commit()
    assert states(conn, first, second) == ["succeeded", "blocked"]
    promote(conn)
    assert states(conn, second) == ["ready"]


# The views.


@pytest.mark.slow
def test_the_view_counts(conn: psycopg.Connection) -> None:
    assert status(conn) is None
    made = [
        keyed(conn, limit=3, concurrency_weight=2, concurrency_duration="1 minute")
        for _ in range(3)
    ]
    promote(conn)
    found = status(conn)
    assert found
    expiry = found.pop("next_expiry_at")
    assert timedelta(0) < expiry - scalar(conn, "select pgq._now()") <= timedelta(minutes=1)
    assert found == {
        "concurrency_key": "k",
        "max_slots": 3,
        "used_slots": 2,
        "holders": 1,
        "waiters": 2,
        "configured": False,
    }
    waiting = conn.execute("select id, waits_for, concurrency_key from pgq.blocked_jobs").fetchall()
    assert waiting == [(job_id, "semaphore", "k") for job_id in made[1:]]


def test_the_view_shows_the_limit_that_counts_next(conn: psycopg.Connection) -> None:
    keyed(conn, limit=2)
    promote(conn)
    found = status(conn)
    assert found and found["max_slots"] == 2
    keyed(conn, limit=7, priority=1)
    keyed(conn, limit=5)
    found = status(conn)
    assert found and found["max_slots"] == 5


# Wrong arguments.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"concurrency_key": ""}, "concurrency_key is empty"),
        ({"concurrency_key": "k" * 513}, "concurrency_key is longer"),
        ({"concurrency_limit": 1}, "a concurrency option is given"),
        ({"concurrency_duration": "1 minute"}, "a concurrency option is given"),
        ({"concurrency_weight": 1}, "a concurrency option is given"),
        ({"concurrency_on_conflict": "block"}, "a concurrency option is given"),
        ({"concurrency_key": "k", "concurrency_limit": 0}, "concurrency_limit is 0"),
        ({"concurrency_key": "k", "concurrency_limit": 1_000_001}, "concurrency_limit is"),
        ({"concurrency_key": "k", "concurrency_weight": 0}, "concurrency_weight is 0"),
        ({"concurrency_key": "k", "concurrency_weight": 2}, "concurrency_weight is 2"),
        (
            {"concurrency_key": "k", "concurrency_limit": 2, "concurrency_weight": 3},
            "concurrency_weight is 3",
        ),
        ({"concurrency_key": "k", "concurrency_duration": "0"}, "concurrency_duration is"),
        ({"concurrency_key": "k", "concurrency_duration": "-1 s"}, "concurrency_duration is"),
        ({"concurrency_key": "k", "concurrency_duration": "2 years"}, "concurrency_duration is"),
        ({"concurrency_key": "k", "concurrency_on_conflict": "drop"}, "concurrency_on_conflict is"),
    ],
    ids=str,
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, Any], words: str) -> None:
    with refused("JQ001", words):
        enqueue(conn, **options)
    with refused("JQ001", f"job 2: {words}"):
        enqueue_many(conn, {"task": "a"}, {"task": "a", **options})
    assert scalar(conn, "select count(*) from pgq.jobs") == 0
