from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from tests.servers import Server, Travel
from tests.sql.calls import (
    claim,
    claim_one,
    enqueue,
    fail,
    job,
    outcomes,
    refused,
    rows,
    settle,
    state,
)


def test_a_snoozed_job_keeps_its_attempt(conn: psycopg.Connection, travel: Travel) -> None:
    job_id = enqueue(conn, max_attempts=1, expires_in="1 hour")
    held = claim_one(conn)
    (answer,) = settle(conn, "snooze_batch", [held], delays=[timedelta(minutes=5)])
    assert (answer["outcome"], answer["state"]) == ("ok", "scheduled")
    found = job(conn, job_id)
    assert (found["attempt"], found["errors"]) == (0, None)
    assert found["run_at"] == answer["run_at"]
    assert found["expires_at"] is not None
    travel("6 minutes")
    rows(conn, "promote_due")
    assert claim_one(conn).attempt == 1


def test_each_job_has_its_own_delay(conn: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(conn)
    answers = settle(conn, "snooze_batch", claim(conn), delays=["1 s", "0", "1 hour"])
    assert [answer["state"] for answer in answers] == ["scheduled", "ready", "scheduled"]
    assert answers[2]["run_at"] - answers[0]["run_at"] == timedelta(seconds=3599)
    assert answers[1]["run_at"] is None


@pytest.mark.slow
def test_a_snooze_after_a_failure_keeps_the_count(conn: psycopg.Connection) -> None:
    enqueue(conn, backoff="0", max_attempts=2)
    fail(conn, claim_one(conn))
    held = claim_one(conn)
    assert held.attempt == 2
    settle(conn, "snooze_batch", [held], delays=["0"])
    assert claim_one(conn).attempt == 2


def test_already_and_lost(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    wrong = held._replace(claim_id=held.claim_id ^ 1)
    (answer,) = settle(conn, "snooze_batch", [wrong], delays=["1 hour"])
    assert (answer["outcome"], answer["state"]) == ("lost", None)
    assert state(conn, held.job_id) == "running"
    settle(conn, "snooze_batch", [held], delays=["1 hour"])
    (answer,) = settle(conn, "snooze_batch", [held], delays=["2 hours"])
    assert (answer["outcome"], answer["state"]) == ("already", "scheduled")


def test_a_requested_cancel_wins(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    outcomes(conn, "cancel", held.job_id)
    (answer,) = settle(conn, "snooze_batch", [held], delays=["1 hour"])
    assert (answer["outcome"], answer["state"]) == ("cancelled", "cancelled")


@pytest.mark.parametrize("delays", [None, [], ["1 s", "1 s"]])
def test_delays_that_are_refused(conn: psycopg.Connection, delays: list[str] | None) -> None:
    enqueue(conn)
    held = claim_one(conn)
    with refused("JQ002"):
        settle(conn, "snooze_batch", [held], delays=delays)
    assert state(conn, held.job_id) == "running"


def test_an_infinite_delay_fails_the_attempt(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    enqueue(conn)
    (answer,) = settle(conn, "snooze_batch", [claim_one(conn)], delays=["infinity"])
    assert (answer["outcome"], answer["state"]) == ("refused", "scheduled")


def test_nothing_to_settle(conn: psycopg.Connection) -> None:
    assert rows(conn, "snooze_batch", ids=[], claim_ids=[], delays=[]) == []
    assert rows(conn, "snooze_batch", ids=None, claim_ids=None, delays=None) == []
