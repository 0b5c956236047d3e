"""Which errors happen, and how often: counted by the fold, and exact."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    Row,
    buffers,
    claim,
    claim_one,
    enqueue,
    fail,
    outcomes,
    refused,
    register,
    rows,
    scalar,
    value,
)
from tests.sql.statistics.counting import counted, fold, to_noon


def groups(conn: psycopg.Connection, **options: Any) -> list[Row]:
    fold(conn)
    return rows(conn, "error_groups", **options)


def counts(conn: psycopg.Connection, **options: Any) -> list[tuple[str, str, int, int]]:
    return [
        (row["fingerprint"], row["task"], row["attempts"], row["failed_jobs"])
        for row in groups(conn, **options)
    ]


def test_errors_are_told_apart_by_fingerprint_and_task(conn: psycopg.Connection) -> None:
    ids = [enqueue(conn, task, max_attempts=1) for task in ("a", "a", "a", "b")]
    fail(
        conn,
        *claim(conn),
        messages=["no user 1", "no user 2", "boom", "no user 3"],
        error_types=["LookupError"] * 4,
    )
    first, *others = groups(conn)
    assert (first["error_type"], first["pattern"]) == ("LookupError", "no user <n>")
    assert (first["task"], first["attempts"], first["failed_jobs"]) == ("a", 2, 2)
    assert first["sample"] in ("no user 1", "no user 2") and first["last_job_id"] == ids[1]
    assert first["first_seen"] == first["last_seen"] <= scalar(conn, "select pgq._now()")
    assert [(row["attempts"], row["failed_jobs"]) for row in others] == [(1, 1), (1, 1)]
    assert first["fingerprint"] in [row["fingerprint"] for row in others if row["task"] == "b"]


@pytest.mark.slow
def test_every_attempt_counts_and_jobs_as_they_are_now(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, max_attempts=3, backoff="0")
    for _ in range(3):
        assert groups(conn) == [] or counts(conn)[0][3] == 0
        fail(conn, claim_one(conn), fingerprints=["f"])
    assert counts(conn) == [("f", "work", 3, 1)]
    outcomes(conn, "retry", job_id)
    assert counts(conn) == [("f", "work", 3, 0)]


def test_attempts_that_did_not_fail_do_not_count(conn: psycopg.Connection) -> None:
    """A stale claim says nothing, and a cancelled job that had failed before adds nothing."""
    job_id = enqueue(conn, backoff="0")
    held = claim_one(conn)
    fail(conn, held, fingerprints=["f"])
    assert fail(conn, held, fingerprints=["late"]) == [("already", "ready")]
    outcomes(conn, "cancel", job_id)
    assert counts(conn) == [("f", "work", 1, 0)]


def test_lost_runs_are_a_group_too(conn: psycopg.Connection) -> None:
    enqueue(conn)
    worker_id = register(conn)
    claim_one(conn, worker_id=worker_id)
    value(conn, "deregister_worker", worker_id=worker_id)
    assert counts(conn) == [("WorkerLost", "work", 1, 0)]


def test_by_queue_task_and_time(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    for queue, task in (("x", "a"), ("x", "a"), ("x", "b"), ("y", "a")):
        enqueue(conn, task, queue=queue, max_attempts=1)
    held = claim(conn, ["x", "y"])
    fail(conn, *held, fingerprints=["f"] * 4)
    assert counts(conn) == [("f", "a", 3, 3), ("f", "b", 1, 1)]
    assert counts(conn, queue="x") == [("f", "a", 2, 2), ("f", "b", 1, 1)]
    assert counts(conn, of_task="b") == [("f", "b", 1, 1)]
    assert counts(conn, queue="y", of_task="b") == []
    assert counts(conn, max_groups=1) == [("f", "a", 3, 3)]
    travel("2 hours")
    later = scalar(conn, "select pgq._now()")
    enqueue(conn, "a", queue="y")
    fail(conn, claim_one(conn), fingerprints=["f"])
    assert counts(conn, since=later) == [("f", "a", 1, 3)]
    (group,) = groups(conn, of_task="a")
    assert group["last_seen"] >= later > group["first_seen"]
    travel("30 hours")
    assert counts(conn) == []


@pytest.mark.slow
def test_a_settle_that_commits_late_counts_in_its_own_hour(
    conn: psycopg.Connection, connect: Connect, travel: Travel
) -> None:
    to_noon(conn, travel)
    enqueue(conn, max_attempts=1)
    held = claim_one(conn)
    late = connect()
    with late.transaction():
        fail(late, held, fingerprints=["f"], messages=["1"])
        travel("3 hours")
        assert groups(conn) == []
        enqueue(conn, max_attempts=1)
        fail(conn, claim_one(conn), fingerprints=["f"], messages=["2"])
        assert counts(conn, since="2030-01-01 00:00+00") == [("f", "work", 1, 1)]
    (group,) = groups(conn, since="2030-01-01 00:00+00")
    assert (group["attempts"], group["sample"]) == (2, "2")
    hours = conn.execute("select hour, attempts from pgq.stat_error_hours order by hour").fetchall()
    assert [attempts for _, attempts in hours] == [1, 1] and hours[0][0] < hours[1][0]


def test_new_errors_alone(conn: psycopg.Connection, travel: Travel) -> None:
    to_noon(conn, travel)
    enqueue(conn, backoff="0")
    fail(conn, claim_one(conn), fingerprints=["old"])
    travel("10 minutes")
    since = scalar(conn, "select pgq._now()")
    enqueue(conn, backoff="0")
    fail(conn, *claim(conn), fingerprints=["old", "new"])
    assert sorted(counts(conn)) == [("new", "work", 1, 0), ("old", "work", 2, 0)]
    assert counts(conn, new_since=since) == [("new", "work", 1, 0)]
    travel("10 minutes")
    assert counts(conn, new_since=scalar(conn, "select pgq._now()")) == []


def test_it_reads_as_much_as_it_shows(conn: psycopg.Connection) -> None:
    """Neither the failed jobs of other tasks, nor very many of one, cost anything."""
    conn.execute(
        "insert into pgq.job_history (id, state, queue, task, priority, attempt, max_attempts,"
        " run_at, created_at, finished_at, args, errors)"
        " select n, 'failed', 'q' || n % 3, case when n <= 300 then 'mine' else 'other' end, 0, 1,"
        " 1, pgq._now(), pgq._now(), pgq._now(), '{}', jsonb_build_array(jsonb_build_object("
        " 'fingerprint', 'f', 'message', repeat('went wrong ', 50)))"
        " from generate_series(100, 4000) as n"
    )
    enqueue(conn, "mine", max_attempts=1, queue="own")
    fail(conn, claim_one(conn, queues=["own"]), fingerprints=["f"])
    assert counts(conn) == [("f", "mine", 1, 100)]
    assert counts(conn, queue="own") == [("f", "mine", 1, 1)]
    for query in ("pgq.error_groups()", "pgq.error_groups(queue => 'own')"):
        found = [buffers(conn, f"select * from {query}") for _ in range(2)]
        assert found[1] < (200 if "own" not in query else 60), query


def test_a_settle_that_is_undone_leaves_nothing(conn: psycopg.Connection) -> None:
    enqueue(conn)
    held = claim_one(conn)
    with conn.transaction(force_rollback=True):
        fail(conn, held)
    assert groups(conn) == []


def test_errors_are_no_outcome_beside_the_others(conn: psycopg.Connection) -> None:
    enqueue(conn)
    fail(conn, claim_one(conn))
    assert counted(conn) == {"retried": 1}
    fold(conn)
    assert counted(conn) == {"retried": 1}
    assert scalar(conn, "select count(*) from pgq.stat_periods") == 1


def test_without_statistics_nothing_is_counted(conn: psycopg.Connection) -> None:
    rows(conn, "configure", statistics="off")
    job_id = enqueue(conn, max_attempts=1)
    fail(conn, claim_one(conn), fingerprints=["f"])
    assert groups(conn) == []
    found = conn.execute("select pgq.find_jobs(fingerprint => 'f', states => '{failed}')")
    assert found.fetchall() == [(job_id,)]


def test_more_kinds_than_there_is_room_for_are_one(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.stat_errors select n::text, 'work', 'E', 'p', 's', pgq._now(),"
        " pgq._now(), 1 from generate_series(1, 4999) as n"
    )
    for task in ("a", "b", "c", "work"):
        enqueue(conn, task)
    fail(conn, *claim(conn), fingerprints=["new", "newer", "newest", "7"])
    assert sorted(counts(conn))[0] == ("(other)", "(other)", 2, 0)
    assert ("7", "work", 1, 0) in counts(conn)
    assert scalar(conn, "select count(*) from pgq.stat_errors") == 5001


def test_an_hour_with_very_many_rows_does_not_tell_the_queue(conn: psycopg.Connection) -> None:
    conn.execute(
        "insert into pgq.stat_error_hours select date_trunc('hour', pgq._now(), 'UTC'), n::text,"
        " 'work', 'f', 1 from generate_series(1, 5000) as n"
    )
    enqueue(conn, queue="mine")
    fail(conn, claim_one(conn), fingerprints=["f"])
    assert counts(conn) == [("f", "work", 5001, 0)]
    assert counts(conn, queue="(other)") == [("f", "work", 1, 0)]


@pytest.mark.slow
def test_maintenance_counts_and_forgets(conn: psycopg.Connection, travel: Travel) -> None:
    enqueue(conn, "old")
    fail(conn, claim_one(conn), fingerprints=["f"])
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.stat_errors") == 1
    travel("1441 hours")
    rows(conn, "maintain")
    assert scalar(conn, "select count(*) from pgq.stat_error_hours") == 0
    assert scalar(conn, "select count(*) from pgq.stat_errors") == 0


@pytest.mark.parametrize("most", [0, 1001])
def test_what_is_refused(conn: psycopg.Connection, most: int) -> None:
    with refused("JQ002", "max_groups"):
        rows(conn, "error_groups", max_groups=most)


@pytest.mark.slow
def test_errors_that_are_all_different_are_counted_in_one_go(conn: psycopg.Connection) -> None:
    """As many deltas as one fold takes: usually about a second."""
    conn.execute(
        "insert into pgq.stat_deltas (minute, jobs, wait_us, run_us, queue, task, outcome, waits,"
        " runs, error) select date_trunc('minute', pgq._now(), 'UTC'), 1, 0, 0, 'q' || n, 'work',"
        " 'error', '', '', jsonb_build_object('fingerprint', n, 'type', 'E', 'sample', 'boom',"
        " 'job_id', n, 'at', pgq._now()) from generate_series(1, 20000) as n"
    )
    conn.execute("set statement_timeout = '30 s'")
    assert fold(conn) == 20_000
    assert scalar(conn, "select count(*) from pgq.stat_errors") == 5001
    assert scalar(conn, "select sum(attempts) from pgq.stat_error_hours") == 20_000
    assert counts(conn)[0] == ("(other)", "(other)", 15_000, 0)
