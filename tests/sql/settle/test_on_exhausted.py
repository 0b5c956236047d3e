"""What a task names by on_exhausted: a job that is enqueued when one of the task ends as failed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.servers import Travel
from tests.sql.calls import (
    Row,
    buffers,
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
    value,
    violations,
)


@pytest.fixture(autouse=True)
def report(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="charge", on_exhausted="report")


def letters(conn: psycopg.Connection, task: str = "report") -> list[Row]:
    """Return the jobs that were made for failed ones."""
    found = conn.execute("select id from pgq.all_jobs where task = %s order by id", (task,))
    return [job(conn, job_id) for (job_id,) in found]


def failed_ones(conn: psycopg.Connection, task: str = "report") -> list[int]:
    return [letter["headers"]["exhausted_from"] for letter in letters(conn, task)]


def test_it_says_what_has_failed(conn: psycopg.Connection) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"tenant": "acme", "traceparent": trace}
    job_id = enqueue(
        conn, "charge", args='{"order": 7}', queue="money", max_attempts=1,
        headers=json.dumps(headers),
    )  # fmt: skip
    settle(
        conn, "fail_batch", [claim_one(conn)], messages=["no card"], error_types=["ValueError"],
        tracebacks=["Traceback ..."],
    )  # fmt: skip
    (letter,) = letters(conn)
    assert (letter["state"], letter["queue"], letter["attempt"]) == ("ready", "default", 0)
    assert letter["headers"] == {"traceparent": trace, "exhausted_from": job_id}
    said = letter["args"].pop("job")
    assert letter["args"] == {}
    error = said.pop("error")
    assert (error["type"], error["message"]) == ("ValueError", "no card")
    assert (error["traceback"], error["attempt"]) == ("Traceback ...", 1)
    assert said.pop("created_at")
    assert said == {
        "id": job_id, "task": "charge", "queue": "money", "attempt": 1, "args": {"order": 7},
        "headers": headers,
    }  # fmt: skip
    (links,) = conn.execute(
        "select exhausted_from from pgq.job_links where id = any(%s) order by id",
        ([letter["id"]],),
    ).fetchall()
    assert links == (job_id,)
    assert violations(conn) == []


def test_a_retry_makes_none_and_each_end_makes_one(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "charge", max_attempts=2, backoff="0")
    assert fail(conn, claim_one(conn)) == [("ok", "ready")]
    assert letters(conn) == []
    assert fail(conn, claim_one(conn)) == [("ok", "failed")]
    assert failed_ones(conn) == [job_id]
    assert outcomes(conn, "retry", job_id) == ["retried"]
    (claimed,) = claim(conn, tasks=["charge"])
    assert fail(conn, claimed) == [("ok", "failed")]
    assert fail(conn, claimed) == [("already", "failed")]
    assert failed_ones(conn) == [job_id, job_id]


def test_which_ends_count(conn: psycopg.Connection, travel: Travel) -> None:
    """Whatever ends as failed has one; what succeeds, is cancelled, expires or is deleted not."""
    succeeds, given_up, asked, final = [enqueue(conn, "charge") for _ in range(4)]
    held = {each.job_id: each for each in claim(conn)}
    complete(conn, held[succeeds])
    settle(conn, "fail_batch", [held[given_up]], cancel=[True])
    outcomes(conn, "cancel", asked)
    fail(conn, held[asked])
    cancelled, expires, discarded = (
        enqueue(conn, "charge", **more) for more in ({}, {"expires_in": "1 second"}, {})
    )
    outcomes(conn, "cancel", cancelled)
    outcomes(conn, "discard", discarded)
    travel(timedelta(seconds=2))
    rows(conn, "maintain")
    assert letters(conn) == []
    assert job(conn, expires)["state"] == "expired"

    settle(conn, "fail_batch", [held[final]], final=[True])
    overdue = enqueue(conn, "charge", max_attempts=1, timeout="1 second")
    claim_one(conn, tasks=["charge"])
    travel(timedelta(seconds=40))
    rows(conn, "maintain")
    lost = enqueue(conn, "charge", max_attempts=1)
    worker = register(conn)
    claim_one(conn, tasks=["charge"], worker_id=worker)
    value(conn, "report_lost_worker", worker_id=worker)
    assert failed_ones(conn) == [final, overdue, lost]
    errors = [letter["args"]["job"]["error"] for letter in letters(conn)]
    assert [error and error["type"] for error in errors][1:] == ["JobTimeout", "WorkerLost"]


def test_it_has_the_defaults_of_its_task_but_no_key(conn: psycopg.Connection) -> None:
    value(
        conn, "configure_task", task="report", queue="dead", priority=4, max_attempts=9,
        backoff="1 minute", timeout="30 seconds", expires_in="1 day",
        unique_key="{order}", on_conflict="raise", unique_for="1 hour",
        concurrency_key="{order}", concurrency_limit=1, partition_key="{order}",
    )  # fmt: skip
    enqueue_many(conn, *({"task": "charge", "max_attempts": 1} for _ in range(2)))
    fail(conn, *claim(conn))
    found = conn.execute(
        "select queue, priority, max_attempts, (backoff ->> 'base')::float8, timeout,"
        " expires_at - run_at, unique_key, concurrency, partition_key from pgq.jobs"
    ).fetchall()
    wanted = ("dead", 4, 9, 60, timedelta(seconds=30), timedelta(days=1), None, None, None)
    assert found == [wanted, wanted]


def test_a_chain_ends_after_one(conn: psycopg.Connection) -> None:
    """Two tasks that name each other, and one that names itself, do not go on for ever."""
    value(conn, "configure_task", task="report", on_exhausted="charge", max_attempts=1)
    value(conn, "configure_task", task="loop", on_exhausted="loop", max_attempts=1)
    first = enqueue(conn, "charge", max_attempts=1)
    loop = enqueue(conn, "loop")
    fail(conn, *claim(conn))
    fail(conn, *claim(conn))
    assert claim(conn) == []
    assert failed_ones(conn) == [first]
    assert [each["headers"] for each in letters(conn, "loop")] == [None, {"exhausted_from": loop}]
    copy = value(conn, "enqueue_again", job_id=letters(conn)[0]["id"])
    fail(conn, *claim(conn))
    assert job(conn, copy)["state"] == "failed"
    assert claim(conn) == []


def test_it_counts_for_jobs_that_wait_already(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "other", max_attempts=1)
    value(conn, "configure_task", task="other", on_exhausted="report")
    fail(conn, claim_one(conn))
    assert failed_ones(conn) == [job_id]
    value(conn, "configure_task", task="other", reset=["on_exhausted"])
    enqueue(conn, "other", max_attempts=1)
    fail(conn, *claim(conn, tasks=["other"]))
    assert failed_ones(conn) == [job_id]


def test_many_at_once_and_their_neighbours(conn: psycopg.Connection) -> None:
    jobs = [
        {"task": ("charge", "other")[place % 2], "max_attempts": 1 + place % 3 // 2,
         "args": {"place": place}}
        for place in range(30)
    ]  # fmt: skip
    ids = [job_id for job_id, _ in enqueue_many(conn, *jobs)]
    fail(conn, *claim(conn))
    due = [one for one, made in zip(ids, jobs, strict=True)
           if made["task"] == "charge" and made["max_attempts"] == 1]  # fmt: skip
    assert sorted(failed_ones(conn)) == due
    for letter in letters(conn):
        failed = letter["args"]["job"]
        assert jobs[ids.index(failed["id"])]["args"] == failed["args"]
    assert violations(conn) == []


def test_args_too_deep_for_any_client_are_left_out(conn: psycopg.Connection) -> None:
    deep: Any = {"a": 1}
    for _ in range(62):
        deep = {"a": deep}
    enqueue(conn, "charge", args=json.dumps(deep), max_attempts=1)
    fail(conn, claim_one(conn))
    (letter,) = letters(conn)
    assert "args" not in letter["args"]["job"]
    assert claim_one(conn).args["job"]["task"] == "charge"
    assert violations(conn) == []


def test_a_batch_that_has_failed_may_finish_without_it(conn: psycopg.Connection) -> None:
    batch = value(conn, "create_batch")
    enqueue(conn, "charge", max_attempts=1, batch_id=batch)
    value(conn, "close_batch", batch_id=batch)
    fail(conn, claim_one(conn))
    rows(conn, "promote_due")
    (done,) = rows(conn, "batch_progress", batch_id=batch)
    assert (done["total"], done["failed"], done["succeeded"]) == (1, 1, 0)
    assert [letter["batch_id"] for letter in letters(conn)] == [None]


@pytest.mark.parametrize("named", ["", "x" * 257])
def test_what_names_no_task_is_refused(conn: psycopg.Connection, named: str) -> None:
    with refused("JQ002", "on_exhausted names no task"):
        value(conn, "configure_task", task="charge", on_exhausted=named)
    (synced,) = rows(
        conn, "sync_tasks", source="code",
        tasks=json.dumps([{"task": "charge", "options": {"on_exhausted": named}}]),
    )  # fmt: skip
    assert "on_exhausted names no task" in synced["problem"]


@pytest.mark.parametrize("wrong", [17, None, ["a"], {"task": "report"}])
def test_what_code_declares_is_checked(conn: psycopg.Connection, wrong: object) -> None:
    (synced,) = rows(
        conn, "sync_tasks", source="code",
        tasks=json.dumps([{"task": "charge", "options": {"on_exhausted": wrong}}]),
    )  # fmt: skip
    assert synced["change"] == "refused"


def test_code_may_say_it_too(conn: psycopg.Connection) -> None:
    rows(
        conn, "sync_tasks", source="code",
        tasks=json.dumps([{"task": "mine", "options": {"on_exhausted": "report"}}]),
    )  # fmt: skip
    job_id = enqueue(conn, "mine", max_attempts=1)
    fail(conn, claim_one(conn))
    assert failed_ones(conn) == [job_id]
    found = {row["option"]: row for row in rows(conn, "task_options", task="mine")}
    assert found["on_exhausted"] == {
        "option": "on_exhausted", "value": "report", "origin": "source", "hidden": None,
    }  # fmt: skip


def test_a_plain_enqueue_and_a_success_pay_nothing(conn: psycopg.Connection) -> None:
    """A task with nothing else is not looked up when its jobs are enqueued."""
    assert scalar(conn, "select bit_count(task_filter) from pgq.settings") == 0

    def cost(task: str) -> list[int]:
        found = []
        for _ in range(3):
            made = buffers(conn, "select pgq.enqueue(%s)", task)
            held = claim_one(conn)
            call = "select pgq.complete_batch(%s, %s)"
            found.append(made + buffers(conn, call, [held.job_id], [held.claim_id]))
        return found

    for task in ("charge", "other"):
        cost(task)
    assert min(cost("charge")) == min(cost("other"))
