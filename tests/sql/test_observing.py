"""What observers may call answers under load, with odd settings and clocks, and in one snapshot."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.servers import Databases, Travel, install
from tests.sql.calls import (
    claim,
    claim_one,
    complete,
    enqueue,
    enqueue_many,
    fail,
    register,
    rows,
    scalar,
    value,
)

LONG_AGO = "timestamptz '2020-01-01 00:00+00'"
# A call of every function that an observer may call, and what it answers in a row that was asked.
CALLS = {
    "audit_log": "audit_log()",
    "batch_progress": "batch_progress(1)",
    "bulk_status": "bulk_status()",
    "connection_budget": "connection_budget()",
    "count_jobs": "count_jobs('caf\u00e9')",
    "cron_next": "cron_next('0 3 * * *', timestamptz '2030-10-27 00:00+00', 'Europe/Berlin')",
    "cron_preview": "cron_preview('0 3 * * *', after => timestamptz '2030-10-27 00:00+00')",
    "depth_history": f"depth_history(since => {LONG_AGO})",
    "depths": "depths()",
    "due_jobs": "due_jobs()",
    "error_groups": f"error_groups({LONG_AGO})",
    "error_history":
        "error_history(array(select fingerprint from pgq.error_groups("
        f"{LONG_AGO})), since => {LONG_AGO})",
    "estimate_jobs": "estimate_jobs()",
    "flow_graph": "flow_graph((select min(id) from pgq.jobs where depends_on is not null))",
    "health": "health()",
    "is_cancelled": "is_cancelled(1)",
    "job_attempts": "job_attempts((select min(id) from pgq.job_history where state = 'failed'))",
    "job_content": "job_content((select min(id) from pgq.job_history where state = 'failed'))",
    "list_batches": "list_batches()",
    "list_jobs": "list_jobs(details => true)",
    "list_past_workers": "list_past_workers()",
    "list_semaphores": "list_semaphores()",
    "marks": f"marks({LONG_AGO})",
    "metric_series": "metric_series()",
    "metrics": "metrics()",
    "outcomes_since": "outcomes_since(0)",
    "parent_results":
        "parent_results((select min(id) from pgq.jobs where depends_on is not null))",
    "prune_preview": "prune_preview('0')",
    "queue_names": "queue_names()",
    "queue_activity": f"queue_activity({LONG_AGO})",
    "queue_latency": "queue_latency('caf\u00e9')",
    "result": "result(1)",
    "results": "results('{1,2}')",
    "run_times": f"run_times(since => {LONG_AGO})",
    "shard_left": "shard_left()",
    "shard_map": "shard_map()",
    "shard_slot": "shard_slot('caf\u00e9')",
    "stats": f"stats(since => {LONG_AGO})",
    "task_activity":
        f"task_activity(array(select distinct task from pgq.job_history), since => {LONG_AGO})",
    "task_stats": f"task_stats({LONG_AGO})",
    "unique_key_owner": "unique_key_owner('cl\u00e9')",
    "task_options": "task_options('caf\u00e9')",
    "version": "version()",
    "why_waiting": "why_waiting((select max(job_id) from pgq.blocked))",
}  # fmt: skip
# What differs from one call to the next by itself, or says how the session is.
PASSING = {"connection_budget", "health", "metrics", "metric_series"}
SETTINGS = {
    "IntervalStyle": ["sql_standard", "iso_8601"],
    "DateStyle": ["German", "SQL, DMY"],
    "standard_conforming_strings": ["off"],
    "TimeZone": ["Australia/Lord_Howe"],
    "extra_float_digits": ["-15"],
    "bytea_output": ["escape"],
    "array_nulls": ["off"],
    "enable_indexscan": ["off"],
    "work_mem": ["64kB"],
}


def fill(conn: psycopg.Connection, letter: str = "\u00e9") -> None:
    """Make something that each call answers, with a letter that is not ASCII in its names."""
    queue, task = f"caf{letter}", f"t\u00e2che{letter}" if letter == "\u00e9" else f"t{letter}"
    value(conn, "shard_init", number=1)
    value(conn, "follow_outcomes")
    conn.execute("update pgq.settings set followed_from = 0")
    conn.execute("select set_config('pgq.actor', %s, false)", (f"Ren{letter}",))
    batch = value(conn, "create_batch", description=f"lot {letter}")
    worker = register(conn, name=f"w{letter}", queues=[queue])
    enqueue(conn, task, queue=queue, batch_id=batch, args=f'{{"x": "{letter}"}}')
    complete(conn, claim_one(conn, queues=[queue], worker_id=worker), results=[f'"r{letter}"'])
    enqueue(conn, task, queue=queue, max_attempts=1)
    failed = claim_one(conn, queues=[queue], worker_id=worker)
    fail(conn, failed, error_types=["ValueError"], messages=[f"no {letter}"], tracebacks=["x\ny"])
    value(conn, "deregister_worker", worker_id=worker)
    parent = enqueue(conn, task, queue=queue, delay="1 day")
    enqueue(conn, task, queue=queue, depends_on=[parent])
    enqueue(conn, task, queue=queue, unique_key=f"cl{letter}")
    for _ in range(2):
        enqueue(conn, task, queue=queue, concurrency_key=f"cl{letter}", concurrency_limit=1)
    rows(conn, "promote_due")
    value(conn, "add_mark", label=f"deploy {letter}")
    rows(conn, "bulk_start", action="cancel", queue=queue, states=["ready"])
    value(conn, "pause_queue", queue=queue)
    value(conn, "_fold_statistics", most=1000)
    rows(conn, "_sample_depths")


def answers(conn: psycopg.Connection) -> dict[str, list[Any]]:
    """Return what each call says."""
    return {
        name: conn.execute(f"select * from pgq.{call}".encode()).fetchall()
        for name, call in CALLS.items()
    }


@pytest.mark.slow
def test_every_function_of_observers_is_called_here(conn: psycopg.Connection) -> None:
    granted = conn.execute(
        "select proname::text from pg_proc where pronamespace = 'pgq'::regnamespace"
        " and has_function_privilege('pgq_observer', oid, 'execute')"
        r" and proname not like '\_%'"
    ).fetchall()
    assert {name for (name,) in granted} - {"follow_outcomes"} == set(CALLS)
    fill(conn)
    found = answers(conn)
    assert [name for name, answer in found.items() if not answer] == [
        *("due_jobs", "prune_preview", "shard_left"),
    ]


@pytest.mark.slow
def test_ten_at_once_while_jobs_run(conn: psycopg.Connection, connect: Connect) -> None:
    fill(conn)
    problems: list[str] = []
    ended = threading.Event()

    def look(session: psycopg.Connection, turn: int) -> None:
        names = [*CALLS]
        try:
            for name in names[turn * 3 :] + names[: turn * 3]:
                session.execute(f"select * from pgq.{CALLS[name]}".encode()).fetchall()
        except psycopg.Error as error:
            problems.append(f"{name}: {error}")

    def work(session: psycopg.Connection) -> None:
        while not ended.is_set():
            enqueue_many(session, *({"task": "t", "queue": "busy"} for _ in range(20)))
            complete(session, *claim(session, ["busy"], batch_size=20))
            session.execute("select * from pgq.maintain()")

    threads = [threading.Thread(target=look, args=(connect(), turn)) for turn in range(10)]
    busy = threading.Thread(target=work, args=(connect(),))
    for thread in (busy, *threads):
        thread.start()
    for thread in threads:
        thread.join(120)
    ended.set()
    busy.join(60)
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_one_snapshot_that_may_only_read(
    conn: psycopg.Connection, connect: Connect, level: str
) -> None:
    """As of a report, or on a standby: what is read there is of one moment."""
    fill(conn)
    session = connect(autocommit=False)
    session.execute(f"set transaction isolation level {level} read only".encode())
    before = answers(session)
    enqueue_many(conn, *({"task": "t", "queue": "busy"} for _ in range(50)))
    complete(conn, *claim(conn, ["busy"], batch_size=50))
    conn.execute("select * from pgq.maintain()")
    after = answers(session)
    for name in PASSING:
        del before[name], after[name]
    # Waiting times go on.
    for name in ("queue_latency", "depths"):
        del before[name], after[name]
    assert after == before


@pytest.mark.slow
@pytest.mark.parametrize("jump", ["-3 days", "-1 hour", "100 days", "500 days"])
def test_a_clock_that_jumps(conn: psycopg.Connection, travel: Travel, jump: str) -> None:
    fill(conn)
    enqueue(conn, "t", queue="jump")
    held = claim_one(conn, queues=["jump"])
    travel(jump)
    conn.execute("update pgq.settings set followed_until = pgq._now() + interval '1 hour'")
    complete(conn, held)
    value(conn, "_fold_statistics", most=1000)
    found = answers(conn)
    assert set(found) == set(CALLS)
    (last,) = [row for row in rows(conn, "outcomes_since", cursor=0) if row["queue"] == "jump"]
    assert last["outcome"] == "succeeded"
    (task,) = [row for row in rows(conn, "task_stats", since="-infinity") if row["queue"] == "jump"]
    assert task["succeeded"] == 1 and task["run_mean"].total_seconds() >= 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting", [f"{name}={text}" for name, texts in SETTINGS.items() for text in texts]
)
def test_settings_change_no_answer(
    conn: psycopg.Connection, connect: Connect, setting: str
) -> None:
    fill(conn)
    now = scalar(conn, "select pgq._now()::text")
    conn.execute(
        "create or replace function pgq._now() returns timestamptz language sql stable"
        f" return timestamptz '{now}'".encode()
    )
    usual, odd = connect(), connect()
    name, text = setting.split("=")
    odd.execute("select set_config(%s, %s, false)", (name, text))
    # Stored as they are, so that what is read is written in the usual styles.
    for session in (usual, odd):
        for function in CALLS.keys() - PASSING:
            query = f"create temp table {function}_said as select * from pgq.{CALLS[function]}"
            session.execute(query.encode())
    odd.execute(f"reset {name}".encode())
    for function in CALLS.keys() - PASSING:
        query = f"select * from {function}_said"
        assert [*odd.execute(query.encode())] == [*usual.execute(query.encode())], function


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "letter"), [("LATIN1", "\u00e9"), ("SQL_ASCII", "\u00e9"), ("UTF8", "\u20ac")]
)
def test_encodings(databases: Databases, template: str, encoding: str, letter: str) -> None:
    del template
    name = f"pgq_test_look_{encoding.lower()}"
    admin = databases.admin()
    admin.execute(
        f"create database {name} template template0 encoding '{encoding}' lc_collate 'C'"
        " lc_ctype 'C'".encode()
    )
    try:
        install(databases.dsn(name))
        with psycopg.connect(databases.dsn(name), autocommit=True, client_encoding="utf8") as conn:
            fill(conn, letter)
            said = answers(conn)
            (batch,) = rows(conn, "list_batches")
            assert batch["description"] == f"lot {letter}"
            assert [row["name"] for row in rows(conn, "list_past_workers")] == [f"w{letter}"]
            assert f"cl{letter}" in repr(said["list_semaphores"])
            assert f"no {letter}" in repr(said["job_attempts"]) and repr(said["error_groups"])
            assert f"caf{letter}" in repr(said["queue_activity"])
            # In SQL_ASCII a name has no letters but those.
            actor = "Ren" if encoding == "SQL_ASCII" else f"Ren{letter}"
            assert actor in repr(said["audit_log"])
    finally:
        admin.execute(f"drop database {name} (force)".encode())
