"""Jobs that succeed where successes are not kept leave no row, and all else goes on as ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    Claim,
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    outcomes,
    refused,
    rows,
    scalar,
    state,
    value,
)

End = Callable[[psycopg.Connection, Claim], list[str]]


def one(conn: psycopg.Connection, held: Claim) -> list[str]:
    return complete(conn, held)


def with_result(conn: psycopg.Connection, held: Claim) -> list[str]:
    return complete(conn, held, results=["1"])


both = pytest.mark.parametrize("end", [one, with_result])


def keep_none(conn: psycopg.Connection, **of: str) -> None:
    value(conn, "configure_retention", succeeded="0", **of)


@both
def test_a_success_leaves_only_statistics(conn: psycopg.Connection, end: End) -> None:
    keep_none(conn)
    job_id = enqueue(conn, unique_key="k", unique_for="1 hour", concurrency_key="s")
    rows(conn, "promote_due")
    held = claim_one(conn)
    assert end(conn, held) == ["ok"]
    assert scalar(conn, "select count(*) from pgq.job_history") == 0
    assert state(conn, job_id) is None and rows(conn, "result", job_id=job_id) == []
    assert rows(conn, "results", ids=[job_id])[0]["state"] is None
    counted = "select coalesce(sum(jobs), 0)::int from pgq.stat_deltas where outcome = 'succeeded'"
    assert scalar(conn, counted) == 1
    assert rows(conn, "verify") == []
    assert value(conn, "enqueue", task="t", unique_key="k") == job_id  # its window goes on
    assert scalar(conn, "select count(*) from pgq.slots") == 0
    with refused("JQ002", "there is no job"):
        value(conn, "enqueue_again", job_id=job_id)
    for function in ("retry", "discard", "cancel", "run_now"):
        assert outcomes(conn, function, job_id) == ["not_found"]
    assert end(conn, held) == ["lost"]


@both
def test_what_fails_is_kept(conn: psycopg.Connection, end: End) -> None:
    keep_none(conn)
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn))
    assert state(conn, job_id) == "failed"
    outcomes(conn, "retry", job_id)
    assert end(conn, claim_one(conn)) == ["ok"]
    assert state(conn, job_id) is None


@both
@pytest.mark.parametrize("needed_by", ["batch", "child", "client"])
def test_who_needs_the_row_has_it(conn: psycopg.Connection, end: End, needed_by: str) -> None:
    keep_none(conn)
    batch_id = value(conn, "create_batch") if needed_by == "batch" else None
    job_id = enqueue(conn, batch_id=batch_id)
    child = None
    if needed_by == "child":
        child = enqueue(conn, queue="c", depends_on=[job_id])
    elif needed_by == "client":
        assert value(conn, "await_jobs", ids=[job_id]) == 1
    assert end(conn, claim_one(conn)) == ["ok"]
    assert state(conn, job_id) == "succeeded"
    if child is not None:
        rows(conn, "promote_due")
        assert claim_one(conn, queues=["c"]).job_id == child
        assert rows(conn, "parent_results", job_id=child)[0]["state"] == "succeeded"
    if batch_id is not None:
        value(conn, "close_batch", batch_id=batch_id)
        (progress,) = rows(conn, "batch_progress", batch_id=batch_id)
        assert progress["succeeded"] == 1 and progress["finished_at"]


@both
def test_with_one_snapshot_for_all_its_statements_a_settle_leaves_the_row(
    conn: psycopg.Connection, end: End
) -> None:
    keep_none(conn)
    job_id = enqueue(conn)
    held = claim_one(conn)
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with conn.transaction():
        assert end(conn, held) == ["ok"]
    assert state(conn, job_id) == "succeeded"


def test_a_row_that_is_needed_stays_for_a_day(conn: psycopg.Connection, travel: Travel) -> None:
    keep_none(conn)
    job_id = enqueue(conn, batch_id=value(conn, "create_batch"))
    complete(conn, claim_one(conn))

    def tidy() -> str | None:
        conn.execute("update pgq.maintenance set due_at = '-infinity' where step <> 'partition'")
        rows(conn, "maintain")
        return state(conn, job_id)

    travel("1 day")
    assert tidy() == "succeeded"
    travel("1 day")
    assert tidy() is None


def test_a_child_of_a_job_that_left_no_row_runs(conn: psycopg.Connection) -> None:
    keep_none(conn)
    parent = enqueue(conn)
    complete(conn, claim_one(conn))
    child = enqueue(conn, depends_on=[parent])
    rows(conn, "promote_due")
    assert claim_one(conn).job_id == child
    (found,) = rows(conn, "parent_results", job_id=child)
    assert (found["parent_id"], found["state"]) == (parent, None)


@pytest.mark.slow
def test_a_child_that_commits_after_its_parent_has_ended_runs(
    conn: psycopg.Connection, connect: Connect
) -> None:
    keep_none(conn)
    parent = enqueue(conn)
    other = connect(autocommit=False)
    child = enqueue(other, queue="c", depends_on=[parent])
    complete(conn, claim_one(conn))
    other.commit()
    assert state(conn, parent) is None
    rows(conn, "promote_due")
    assert state(conn, child) == "ready"


def test_a_task_goes_before_its_queue_and_this_before_all(conn: psycopg.Connection) -> None:
    keep_none(conn)
    value(conn, "configure_retention", queue="kept", succeeded="2 days")
    keep_none(conn, task="never")
    value(conn, "configure_retention", task="only failures", failed="2 days")
    wanted = [
        ("q", "t", None), ("kept", "t", "succeeded"), ("kept", "never", None),
        ("kept", "only failures", "succeeded"), ("q", "only failures", None),
    ]  # fmt: skip
    made = enqueue_many(conn, *({"queue": queue, "task": task} for queue, task, _ in wanted))
    held = claim(conn, ["*"], 10)
    assert complete(conn, *held) == ["ok"] * len(wanted)
    assert [state(conn, job_id) for job_id, _ in made] == [how for _, _, how in wanted]
    value(conn, "configure_retention", reset=["all"])
    again = enqueue(conn)
    complete(conn, claim_one(conn))
    assert state(conn, again) == "succeeded"


def test_each_job_of_a_call_has_its_own_answer(conn: psycopg.Connection) -> None:
    keep_none(conn)
    enqueue_many(conn, *({"task": "t"} for _ in range(4)))
    first, second, third = claim(conn, ["default"], 1) + claim(conn, ["default"], 2)
    (fourth,) = claim(conn, ["default"], 1)
    ids = [first.job_id, second.job_id, first.job_id, third.job_id, None, fourth.job_id]
    claims = [first.claim_id, second.claim_id, second.claim_id, 1, 2, fourth.claim_id]
    found = rows(conn, "complete_batch", ids=ids, claim_ids=claims)
    assert [row["outcome"] for row in found] == ["ok", "ok", "lost", "lost", "lost", "ok"]
    assert scalar(conn, "select count(*) from pgq.job_history") == 0
    assert complete(conn, third) == ["ok"]


def test_who_follows_is_told_of_the_end(conn: psycopg.Connection) -> None:
    keep_none(conn)
    cursor = value(conn, "follow_outcomes")
    job_id = enqueue(conn)
    complete(conn, claim_one(conn))
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'statistics'")
    rows(conn, "maintain")
    (told,) = rows(conn, "outcomes_since", cursor=cursor)
    assert (told["job_id"], told["outcome"], told["attempt"]) == (job_id, "succeeded", None)
    assert told["at"] is not None


def test_health_knows_of_successes_without_a_row(conn: psycopg.Connection, travel: Travel) -> None:
    def status(name: str) -> Any:
        return {row["name"]: row["status"] for row in rows(conn, "health")}[name]

    keep_none(conn)
    for _ in range(30):
        enqueue_many(conn, *({"task": "t", "max_attempts": 1} for _ in range(3)))
        held = claim(conn, ["default"], 3)
        complete(conn, *held[:2])
        fail(conn, *held[2:])
        travel("3 seconds")
    assert status("failing_tasks") == "warn"  # statistics are not counted yet
    enqueue_many(conn, *({"task": "t"} for _ in range(60)))
    travel("40 seconds")
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'statistics'")
    rows(conn, "maintain")
    assert status("failing_tasks") == "ok"


@pytest.mark.slow
def test_a_backlog_that_stays_is_well(conn: psycopg.Connection, travel: Travel) -> None:
    keep_none(conn)
    enqueue_many(conn, *({"task": "t"} for _ in range(100)))
    for _ in range(50):
        enqueue(conn)
        complete(conn, claim_one(conn))
        travel("3 seconds")

    def status() -> Any:
        return {row["name"]: row["status"] for row in rows(conn, "health")}["backlog"]

    assert status() == "warn"
    conn.execute("update pgq.maintenance set due_at = '-infinity' where step = 'statistics'")
    rows(conn, "maintain")
    assert status() == "ok"


@pytest.mark.parametrize("age", ["failed", "cancelled", "results", "schedule_history"])
def test_only_successes_may_leave_nothing(conn: psycopg.Connection, age: str) -> None:
    with refused("JQ002", "an age is under a day"):
        value(conn, "configure_retention", **{age: "0"})
