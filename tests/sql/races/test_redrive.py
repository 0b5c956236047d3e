"""Dead letters are redriven while others claim, cancel, redrive and retry: each job comes once."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import claim, claim_one, enqueue, fail, outcomes, rows, scalar, value
from tests.sql.races.conftest import Start


@pytest.fixture
def letter(conn: psycopg.Connection) -> int:
    value(conn, "configure_task", task="charge", on_exhausted="report")
    enqueue(conn, "charge", max_attempts=1)
    fail(conn, claim_one(conn))
    return int(scalar(conn, "select id from pgq.jobs"))


def redrive(session: psycopg.Connection, letter: int) -> str:
    (answer,) = rows(session, "redrive", ids=[letter])
    return str(answer["outcome"])


def copies(conn: psycopg.Connection) -> int:
    return int(scalar(conn, "select count(*) from pgq.jobs where task = 'charge'"))


def test_two_who_redrive_make_one_job(
    conn: psycopg.Connection, connect: Connect, start: Start, letter: int
) -> None:
    other = connect()
    with other.transaction():
        assert redrive(other, letter) == "redriven"
        call = start(redrive, letter)
        assert call.waits()
    assert call.result() == "finished"
    assert copies(conn) == 1


def test_a_claim_passes_a_letter_that_is_redriven(
    conn: psycopg.Connection, connect: Connect, letter: int
) -> None:
    other = connect()
    with other.transaction():
        assert redrive(other, letter) == "redriven"
        assert claim(conn, tasks=["report"]) == []
    assert [each.task for each in claim(conn)] == ["charge"]


def test_a_letter_that_is_claimed_is_not_redriven(
    conn: psycopg.Connection, connect: Connect, start: Start, letter: int
) -> None:
    other = connect()
    with other.transaction():
        claim_one(other)
        call = start(redrive, letter)
        assert call.waits()
    assert call.result() == "running"
    assert copies(conn) == 0


def test_a_retry_and_a_redrive_take_turns(
    conn: psycopg.Connection, connect: Connect, start: Start, letter: int
) -> None:
    failed = scalar(conn, "select (headers ->> 'exhausted_from')::bigint from pgq.jobs")
    other = connect()
    with other.transaction():
        assert outcomes(other, "retry", failed) == ["retried"]
        call = start(redrive, letter)
        assert call.waits()
    assert call.result() == "not_failed"
    assert copies(conn) == 1


def test_a_redrive_that_is_rolled_back_leaves_all(
    conn: psycopg.Connection, connect: Connect, letter: int
) -> None:
    other = connect()
    with other.transaction(force_rollback=True):
        assert redrive(other, letter) == "redriven"
    assert copies(conn) == 0
    assert redrive(conn, letter) == "redriven"
