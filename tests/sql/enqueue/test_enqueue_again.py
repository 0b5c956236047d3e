from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    refused,
    rows,
    scalar,
    state,
    value,
)

COPIED = ("queue", "task", "priority", "max_attempts", "timeout", "args", "headers")


def again(conn: psycopg.Connection, job_id: int | None, **options: Any) -> int:
    new_id: int = value(conn, "enqueue_again", job_id=job_id, **options)
    return new_id


@pytest.mark.slow
@pytest.mark.parametrize("was", ["scheduled", "blocked", "ready", "running", "succeeded", "failed"])
def test_a_job_of_any_state(conn: psycopg.Connection, was: str) -> None:
    options: dict[str, Any] = {
        "queue": "mail", "priority": 7, "max_attempts": 1, "timeout": "5 s", "backoff": "linear",
        "args": "[1]", "headers": '{"h": 1}', "partition_key": "p", "unique_key": "k",
    }  # fmt: skip
    if was == "scheduled":
        options["delay"] = "1 hour"
    elif was == "blocked":
        parent = enqueue(conn, delay="1 hour")
        options["depends_on"] = [parent]
    old = enqueue(conn, "send", **options)
    if was in ("running", "succeeded", "failed"):
        held = claim_one(conn)
        if was == "succeeded":
            complete(conn, held)
        elif was == "failed":
            fail(conn, held)
    assert state(conn, old) == was
    before = job(conn, old)
    new = again(conn, old)
    assert new != old and state(conn, new) == "ready"
    made = job(conn, new)
    assert [made[name] for name in COPIED] == [before[name] for name in COPIED]
    assert (made["attempt"], made["unique_key"], made["errors"]) == (0, None, None)
    assert made["created_at"] >= made["run_at"] >= before["created_at"]
    assert job(conn, old) == before
    stored = "select backoff ->> 'kind', partition_key from pgq.jobs where id = %s"
    assert conn.execute(stored.encode(), (new,)).fetchone() == ("linear", "p")


def test_the_semaphore_is_copied(conn: psycopg.Connection) -> None:
    old = enqueue(conn, concurrency_key="k", concurrency_limit=1)
    rows(conn, "promote_due")
    held = claim_one(conn)
    new = again(conn, old)
    rows(conn, "promote_due")
    assert state(conn, new) == "blocked"
    complete(conn, held)
    rows(conn, "promote_due")
    assert claim_one(conn).job_id == new


def test_batch_expiry_and_parents_are_not(conn: psycopg.Connection) -> None:
    batch = value(conn, "create_batch")
    parent = enqueue(conn)
    complete(conn, claim_one(conn))
    old = enqueue(conn, batch_id=batch, expires_in="1 hour", depends_on=[parent])
    rows(conn, "promote_due")
    complete(conn, claim_one(conn))
    value(conn, "close_batch", batch_id=batch)
    rows(conn, "promote_due")
    made = job(conn, again(conn, old))
    assert (made["state"], made["batch_id"], made["expires_at"]) == ("ready", None, None)


@pytest.mark.slow
def test_what_is_given_goes_before(conn: psycopg.Connection, travel: Travel) -> None:
    old = enqueue(conn, queue="a", priority=1)
    made = job(conn, again(conn, old, queue="b", priority=-3, delay="1 hour"))
    assert (made["queue"], made["priority"], made["state"]) == ("b", -3, "scheduled")
    at = scalar(conn, "select pgq._now() + interval '1 day'")
    assert job(conn, again(conn, old, run_at=at))["run_at"] == at
    travel("25 hours")
    assert rows(conn, "promote_due")[0]["promoted"] == 2


def test_a_unique_key_that_is_taken_answers_its_owner(conn: psycopg.Connection) -> None:
    old = enqueue(conn)
    first = again(conn, old, unique_key="again")
    assert again(conn, old, unique_key="again") == first
    assert scalar(conn, "select count(*) from pgq.jobs") == 2


@pytest.mark.slow
@pytest.mark.parametrize("job_id", [99, None])
def test_an_unknown_job(conn: psycopg.Connection, job_id: int | None) -> None:
    with refused("JQ002", "there is no job"):
        again(conn, job_id)


def test_a_discarded_job_is_unknown(conn: psycopg.Connection) -> None:
    old = enqueue(conn)
    outcomes(conn, "discard", old)
    with refused("JQ002"):
        again(conn, old)


@pytest.mark.parametrize(
    "options", [{"queue": ""}, {"priority": 1 << 40}, {"run_at": "infinity"}, {"delay": "-1 s"}],
    ids=str,
)  # fmt: skip
def test_options_that_are_refused(conn: psycopg.Connection, options: dict[str, Any]) -> None:
    old = enqueue(conn)
    with refused("JQ001"):
        again(conn, old, **options)
    assert scalar(conn, "select count(*) from pgq.jobs") == 1
