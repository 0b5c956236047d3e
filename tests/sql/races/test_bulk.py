"""Pages of bulk operations beside what claims, settles, cancels and enqueues the same jobs."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    outcomes,
    rows,
    scalar,
    state,
    value,
    violations,
)
from tests.sql.operate.calls import failed, many, states, status, work_off
from tests.sql.operate.calls import start as begin
from tests.sql.races.conftest import Start

ACTIONS: dict[str, dict[str, Any]] = {
    "cancel": {},
    "reprioritise": {"priority": 9},
    "discard": {"states": ["ready", "scheduled"]},
    "retry": {"states": ["ready", "scheduled"]},
}


def page(conn: psycopg.Connection, operation: int) -> int | None:
    asked: int | None = value(conn, "bulk_work", operation_id=operation)
    return asked


def last_rounds(conn: psycopg.Connection, operation: int, travel: Travel) -> dict[str, Any]:
    """Go back to what was busy, as often as it does."""
    for _ in range(3):
        work_off(conn, operation)
        travel("6 seconds")
    return status(conn, operation)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_page_passes_over_what_a_claim_holds(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel, action: str
) -> None:
    ids = many(conn, 4)
    operation = begin(conn, action, starts_in="0", **ACTIONS[action])["id"]
    held = claim(other, batch_size=2)
    working = start(page, operation)
    assert not working.waits() and working.result() == 4
    assert sum(status(conn, operation)["outcomes"].values()) == 2
    other.commit()
    done = last_rounds(conn, operation, travel)
    assert done["status"] == "finished"
    left = {"cancel": {"requested": 2}}.get(action, {"passed_over": 2})
    assert left.items() <= done["outcomes"].items() and done["done"] == 4
    assert {each.job_id for each in held} == set(ids[:2])
    assert violations(conn) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_a_claim_passes_over_what_a_page_holds(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, action: str
) -> None:
    ids = many(conn, 2)
    operation = begin(conn, action, starts_in="0", **ACTIONS[action])["id"]
    page(other, operation)
    claiming = start(claim)
    assert not claiming.waits() and claiming.result() == []
    other.rollback()
    assert [held.job_id for held in claim(conn)] == ids


@pytest.mark.parametrize("first", ["page", "settle"])
@pytest.mark.parametrize("settle", [complete, fail])
def test_running_jobs_are_settled_beside_a_page_that_cancels(
    conn: psycopg.Connection,
    other: psycopg.Connection,
    start: Start,
    travel: Travel,
    first: str,
    settle: Any,
) -> None:
    job_id = enqueue(conn, max_attempts=1)
    operation = begin(conn, "cancel", states=["running"], starts_in="0")["id"]
    held = claim_one(conn)
    if first == "page":
        page(other, operation)
        settling = start(settle, held)
        assert not settling.waits()
        settling.result()
    else:
        settle(other, held)
        working = start(page, operation)
        assert not working.waits()
        working.result()
    other.commit()
    last_rounds(conn, operation, travel)
    assert state(conn, job_id) in ("succeeded", "failed")
    rows(conn, "maintain")
    assert violations(conn) == []


@pytest.mark.parametrize("call", ["cancel", "retry", "discard", "run_now"])
def test_a_page_waits_for_no_other_call(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel, call: str
) -> None:
    ids = many(conn, 3, delay="1 hour")
    operation = begin(conn, "cancel", starts_in="0")["id"]
    outcomes(other, call, ids[1])
    working = start(page, operation)
    assert not working.waits() and working.result() == 3
    assert status(conn, operation)["outcomes"] == {"cancelled": 2}
    # Still held in the two rounds that follow, it is counted as busy.
    done = last_rounds(conn, operation, travel)
    assert (done["status"], done["outcomes"]) == ("finished", {"cancelled": 2, "busy": 1})
    assert done["examples"]["busy"] == [ids[1]]
    other.commit()
    assert violations(conn) == []


@pytest.mark.parametrize("call", ["cancel", "retry", "discard"])
def test_a_page_goes_back_to_what_was_busy(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel, call: str
) -> None:
    ids = failed(conn, 150)
    operation = begin(conn, "retry", starts_in="0")["id"]
    outcomes(other, "discard", *ids)
    assert page(conn, operation) == 150
    assert status(conn, operation)["outcomes"] == {}
    assert page(conn, operation) is None  # in five seconds
    other.rollback()
    travel("6 seconds")
    done = work_off(conn, operation)
    assert (done["status"], done["outcomes"]) == ("finished", {"retried": 150})
    assert states(conn, ids) == {"ready"}


def test_a_key_that_is_being_taken_is_waited_for_briefly(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel
) -> None:
    ids = [*failed(conn, 3), *failed(conn, 1, unique_key="k"), *failed(conn, 3)]
    operation = begin(conn, "retry", starts_in="0")["id"]
    enqueue(other, unique_key="k")
    assert page(conn, operation) == 7
    assert status(conn, operation)["outcomes"] == {}
    travel("6 seconds")
    assert page(conn, operation) == 7  # one by one
    assert status(conn, operation)["outcomes"] == {"retried": 6}
    other.commit()
    done = last_rounds(conn, operation, travel)
    assert done["outcomes"] == {"retried": 6, "duplicate": 1}
    assert states(conn, [each for each in ids if each != ids[3]]) == {"ready"}


def test_a_page_whose_keys_are_taken_ends_early(
    conn: psycopg.Connection, other: psycopg.Connection, travel: Travel
) -> None:
    for n in range(6):
        failed(conn, 99)
        failed(conn, 1, unique_key=f"k{n}")
    operation = begin(conn, "retry", starts_in="0")["id"]
    for n in range(6):
        enqueue(other, unique_key=f"k{n}")
    assert [page(conn, operation) for _ in range(3)] == [300, 300, None]
    other.rollback()
    assert last_rounds(conn, operation, travel)["outcomes"] == {"retried": 600}


def test_stopping_waits_for_the_page_and_nothing_follows(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    many(conn, 20)
    operation = begin(conn, "cancel", starts_in="0")["id"]
    value(other, "bulk_work", operation_id=operation, max_jobs=10)
    stopping = start(value, "bulk_stop", operation_id=operation)
    assert stopping.waits()
    other.commit()
    assert stopping.result() == "stopped"
    assert work_off(conn, operation)["outcomes"] == {"cancelled": 10}


def test_an_undo_that_is_under_way_lets_nothing_begin(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    ids = many(conn, 2)
    operation = begin(conn, "cancel", starts_in="0")["id"]
    assert value(other, "bulk_stop", operation_id=operation) == "undone"
    working = start(page, operation)
    assert not working.waits() and working.result() is None
    other.commit()
    assert page(conn, operation) is None and states(conn, ids) == {"ready"}


def test_two_maintainers_do_not_do_the_same_page(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start
) -> None:
    many(conn, 20)
    operation = begin(conn, "cancel", starts_in="0")["id"]
    value(other, "bulk_work", operation_id=operation, max_jobs=10)
    working = start(page, operation)
    assert not working.waits() and working.result() is None
    maintaining = start(rows, "maintain")
    assert not maintaining.waits()
    assert {"step": "bulk", "affected": 0} in maintaining.result()
    other.commit()
    assert work_off(conn, operation)["outcomes"] == {"cancelled": 20}


def test_a_redrive_does_not_wait_for_who_retries_the_failed_job(
    conn: psycopg.Connection, other: psycopg.Connection, start: Start, travel: Travel
) -> None:
    """It holds the dead letter then, which the other session may want."""
    value(conn, "configure_task", task="charge", on_exhausted="report")
    charges = many(conn, 2, task="charge")
    fail(conn, *claim(conn, batch_size=2, tasks=["charge"]))
    operation = begin(conn, "redrive", task="report", starts_in="0")["id"]
    outcomes(other, "retry", charges[0])
    working = start(page, operation)
    assert working.result() == 2
    other.commit()
    travel("6 seconds")
    assert last_rounds(conn, operation, travel)["outcomes"] == {"redriven": 1, "not_failed": 1}
    assert violations(conn) == []


@pytest.mark.slow
def test_it_never_deadlocks_and_counts_each_job_once(
    conn: psycopg.Connection, connect: Connect, start: Start, travel: Travel
) -> None:
    many(conn, 200)
    kinds = ("cancel", "retry", "reprioritise", "run_now")
    options: dict[str, dict[str, Any]] = {
        "reprioritise": {"priority": 3},
        "retry": {"states": ["failed", "cancelled", "ready", "scheduled"]},
    }
    operations = [
        begin(conn, kind, starts_in="0", **options.get(kind, {}))["id"] for kind in kinds * 3
    ]

    def bulk(session: psycopg.Connection) -> None:
        for _ in range(15):
            for operation in operations:
                value(session, "bulk_work", operation_id=operation, max_jobs=20)

    def work(session: psycopg.Connection) -> None:
        for _ in range(30):
            complete(session, *claim(session, batch_size=2))
            fail(session, *claim(session, batch_size=2))
            rows(session, "promote_due")

    def operate(session: psycopg.Connection) -> None:
        ids = [job_id for (job_id,) in session.execute("select id from pgq.jobs")]
        for turn in range(15):
            outcomes(session, ("cancel", "retry")[turn % 2], *reversed(ids[turn : turn + 20]))

    for call in [start(each) for each in (bulk, work, operate) * 2]:
        call.result()
    for operation in operations:
        done = last_rounds(conn, operation, travel)
        assert done["status"] == "finished"
        assert done["error"] is None
        assert done["done"] <= 200
    assert violations(conn) == []
    assert scalar(conn, "select count(*) from pgq.all_jobs") == 200
