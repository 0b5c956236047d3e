"""A paused task: none of its jobs is claimed, and what stands behind them is."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Server, Travel
from tests.sql.calls import (
    buffers,
    claim,
    claim_one,
    complete,
    enqueue,
    fail,
    refused,
    register,
    rows,
    scalar,
    value,
    violations,
)
from tests.sql.claim.test_unknown_tasks import MANY, MORE, unknown

QUEUES: dict[str, dict[str, Any]] = {
    "plain": {},
    "limited": {"max_running": 5},
    "fair": {"fair": True},
    "rated": {"rate_limit": 50, "rate_per_key": True},
}


@pytest.mark.slow
@pytest.mark.parametrize("limits", QUEUES.values(), ids=QUEUES)
@pytest.mark.parametrize("size", [1, 10])
@pytest.mark.parametrize("tasks", [None, ["a", "b"]])
def test_no_job_of_it_is_claimed_and_others_are(
    conn: psycopg.Connection, tasks: list[str] | None, size: int, limits: dict[str, Any]
) -> None:
    if limits:
        value(conn, "configure_queue", queue="q", **limits)
    first = [enqueue(conn, "a", queue="q") for _ in range(3)]
    second = enqueue(conn, "b", queue="q", priority=1)
    elsewhere = enqueue(conn, "a", queue="other")
    assert value(conn, "pause_task", task="a") in ("", None)
    asked: dict[str, Any] = {"batch_size": size, "tasks": tasks}
    assert [held.job_id for held in claim(conn, ["q", "*"], **asked)] == [second]
    assert claim(conn, ["q"], **asked) == claim(conn, ["*"], **asked) == []
    assert claim(conn, ["*"], batch_size=size, tasks=["a"]) == []
    value(conn, "pause_task", task="b")
    enqueue(conn, "b", queue="q")
    assert claim(conn, ["*"], **asked) == []
    value(conn, "resume_task", task="a")
    found = [held.job_id for _ in range(9) for held in claim(conn, ["*"], **asked)]
    assert sorted(found) == sorted([*first, elsewhere])
    assert violations(conn) == []


def test_running_jobs_finish_and_a_retry_waits(conn: psycopg.Connection, travel: Travel) -> None:
    ids = [enqueue(conn, "a", backoff="1s") for _ in range(2)]
    done, failed = claim(conn)
    value(conn, "pause_task", task="a", duration="10 minutes")
    assert complete(conn, done) == ["ok"]
    assert fail(conn, failed) == [("ok", "scheduled")]
    travel("9 minutes")
    rows(conn, "promote_due")
    assert claim(conn) == []
    travel("2 minutes")
    assert [held.job_id for held in claim(conn)] == [ids[1]]


def test_a_second_pause_sets_the_end(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, "a")
    value(conn, "pause_task", task="a", duration="10 minutes")
    first = scalar(conn, "select paused_at from pgq.pause_status")
    value(conn, "pause_task", task="a", duration="1 hour")
    travel("30 minutes")
    assert claim(conn) == []
    value(conn, "pause_task", task="a")
    travel("1 year")
    assert claim(conn) == []
    found = conn.execute("select paused_at, paused_until from pgq.pause_status").fetchall()
    assert found == [(first, None)]


def test_what_is_over_is_deleted_and_begins_anew(conn: psycopg.Connection, travel: Travel) -> None:
    value(conn, "pause_task", task="a", duration="10 minutes")
    value(conn, "pause_task", task="b", duration="10 minutes")
    value(conn, "pause_task", task="c")
    travel("11 minutes")
    assert conn.execute("select task from pgq.pause_status").fetchall() == [("c",)]
    value(conn, "pause_task", task="a")
    fresh = "select pgq._now() - paused_at < '1 minute' from pgq.pause_status where task = 'a'"
    assert scalar(conn, fresh)
    assert scalar(conn, "select pgq._do_step('slot', 10, true)") == 1
    assert scalar(conn, "select array_agg(name order by name) from pgq.pauses") == ["a", "c"]


def test_a_clock_that_was_ahead(conn: psycopg.Connection, travel: Travel) -> None:
    travel("1 day")
    value(conn, "pause_task", task="a", duration="10 minutes")
    travel("-1 day")
    assert scalar(conn, "select pgq._do_step('clock', 10, true)") == 1
    travel("11 minutes")
    assert conn.execute("select from pgq.pause_status").fetchall() == []


@pytest.mark.slow
@pytest.mark.parametrize("selector", ["default", "*"])
@pytest.mark.parametrize("tasks", [None, ["known", "unknown"]])
def test_a_claim_does_not_read_its_jobs_again(
    conn: psycopg.Connection, tasks: list[str] | None, selector: str
) -> None:
    """Neither with a list of tasks nor without one, whatever number of them is in front."""
    claimed = "select * from pgq.claim_batch(array[%s], batch_size => 5, tasks => %s)"

    def read() -> int:
        return [buffers(conn, claimed, selector, tasks) for _ in range(3)][-1]

    value(conn, "pause_task", task="unknown")
    before = read()
    unknown(conn, 10_000)
    conn.execute("analyze")
    for _ in range(2):
        assert read() <= before + MORE
        unknown(conn, 3000)
    known = enqueue(conn, "known")
    assert [held.job_id for held in claim(conn, [selector], tasks=tasks)] == [known]
    value(conn, "resume_task", task="unknown")
    assert len(claim(conn, [selector], batch_size=1000, tasks=tasks)) == 1000
    assert violations(conn) == []
    conn.execute("delete from pgq.ready; delete from pgq.jobs; delete from pgq.running")


def test_a_mark_of_all_but_paused_tasks_hides_no_job_that_commits_late(
    conn: psycopg.Connection, connect: Connect
) -> None:
    conn.execute(MANY)
    value(conn, "pause_task", task="unknown")
    early = connect(autocommit=False)
    first = enqueue(early, "known")
    unknown(conn, 300)
    for _ in range(3):
        assert claim(conn) == []
        unknown(conn, 250)
    assert scalar(conn, "select count(*) from pgq.task_marks where tasks = '{\"\",unknown}'")
    early.commit()
    assert [held.job_id for held in claim(conn)] == [first]
    assert violations(conn) == []


def test_why_a_job_of_it_waits(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "a")
    register(conn)
    value(conn, "pause_task", task="a")
    (why, _) = rows(conn, "why_waiting", job_id=job_id)
    assert (why["reason"], why["until"]) == ("pause", None)
    assert why["explanation"] == "its task is paused until somebody resumes it"
    value(conn, "pause_task", task="a", duration="1 hour")
    (why, _) = rows(conn, "why_waiting", job_id=job_id)
    assert why["explanation"] == "its task is paused for a while" and why["until"]


def test_it_costs_one_row_whatever_the_backlog(conn: psycopg.Connection) -> None:
    for _ in range(3):
        enqueue(conn)
    before = conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall()
    value(conn, "pause_task", task="work")
    assert conn.execute("select ctid, xmin::text from pgq.ready order by 1").fetchall() == before
    assert scalar(conn, "select count(*) from pgq.pauses") == 1


def test_an_unknown_task_is_paused_with_a_notice(conn: psycopg.Connection) -> None:
    notices: list[str] = []
    conn.add_notice_handler(lambda said: notices.append(said.message_primary or ""))
    value(conn, "pause_task", task="sendd")
    register(conn, tasks=["send"])
    value(conn, "pause_task", task="send")
    value(conn, "configure_task", task="other", priority=1)
    value(conn, "pause_task", task="other")
    assert [notice[:40] for notice in notices] == ["no worker or default has named task send"]


def test_a_thousand_at_a_time(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.pauses (kind, queue, name, paused_at)"
        " select 'task', '', 't' || n, now() from generate_series(1, 1000) as n"
    )
    with refused("JQ002", "a thousand"):
        value(conn, "pause_task", task="one more")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"task": None},
        {"task": ""},
        {"task": "t" * 257},
        {"task": "t", "duration": "0"},
        {"task": "t", "duration": "-1 minute"},
        {"task": "t", "duration": "101 years"},
    ],
    ids=lambda options: str(options)[:40],
)
def test_what_is_refused(conn: psycopg.Connection, options: dict[str, object]) -> None:
    with refused("JQ002"):
        value(conn, "pause_task", **options)
    assert rows(conn, "verify") == []


def test_a_claim_with_an_empty_task_is_refused(conn: psycopg.Connection) -> None:
    """In a list inside, it stands for all other tasks; the way for the usual case has none."""
    enqueue(conn)
    for tasks in ([""], ["work", ""]):
        with refused("JQ002", "a task is empty"):
            claim(conn, ["default", "*"], tasks=tasks)


def test_an_infinite_duration_is_refused(conn: psycopg.Connection, server: Server) -> None:
    if server.major < 17:
        pytest.skip("intervals are finite before Postgres 17")
    with refused("JQ002", "duration"):
        value(conn, "pause_task", task="t", duration="infinity")


def test_health_leaves_its_jobs_out(conn: psycopg.Connection, travel: Travel) -> None:
    worker_id = register(conn, tasks=["b"], lease="1 day")
    enqueue(conn, "a")
    value(conn, "pause_task", task="a")
    travel("10 minutes")
    conn.execute("update pgq.workers set heartbeat_at = pgq._now() where id = %s", (worker_id,))
    found = {row["name"]: row for row in rows(conn, "health")}
    assert (found["lag"]["status"], found["unserved_tasks"]["status"]) == ("ok", "ok")
    assert found["pauses"]["value"] == 1
    enqueue(conn, "b")
    travel("10 minutes")
    conn.execute("update pgq.workers set heartbeat_at = pgq._now() where id = %s", (worker_id,))
    found = {row["name"]: row for row in rows(conn, "health")}
    assert found["lag"]["status"] != "ok" and 600 <= found["lag"]["value"] < 660
    assert claim_one(conn).task == "b"
