"""The role of a monitor: it sees how things are, and nothing that a job carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests import sources
from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
    claim_one,
    complete,
    enqueue,
    fail,
    refused,
    register,
    rows,
    scalar,
    value,
)

# Each word is in one kind of place, and is found wherever that is shown.
HIDDEN = {
    *("in-args", "in-headers", "in-progress", "in-result", "in-message", "in-traceback"),
    *("in-type", "in-unique-key", "in-concurrency-key", "in-partition-key", "in-description"),
    *("in-schedule", "in-problem", "in-tick", "in-housekeeping", "in-filter", "in-bulk-error"),
}
# One call of every function that the role may call, whatever it is for.
CALLS = {
    "_bucket_tokens": None,  # inlined into a view
    "_now": {},
    "_queue_counts": {},
    "batch_progress": {"batch_id": 1},
    "connection_budget": {},
    "count_jobs": {"queue": "default"},
    "cron_next": {"expression": "@daily"},
    "cron_preview": {"expression": "@daily"},
    "depth_history": {},
    "depths": {},
    "due_jobs": {},
    "estimate_jobs": {},
    "follow_outcomes": {},
    "outcomes_since": {"cursor": 0},
    "flow_graph": {"job_id": 2},
    "health": {"deep": True},
    "is_cancelled": {"job_id": 1},
    "job_attempts": {"job_id": 2},
    "list_batches": {},
    "list_jobs": {"details": True},
    "list_past_workers": {},
    "marks": {},
    "metrics": {},
    "metric_series": {},
    "prune_preview": {},
    "queue_names": {},
    "queue_latency": {"queue": "default"},
    "run_times": {},
    "stats": {},
    "queue_activity": {},
    "task_activity": {"tasks": ["t"]},
    "task_stats": {},
    "version": {},
    "why_waiting": {"job_id": 5},
}


@contextmanager
def acting_as(conn: psycopg.Connection, role: str) -> Iterator[None]:
    with conn.transaction(force_rollback=True):
        conn.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield


@pytest.fixture
def full(conn: psycopg.Connection, connect: Connect, travel: Travel) -> psycopg.Connection:
    """A database in which everything that may be hidden stands somewhere, and nothing is well."""
    carried = {
        "args": json.dumps({"x": "in-args"}),
        "headers": json.dumps({"x": "in-headers"}),
        "unique_key": "in-unique-key",
        "partition_key": "in-partition-key",
    }
    value(conn, "follow_outcomes")
    enqueue(conn, **carried, queue="waiting")
    worker = register(conn)
    enqueue(conn, max_attempts=1)
    errors = {"messages": ["in-message"], "error_types": ["in-type"]}
    fail(conn, claim_one(conn, queues=["default"]), **errors, tracebacks=["in-traceback"])
    enqueue(conn)
    complete(conn, claim_one(conn, queues=["default"]), results=['"in-result"'])
    enqueue(conn)
    held = claim_one(conn, queues=["default"], worker_id=worker)
    progress = {"job_id": held.job_id, "claim_id": held.claim_id, "progress": '"in-progress"'}
    rows(conn, "set_progress", **progress)
    value(conn, "create_batch", description="in-description")
    value(conn, "configure_semaphore", concurrency_key="in-concurrency-key", max_slots=0)
    enqueue(conn, concurrency_key="in-concurrency-key", concurrency_limit=1)
    value(conn, "schedule", name="s", task="t", cron="@daily", args='{"x": "in-schedule"}')
    conn.execute("update pgq.schedules set paused_at = now(), problem = 'in-problem'")
    conn.execute(
        "insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, message)"
        " values ('s', now(), now(), 'failed', 'in-tick')"
    )
    conn.execute(
        "update pgq.maintenance set failures = 9, failing_since = now() - interval '1 day',"
        " last_error = 'XX000: in-housekeeping' where step = 'expire'"
    )
    rows(conn, "bulk_start", action="retry", error_type="in-filter")
    conn.execute("update pgq.bulk_operations set failures = 1, error = 'in-bulk-error'")
    value(conn, "_fold_statistics", most=1000)
    travel("2 hours")
    conn.execute(
        "update pgq.settings set followed_from = 0, followed_until = pgq._now() + interval '1 hour'"
    )
    locking = connect()
    locking.execute(
        "select pg_advisory_lock("
        "hashtextextended('in-concurrency-key', 'pgq.slots'::regclass::oid::bigint))"
    )
    return conn


def seen(conn: psycopg.Connection, role: str, calls: dict[str, Any]) -> dict[str, set[str]]:
    """Return what a role finds of what is hidden, by the function or view that shows it."""
    readable = scalar(
        conn,
        "select array_agg(relname::text) from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm') and has_table_privilege(%s, oid, 'select')",
        role,
    )
    with acting_as(conn, role):
        shown = {
            name: conn.execute(f"select * from pgq.{name}".encode()).fetchall() for name in readable
        }
        for name, arguments in calls.items():
            if arguments is not None:
                shown[name] = [tuple(row.values()) for row in rows(conn, name, **arguments)]
    texts = {name: repr(found) for name, found in shown.items()}
    return {name: {each for each in HIDDEN if each in text} for name, text in texts.items()}


@pytest.mark.slow
def test_a_monitor_sees_nothing_that_jobs_carry(full: psycopg.Connection) -> None:
    granted = full.execute(
        "select proname::text from pg_proc where pronamespace = 'pgq'::regnamespace"
        " and has_function_privilege('pgq_monitor', oid, 'execute')"
    ).fetchall()
    assert {name for (name,) in granted} == set(CALLS)
    found = seen(full, "pgq_monitor", CALLS)
    assert {name: words for name, words in found.items() if words} == {}
    assert {"job_states", "schedule_states", "queue_stats", "health"} <= set(found)


@pytest.mark.slow
def test_an_observer_sees_all_of_it(full: psycopg.Connection) -> None:
    """So what the other test looks for is there."""
    more = {"bulk_status": {}, "list_semaphores": {}, "error_groups": {}}
    found = seen(full, "pgq_observer", {**CALLS, **more})
    assert HIDDEN - set().union(*found.values()) == set()
    shown = {"in-concurrency-key", "in-problem", "in-housekeeping", "in-bulk-error"}
    assert shown <= found["health"]
    errors = {"in-message", "in-traceback", "in-type"}
    assert found["job_attempts"] == errors
    assert found["why_waiting"] == found["list_semaphores"] == {"in-concurrency-key"}
    assert found["list_batches"] == {"in-description"}
    assert found["outcomes_since"] == found["error_groups"] == {"in-message", "in-type"}
    carried = {"in-args", "in-headers", "in-progress", "in-result", "in-unique-key"}
    keys = {"in-partition-key", "in-concurrency-key"}
    assert found["list_jobs"] >= errors | carried | keys


@pytest.mark.slow
@pytest.mark.parametrize("function", ["list_jobs", "estimate_jobs"])
def test_a_monitor_cannot_search_by_what_it_does_not_see(
    full: psycopg.Connection, function: str
) -> None:
    carried = {
        "unique_key": "in-unique-key",
        "concurrency_key": "x",
        "partition_key": "x",
        "error_type": "in-type",
        "fingerprint": "x",
        "headers": "{}",
        "args": '{"x": "in-args"}',
    }
    with acting_as(full, "pgq_monitor"):
        assert rows(full, function, queue="default", states=["failed", "ready"], worker_id=1) != 0
        for name, given in carried.items():
            with refused("42501", "searched by what they carry"), full.transaction():
                rows(full, function, **{name: given})


@pytest.mark.slow
def test_what_a_monitor_sees(full: psycopg.Connection) -> None:
    with acting_as(full, "pgq_monitor"):
        states = full.execute("select state, count(*) from pgq.job_states group by 1").fetchall()
        assert dict(states) == {"ready": 1, "failed": 1, "succeeded": 1, "running": 1, "blocked": 1}
        checks = {row["name"]: row for row in rows(full, "health", deep=True)}
        assert [scalar(full, "select broken from pgq.schedule_states")] == [True]
    with acting_as(full, "pgq_observer"):
        whole = {row["name"]: row for row in rows(full, "health", deep=True)}
    same = ("name", "status", "meaning")
    assert [[row[each] for each in same] for row in checks.values()] == [
        [row[each] for each in same] for row in whole.values()
    ]
    reasons = {name for name, row in checks.items() if "ask as an observer" in row["reason"]}
    assert reasons == {
        *("semaphores", "broken_schedules", "maintenance", "bulk_operations", "invariants"),
        "locks",
    }
    assert all(checks[name]["hint"] is None for name in reasons)
    assert all("ask as an observer" not in row["reason"] for row in whole.values())


@pytest.mark.parametrize(
    "statement",
    [
        "select * from pgq.all_jobs",
        "select * from pgq.failed_jobs",
        "select * from pgq.schedule_status",
        "select * from pgq.jobs",
        "select * from pgq.result(1)",
        "select * from pgq.results('{1}')",
        "select * from pgq.audit_log()",
        "select pgq.pause_queue('q')",
        "select pgq.enqueue('t')",
    ],
)
def test_what_a_monitor_may_not(conn: psycopg.Connection, statement: str) -> None:
    with acting_as(conn, "pgq_monitor"), pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.encode())


def test_the_rows_of_a_page_of_docs(conn: psycopg.Connection) -> None:
    """The page on the install names the views that the role reads."""
    page = sources.read(sources.CHECKOUT / "docs" / "how-to" / "install.md")
    told = page[page.index("A monitor sees") : page.index("PUBLIC has no rights")]
    readable = conn.execute(
        "select relname::text from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind = 'v' and has_table_privilege('pgq_monitor', oid, 'select')"
    ).fetchall()
    assert [name for (name,) in readable if f"`{name}`" not in told] == []
