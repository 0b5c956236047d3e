"""redrive: the jobs that failed are enqueued again, by the dead letters of on_exhausted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.sql.calls import (
    Row,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    job,
    outcomes,
    rows,
    scalar,
    value,
    violations,
)


@pytest.fixture(autouse=True)
def report(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="charge", on_exhausted="report")
    value(conn, "configure_task", task="report", queue="dead")


def failed(conn: psycopg.Connection, **options: Any) -> tuple[int, int]:
    """Let a job fail for good; return its id and that of its dead letter."""
    job_id = enqueue(conn, "charge", **{"max_attempts": 1, **options})
    while held := claim(conn, tasks=["charge"]):
        fail(conn, *held)
    letter = scalar(conn, "select max(id) from pgq.jobs where task = 'report'")
    return job_id, int(letter)


def redrive(conn: psycopg.Connection, *ids: int | None) -> list[tuple[str, int | None]]:
    answers = rows(conn, "redrive", ids=list(ids))
    assert [answer["job_id"] for answer in answers] == list(ids)
    return [(answer["outcome"], answer["new_id"]) for answer in answers]


def links(conn: psycopg.Connection, job_id: int) -> Row:
    found = conn.execute(
        "select exhausted_from, redriven_from from pgq.job_links where id = %s", (job_id,)
    ).fetchall()
    ((exhausted, redriven),) = found
    return {"exhausted_from": exhausted, "redriven_from": redriven}


def test_the_job_comes_again_and_the_letter_ends(conn: psycopg.Connection) -> None:
    job_id, letter = failed(
        conn, args='{"order": 7}', queue="money", priority=3, backoff="0", timeout="9 seconds",
        partition_key="acme", headers='{"tenant": "acme"}', unique_key="order-7", max_attempts=2,
    )  # fmt: skip
    ((outcome, new_id),) = redrive(conn, letter)
    assert outcome == "redriven" and new_id is not None
    assert job(conn, letter)["state"] == "cancelled"
    assert job(conn, letter)["errors"][-1]["message"] == "the job that had failed was redriven"
    again, before = job(conn, new_id), job(conn, job_id)
    same = ("queue", "task", "priority", "args", "timeout", "partition_key", "max_attempts")
    assert {name: again[name] for name in same} == {name: before[name] for name in same}
    assert (again["state"], again["attempt"], again["unique_key"]) == ("ready", 0, None)
    assert again["timeout"] == timedelta(seconds=9)
    assert again["headers"] == {"tenant": "acme", "redriven_from": job_id}
    assert links(conn, new_id) == {"exhausted_from": None, "redriven_from": job_id}
    assert links(conn, letter) == {"exhausted_from": job_id, "redriven_from": None}
    assert violations(conn) == []


def test_it_happens_once(conn: psycopg.Connection) -> None:
    _, letter = failed(conn)
    ((_, new_id),) = redrive(conn, letter)
    assert redrive(conn, letter) == [("finished", None)]
    assert [each.job_id for each in claim(conn)] == [new_id]


def test_what_fails_again_has_a_letter_again(conn: psycopg.Connection) -> None:
    first, letter = failed(conn)
    ((_, second),) = redrive(conn, letter)
    fail(conn, claim_one(conn))
    newest = scalar(conn, "select id from pgq.jobs where task = 'report'")
    assert links(conn, newest)["exhausted_from"] == second
    ((_, third),) = redrive(conn, newest)
    assert third is not None
    assert links(conn, third)["redriven_from"] == second
    assert first < second < third


def test_what_is_not_redriven(conn: psycopg.Connection) -> None:
    _, held = failed(conn)
    claim_one(conn, tasks=["report"])
    plain = enqueue(conn, "other")
    retried, its = failed(conn)
    assert outcomes(conn, "retry", retried) == ["retried"]
    assert redrive(conn, held, plain, its, 10**9, None) == [
        ("running", None), ("no_letter", None), ("not_failed", None), ("not_found", None),
        ("not_found", None),
    ]  # fmt: skip
    complete(conn, *claim(conn, tasks=["charge"]))
    assert redrive(conn, its) == [("not_failed", None)]
    gone, orphan = failed(conn)
    outcomes(conn, "discard", gone)
    assert redrive(conn, orphan) == [("not_failed", None)]
    assert job(conn, orphan)["state"] == "ready"


def test_two_letters_of_one_job_make_one(conn: psycopg.Connection) -> None:
    job_id, older = failed(conn)
    outcomes(conn, "retry", job_id)
    fail(conn, *claim(conn, tasks=["charge"]))
    newer = scalar(conn, "select max(id) from pgq.jobs where task = 'report'")
    ((said, _), (done, new_id)) = redrive(conn, older, newer)
    assert (said, done) == ("duplicate", "redriven")
    assert [each.job_id for each in claim(conn, tasks=["charge"])] == [new_id]


@pytest.mark.parametrize("forged", ['"x"', '"17; drop"', "1e300", "-5", "null", "[1]", '{"a": 1}'])
def test_a_forged_header_is_no_letter(conn: psycopg.Connection, forged: str) -> None:
    job_id = enqueue(conn, "report", headers=f'{{"exhausted_from": {forged}}}')
    assert redrive(conn, job_id) == [("no_letter", None)]
    assert links(conn, job_id)["exhausted_from"] is None


def test_many_by_a_filter(conn: psycopg.Connection) -> None:
    made = [enqueue(conn, "charge", args=json.dumps({"n": n}), max_attempts=1) for n in range(40)]
    fail(conn, *claim(conn))
    found = conn.execute(
        "select outcome from pgq.redrive(array(select pgq.find_jobs(queue => 'dead')))"
    ).fetchall()
    assert found == [("redriven",)] * 40
    again = claim(conn)
    assert [each.args["n"] for each in again] == list(range(40))
    assert [each.headers["redriven_from"] for each in again] == made
    assert violations(conn) == []


def test_none_and_nothing(conn: psycopg.Connection) -> None:
    assert rows(conn, "redrive", ids=[]) == []
    assert rows(conn, "redrive", ids=None) == []
