"""What a settle meets: rescues, cancels, other settles of the same claim, and leaving workers."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    register,
    rows,
    scalar,
    settle,
    state,
    value,
)
from tests.sql.conftest import Silence
from tests.sql.races.conftest import Start

SETTLES: list[tuple[str, dict[str, Any]]] = [
    ("complete_batch", {}),
    ("fail_batch", {"messages": ["boom"]}),
    ("snooze_batch", {"delays": ["1 hour"]}),
    ("release_batch", {}),
]


def settle_one(
    conn: psycopg.Connection, held: Claim, function: str, options: dict[str, Any]
) -> str:
    (answer,) = settle(conn, function, [held], **options)
    outcome: str = answer["outcome"]
    return outcome


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_rescue_passes_over_a_settle(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    function: str,
    options: dict[str, Any],
) -> None:
    worker_id = register(conn, lease="1 second")
    enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert settle_one(other, held, function, options) == "ok"
    rescuing = start(value, "rescue_lost_workers")
    assert not rescuing.waits() and rescuing.result() == 0
    other.commit()
    errors = "select count(*) from pgq.all_jobs where errors is not null"
    assert scalar(conn, errors) == (function == "fail_batch")


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_settle_waits_for_a_rescue_and_is_too_late(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    function: str,
    options: dict[str, Any],
) -> None:
    worker_id = register(conn, lease="1 second")
    enqueue(conn, backoff="1 hour")
    held = claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert value(other, "rescue_lost_workers") == 1
    settling = start(settle_one, held, function, options)
    assert settling.waits()
    other.commit()
    assert settling.result() == "lost"
    assert state(conn, held.job_id) == "scheduled"


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_settle_goes_on_when_the_rescue_rolls_back(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    function: str,
    options: dict[str, Any],
) -> None:
    worker_id = register(conn, lease="1 second")
    enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert value(other, "rescue_lost_workers") == 1
    settling = start(settle_one, held, function, options)
    assert settling.waits()
    other.rollback()
    assert settling.result() == "ok"


@pytest.mark.parametrize(("function", "options"), SETTLES)
@pytest.mark.parametrize(("second", "more"), SETTLES)
def test_the_second_settle_of_a_claim_waits_and_says_already(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    function: str,
    options: dict[str, Any],
    second: str,
    more: dict[str, Any],
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    assert settle_one(other, held, function, options) == "ok"
    settling = start(settle_one, held, second, more)
    assert settling.waits()
    other.commit()
    assert settling.result() == "already"


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_cancel_that_stays_open_holds_up_no_settle(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    function: str,
    options: dict[str, Any],
) -> None:
    worker_id = register(conn)
    enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    assert outcomes(other, "cancel", held.job_id) == ["requested"]
    fence: dict[str, Any] = {"ids": [held.job_id], "claim_ids": [held.claim_id]}
    beating = start(rows, "heartbeat", worker_id=worker_id, **fence)
    assert not beating.waits() and beating.result() == []
    settling = start(settle_one, held, function, options)
    assert not settling.waits() and settling.result() == "ok"
    other.commit()
    rows(conn, "maintain")
    expected = "succeeded" if function == "complete_batch" else "cancelled"
    assert state(conn, held.job_id) == expected
    assert scalar(conn, "select count(*) from pgq.cancel_requests") == 0


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_cancel_does_not_wait_for_a_settle(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    function: str,
    options: dict[str, Any],
) -> None:
    enqueue(conn)
    held = claim_one(conn)
    settle_one(other, held, function, options)
    cancelling = start(outcomes, "cancel", held.job_id)
    assert not cancelling.waits() and cancelling.result() == ["requested"]
    other.commit()
    rows(conn, "maintain")
    expected = "succeeded" if function == "complete_batch" else "cancelled"
    assert state(conn, held.job_id) == expected


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_worker_leaves_while_a_claim_is_being_settled(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    function: str,
    options: dict[str, Any],
) -> None:
    worker_id = register(conn)
    enqueue(conn)
    held = claim_one(conn, worker_id=worker_id)
    assert settle_one(other, held, function, options) == "ok"
    leaving = start(value, "deregister_worker", worker_id=worker_id)
    assert not leaving.waits() and leaving.result() == 0
    other.commit()
    assert scalar(conn, "select count(*) from pgq.running") == 0


def test_a_claim_whose_settle_rolls_back_after_its_worker_left(
    conn: psycopg.Connection, other: psycopg.Connection
) -> None:
    worker_id = register(conn)
    enqueue(conn, backoff="0")
    held = claim_one(conn, worker_id=worker_id)
    assert complete(other, held) == ["ok"]
    value(conn, "deregister_worker", worker_id=worker_id)
    other.rollback()
    value(conn, "rescue_lost_workers")
    assert state(conn, held.job_id) == "ready"


def test_a_settle_waits_for_a_leaving_worker(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    enqueue(conn, backoff="1 hour")
    held = claim_one(conn, worker_id=worker_id)
    assert value(other, "deregister_worker", worker_id=worker_id) == 1
    settling = start(complete, held)
    assert settling.waits()
    other.commit()
    assert settling.result() == ["lost"]


@pytest.mark.parametrize(("function", "options"), SETTLES)
def test_a_timeout_passes_over_a_settle(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    travel: Travel,
    function: str,
    options: dict[str, Any],
) -> None:
    enqueue(conn, timeout="1 second")
    held = claim_one(conn)
    travel("1 minute")
    assert settle_one(other, held, function, options) == "ok"
    maintaining = start(rows, "maintain")
    assert not maintaining.waits()
    assert {row["step"]: row["affected"] for row in maintaining.result()}["timeout"] == 0
    other.commit()
    assert state(conn, held.job_id) != "running"


@pytest.mark.parametrize(("function", "options"), SETTLES)
@pytest.mark.parametrize("outcome", ["lost", "ok"])
def test_a_settle_waits_for_a_timeout_and_goes_on_if_that_rolls_back(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    travel: Travel,
    function: str,
    options: dict[str, Any],
    outcome: str,
) -> None:
    enqueue(conn, timeout="1 second", backoff="1 hour")
    held = claim_one(conn)
    travel("1 minute")
    rows(other, "maintain")
    settling = start(settle_one, held, function, options)
    assert settling.waits()
    if outcome == "ok":
        other.rollback()
    else:
        other.commit()
    assert settling.result() == outcome
    errors = "select sum(jsonb_array_length(errors)) from pgq.all_jobs"
    assert (scalar(conn, errors) or 0) == (outcome == "lost" or function == "fail_batch")


def test_two_settles_of_the_same_jobs_in_opposite_order(
    conn: psycopg.Connection, start: Start
) -> None:
    for _ in range(50):
        for _ in range(8):
            enqueue(conn)
        held = claim(conn)
        calls = [start(complete, *held), start(fail, *reversed(held), messages=["x"] * 8)]
        first, second = (call.result() for call in calls)
        winners = {"ok": 0, "already": 0}
        for outcome in first:
            winners[outcome] += 1
        assert winners["ok"] + sum(outcome == "ok" for outcome, _ in second) == 8
        value(conn, "clear_queue", queue="default", include_scheduled=True)


def test_a_second_rescue_passes_over_the_first(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, silence: Silence
) -> None:
    for _ in range(2):
        worker_id = register(conn, lease="1 second")
        enqueue(conn)
        claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert value(other, "rescue_lost_workers", batch_size=1) == 1
    rescuing = start(value, "rescue_lost_workers")
    assert not rescuing.waits()
    other.commit()
    assert rescuing.result() + value(conn, "rescue_lost_workers") == 1
    errors = "select sum(jsonb_array_length(errors)) from pgq.jobs"
    assert scalar(conn, errors) == 2


def test_an_order_in_an_open_transaction_does_not_outlive_its_worker(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    worker_id = register(conn)
    value(other, "order_worker", worker_id=worker_id, instruction="stop")
    beating = start(rows, "heartbeat", worker_id=worker_id)
    assert not beating.waits()
    leaving = start(value, "deregister_worker", worker_id=worker_id)
    leaving.waits()
    other.commit()
    leaving.result()
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.worker_orders") == 0


@pytest.mark.parametrize("commits", [True, False])
def test_a_rescue_passes_over_a_worker_whose_heartbeat_is_under_way(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    silence: Silence,
    commits: bool,
) -> None:
    worker_id = register(conn, lease="1 second")
    job_id = enqueue(conn, backoff="0")
    claim_one(conn, worker_id=worker_id)
    silence("2 seconds")
    assert rows(other, "heartbeat", worker_id=worker_id) == []
    rescuing = start(value, "rescue_lost_workers")
    assert not rescuing.waits()
    assert rescuing.result() == 0
    other.commit() if commits else other.rollback()
    assert value(conn, "rescue_lost_workers") == (0 if commits else 1)
    assert state(conn, job_id) == ("running" if commits else "ready")
