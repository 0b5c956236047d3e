"""A task names another by on_exhausted while jobs of it end: nobody waits, and none is doubled."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import claim, claim_one, enqueue, fail, scalar, settle, value, violations
from tests.sql.races.conftest import Start

MADE = "select count(*) from pgq.jobs where headers ? 'exhausted_from'"


@pytest.fixture(autouse=True)
def report(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="charge", on_exhausted="report")


def test_a_failure_waits_for_no_change_of_a_task(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    """It sees what is committed; the settle of jobs does not wait for an operator."""
    enqueue(conn, "charge", max_attempts=1)
    (held,) = claim(conn)
    other = connect()
    with other.transaction():
        value(other, "configure_task", task="charge", reset=["on_exhausted"])
        value(other, "configure_task", task="report", queue="dead")
        value(other, "forget_task", task="charge")
        call = start(fail, held)
        assert not call.waits()
        assert call.result() == [("ok", "failed")]
    assert scalar(conn, "select queue from pgq.jobs") == "default"
    enqueue(conn, "charge", max_attempts=1)
    fail(conn, claim_one(conn, tasks=["charge"]))
    assert scalar(conn, MADE) == 1


def test_an_open_failure_holds_up_no_change(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    enqueue(conn, "charge", max_attempts=1)
    (held,) = claim(conn)
    other = connect()
    with other.transaction():
        fail(other, held)
        call = start(value, "configure_task", task="charge", on_exhausted="another")
        assert not call.waits()
        call = start(value, "forget_task", task="report")
        assert not call.waits()
    assert scalar(conn, MADE) == 1


def test_two_who_end_the_same_run_make_one(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    """A worker reports the failure while a rescue reports the run as lost, and once more."""
    worker = value(conn, "register_worker", name="w", queues=["*"])
    enqueue(conn, "charge", max_attempts=1)
    held = claim_one(conn, worker_id=worker)
    other = connect()
    with other.transaction():
        fail(other, held)
        call = start(settle, "fail_batch", [held])
        assert call.waits()
        value(conn, "report_lost_worker", worker_id=worker)
    assert [row["outcome"] for row in call.result()] == ["already"]
    assert scalar(conn, MADE) == 1
    assert violations(conn) == []


def test_a_failure_that_is_rolled_back_makes_none(
    conn: psycopg.Connection, connect: Connect
) -> None:
    enqueue(conn, "charge", max_attempts=1)
    (held,) = claim(conn)
    other = connect()
    with other.transaction(force_rollback=True):
        fail(other, held)
    assert scalar(conn, MADE) == 0
    assert fail(conn, held) == [("ok", "failed")]
    assert scalar(conn, MADE) == 1
