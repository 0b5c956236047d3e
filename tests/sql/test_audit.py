"""What an operator's calls leave in the audit: each one row, and none where nothing was changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests import sources
from tests.conftest import Connect
from tests.servers import Travel
from tests.sql.calls import (
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
)

# Operators may call these too, but they leave no row, because nobody decides what they do.
UNAUDITED = {
    "bulk_work": "does what bulk_start has asked for",
    "maintain": "housekeeping",
    "follow_outcomes": "has outcomes noted, for an hour",
    "outcomes_since": "has outcomes noted, for another hour",
    "promote_due": "housekeeping",
    "rescue_lost_workers": "housekeeping",
    "fire_due_schedules": "housekeeping",
    "await_jobs": "changes no job",
    "await_batch": "changes no job",
}
# tests/sql/operate/test_bulk_stop.py and tests/sql/shards compare rows of these; one only tells a
# count.
ELSEWHERE = {"bulk_start", "bulk_stop", "reset_statistics"}
ELSEWHERE |= {"shard_assign", "shard_init", "shard_spread"}
# Only a server with pg_cron has these, and they write into its tables alone:
# tests/sql/maintain/test_start_cron.py.
OF_PG_CRON = {"start_cron", "stop_cron"}
ELSEWHERE |= OF_PG_CRON
WRITES = re.compile(r"\b(insert into|delete from|update) pgq\.")
SECRET = "the-secret"


def called(function: str) -> set[str]:
    """Return the functions that a function calls, and those that they call."""
    todo, found = {function}, {function}
    while todo:
        code = sources.function_code(todo.pop())
        todo |= set(re.findall(r"pgq\.(\w+)\(", code)) & sources.FUNCTIONS - found
        found |= todo
    return found


def writes(function: str) -> bool:
    return bool(WRITES.search(sources.function_code(function)))


def audited(function: str) -> bool:
    core = f"_{function}" if function in sources.FACES else function
    return bool(re.search(r"pgq\._audit_(call|jobs)\(", sources.function_code(core)))


def of_operators(conn: psycopg.Connection) -> set[str]:
    """Return the functions of operators that change something but housekeeping."""
    granted = conn.execute(
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace"
        " and proname !~ '^_' and has_function_privilege('pgq_operator', oid, 'execute')"
    ).fetchall()
    writing = {name for (name,) in granted if any(map(writes, called(name) - {"_audit_call"}))}
    assert set(UNAUDITED) <= writing
    return writing - set(UNAUDITED) | OF_PG_CRON


def audit(conn: psycopg.Connection) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from pgq.audit order by id").fetchall()


class Made(NamedTuple):
    """What the calls below are about."""

    waiting: int
    failed: int
    letter: int
    worker: int
    batch: int


@pytest.fixture
def made(conn: psycopg.Connection) -> Made:
    """A database with one of everything, and no rows in the audit."""
    args = json.dumps({"password": SECRET})
    waiting = enqueue(conn, delay="1 hour", args=args, unique_key="u")
    enqueue(conn, queue="held", concurrency_key="k", concurrency_limit=1)
    rows(conn, "promote_due")
    failed = enqueue(conn, queue="f", max_attempts=1)
    worker = register(conn)
    (held,) = claim(conn, ["f"], worker_id=worker)
    assert fail(conn, held, messages=[SECRET]) == [("ok", "failed")]
    headers = json.dumps({"exhausted_from": failed})
    letter = enqueue(conn, "report", delay="1 hour", headers=headers)
    batch = value(conn, "create_batch")
    value(conn, "schedule", name="s", task="work", cron="@daily", args=args)
    value(conn, "schedule", name="p", task="work", every="1 hour")
    value(conn, "pause_schedule", name="p")
    value(conn, "subscribe", topic="t", task="known")
    value(conn, "pause_queue", queue="paused")
    value(conn, "pause_task", task="paused")
    value(conn, "pause_semaphore", concurrency_key="paused")
    value(conn, "configure_task", task="known")
    conn.execute(
        "insert into pgq.schedule_runs (schedule, run_at, fired_at, outcome, job_id)"
        " values ('s', '2020-01-01', '2020-01-01', 'enqueued', 1)"
    )
    conn.execute("create table pgq.job_history_20200101 partition of pgq.job_history"
                 " for values from ('2020-01-01') to ('2020-01-02')")  # fmt: skip
    conn.execute("delete from pgq.audit")
    return Made(waiting, failed, letter, worker, batch)


SYNCED = json.dumps([{"name": "c", "task": "work", "cron": "@daily", "args": {"p": SECRET}}])
# One call of each that changes something, and what is in its row.
CALLS: dict[str, tuple[Callable[[Made], dict[str, Any]], Callable[[Made], dict[str, Any]]]] = {
    "cancel": (
        lambda it: {"ids": [it.waiting, -1]},
        lambda it: {
            "ids": [it.waiting],
            "affected": 1,
            "outcomes": {"cancelled": 1, "not_found": 1},
        },
    ),
    "retry": (
        lambda it: {"ids": [it.failed], "states": ["failed"], "at": "2090-01-01 00:00+00"},
        lambda it: {
            "ids": [it.failed],
            "affected": 1,
            "outcomes": {"retried": 1},
            "options": {"states": ["failed"], "at": "2090-01-01T00:00:00Z"},
        },
    ),
    "discard": (
        lambda it: {"ids": [it.failed]},
        lambda it: {"ids": [it.failed], "affected": 1, "outcomes": {"discarded": 1}},
    ),
    "run_now": (
        lambda it: {"ids": [it.waiting]},
        lambda it: {"ids": [it.waiting], "affected": 1, "outcomes": {"promoted": 1}},
    ),
    "redrive": (
        lambda it: {"ids": [it.letter]},
        lambda it: {"ids": [it.letter], "affected": 1, "outcomes": {"redriven": 1}},
    ),
    "reprioritise": (
        lambda it: {"ids": [it.waiting], "priority": 7},
        lambda it: {
            "ids": [it.waiting],
            "affected": 1,
            "outcomes": {"reprioritised": 1},
            "options": {"priority": 7},
        },
    ),
    "enqueue_again": (
        lambda it: {"job_id": it.failed, "queue": "other"},
        lambda it: {
            "ids": [it.letter + 1],
            "affected": 1,
            "options": {"job_id": it.failed, "queue": "other"},
        },
    ),
    "pause_queue": (
        lambda _: {"queue": "q", "duration": "10 minutes"},
        lambda _: {"target": "q", "options": {"duration": "00:10:00"}},
    ),
    "pause_task": (
        lambda _: {"task": "t", "duration": "10 minutes"},
        lambda _: {"target": "t", "options": {"duration": "00:10:00"}},
    ),
    "pause_semaphore": (
        lambda _: {"concurrency_key": "k", "duration": "10 minutes"},
        lambda _: {"target": "k", "options": {"duration": "00:10:00"}},
    ),
    "resume_semaphore": (
        lambda _: {"concurrency_key": "paused"},
        lambda _: {"target": "paused"},
    ),
    "resume_task": (lambda _: {"task": "paused"}, lambda _: {"target": "paused"}),
    "resume_queue": (lambda _: {"queue": "paused"}, lambda _: {"target": "paused"}),
    "clear_queue": (
        lambda _: {"queue": "held", "include_blocked": True},
        lambda it: {
            "target": "held",
            "ids": [it.waiting + 1],
            "affected": 1,
            "options": {"include_blocked": True, "include_scheduled": False, "max_jobs": 100000},
        },
    ),
    "configure": (
        lambda _: {"keep_history_for": "3 days"},
        lambda _: {"options": {"keep_history_for": "3 days"}},
    ),
    "configure_queue": (
        lambda _: {"queue": "q", "max_running": 3, "rate_limit": -1},
        lambda _: {"target": "q", "options": {"max_running": 3, "rate_limit": -1}},
    ),
    "configure_task": (
        lambda _: {"task": "t", "queue": "q", "timeout": "90 seconds", "reset": ["priority"]},
        lambda _: {
            "target": "t",
            "options": {"queue": "q", "timeout": "00:01:30", "reset": ["priority"]},
        },
    ),
    "configure_retention": (
        lambda _: {"queue": "q", "failed": "90 days", "reset": ["results"]},
        lambda _: {"target": "q", "options": {"failed": "90 days", "reset": ["results"]}},
    ),
    "forget_task": (
        lambda _: {"task": "known"},
        lambda _: {"target": "known", "affected": 1},
    ),
    "configure_semaphore": (
        lambda _: {"concurrency_key": "k", "max_slots": None},
        lambda _: {"target": "k", "options": {"max_slots": "default"}},
    ),
    "release_semaphore": (
        lambda _: {"concurrency_key": "k"},
        lambda it: {"target": "k", "ids": [it.waiting + 1], "affected": 1},
    ),
    "release_unique_key": (
        lambda _: {"unique_key": "u"},
        lambda it: {"target": "u", "ids": [it.waiting]},
    ),
    "order_worker": (
        lambda it: {"worker_id": it.worker, "instruction": "stop"},
        lambda it: {
            "target": str(it.worker),
            "options": {"name": "test", "instruction": "stop"},
        },
    ),
    "report_lost_worker": (
        lambda it: {"worker_id": it.worker, "reason": SECRET},
        lambda it: {"target": str(it.worker), "options": {"name": "test", "lost_runs": 0}},
    ),
    "schedule": (
        lambda _: {"name": "s", "task": "other", "every": "1 hour", "args": SYNCED},
        lambda _: {
            "target": "s",
            "options": {"change": "changed", "task": "other", "every": "01:00:00"},
        },
    ),
    "unschedule": (lambda _: {"name": "s"}, lambda _: {"target": "s"}),
    "pause_schedule": (lambda _: {"name": "s"}, lambda _: {"target": "s"}),
    "resume_schedule": (lambda _: {"name": "p"}, lambda _: {"target": "p"}),
    "run_schedule_now": (
        lambda _: {"name": "s"},
        lambda it: {"target": "s", "ids": [it.letter + 1], "outcomes": {"manual": 1}},
    ),
    "sync_schedules": (
        lambda _: {"source": "code", "schedules": SYNCED},
        lambda _: {
            "target": "code",
            "affected": 1,
            "outcomes": {"added": 1},
            "options": {"schedules": ["c"]},
        },
    ),
    "sync_tasks": (
        lambda _: {
            "source": "code",
            "tasks": '[{"task": "known"}, {"task": "new", "options": {"queue": "q"}}]',
        },
        lambda _: {
            "target": "code",
            "affected": 2,
            "outcomes": {"added": 2},
            "options": {"tasks": ["known", "new"]},
        },
    ),
    "prune_schedule_history": (
        lambda _: {"older_than": "1 day"},
        lambda _: {"affected": 1, "options": {"older_than": "1 day"}},
    ),
    "subscribe": (
        lambda _: {"topic": "t.*", "task": "a", "queue": "q", "filter": f'{{"p": "{SECRET}"}}'},
        lambda _: {
            "target": "t.* a",
            "options": {"change": "added", "task": "a", "queue": "q"},
        },
    ),
    "unsubscribe": (lambda _: {"topic": "t", "name": "known"}, lambda _: {"target": "t known"}),
    "prune": (lambda _: {}, lambda _: {"affected": 1}),
    "add_mark": (lambda _: {"label": "v1"}, lambda _: {"target": "v1"}),
    "close_batch": (lambda it: {"batch_id": it.batch}, lambda it: {"target": str(it.batch)}),
}
# The same with nothing to change. Calls that always change something are left out.
IDLE: dict[str, dict[str, Any]] = {
    **{name: {"ids": [-1]} for name in ("cancel", "retry", "redrive", "discard", "run_now")},
    "reprioritise": {"ids": [-1], "priority": 1},
    "resume_queue": {"queue": "none"},
    "resume_task": {"task": "none"},
    "resume_semaphore": {"concurrency_key": "none"},
    "clear_queue": {"queue": "none"},
    "configure": {},
    "configure_retention": {"queue": "q"},
    "release_semaphore": {"concurrency_key": "none"},
    "release_unique_key": {"unique_key": "none"},
    "order_worker": {"worker_id": -1, "instruction": "stop"},
    "report_lost_worker": {"worker_id": -1},
    "schedule": {
        "name": "s",
        "task": "work",
        "cron": "@daily",
        "args": json.dumps({"password": SECRET}),
    },
    "unschedule": {"name": "none"},
    "subscribe": {"topic": "t", "task": "known"},
    "unsubscribe": {"topic": "t", "name": "none"},
    "pause_schedule": {"name": "p"},
    "resume_schedule": {"name": "s"},
    "sync_schedules": {"source": "code", "schedules": "[]"},
    "sync_tasks": {"source": "code", "tasks": "[]"},
    "forget_task": {"task": "none"},
    "prune_schedule_history": {"older_than": "90 years"},
    "prune": {"older_than": "90 years"},
}


@pytest.mark.slow
def test_each_operators_function_that_changes_something_leaves_a_row(
    conn: psycopg.Connection,
) -> None:
    wanted = of_operators(conn)
    assert {name for name in wanted if not audited(name)} == set()
    assert {name for name in sources.PUBLIC if audited(name)} == wanted
    assert set(CALLS) | ELSEWHERE == wanted


@pytest.mark.parametrize("function", CALLS)
def test_the_row_of_a_call(conn: psycopg.Connection, made: Made, function: str) -> None:
    given, expected = CALLS[function]
    conn.execute("set pgq.actor = 'alice'")
    rows(conn, function, **given(made))
    (row,) = audit(conn)
    assert scalar(conn, "select %s between now() - interval '1 hour' and now()", row.pop("at"))
    assert row.pop("id") > 0
    assert row.pop("login") == scalar(conn, "select session_user")
    assert SECRET not in repr(row)
    empty = dict.fromkeys(
        ("address", "target", "options", "ids", "affected", "outcomes", "operation_id")
    )
    assert row == {**empty, "actor": "alice", "action": function, **expected(made)}


@pytest.mark.slow
@pytest.mark.parametrize("function", IDLE)
def test_a_call_that_changes_nothing_leaves_no_row(
    conn: psycopg.Connection, made: Made, function: str
) -> None:
    rows(conn, function, **IDLE[function])
    assert audit(conn) == []


@pytest.mark.slow
def test_work_leaves_no_row(conn: psycopg.Connection) -> None:
    """Producers, workers and housekeeping write nothing into it."""
    batch = value(conn, "create_batch")
    enqueue(conn, batch_id=batch)
    value(conn, "close_batch", batch_id=batch)
    declared = {"source": "code", "schedules": SYNCED}
    rows(conn, "sync_schedules", **declared)
    conn.execute("delete from pgq.audit")
    rows(conn, "sync_schedules", **declared)
    complete(conn, claim_one(conn))
    rows(conn, "maintain")
    rows(conn, "fire_due_schedules")
    assert audit(conn) == []


def test_what_is_undone_leaves_no_row(conn: psycopg.Connection, made: Made) -> None:
    with conn.transaction(force_rollback=True):
        rows(conn, "cancel", ids=[made.waiting])
        assert len(audit(conn)) == 1
    with refused("JQ002"):
        value(conn, "order_worker", worker_id=made.worker, instruction="dance")
    assert audit(conn) == []


def test_who_closes_a_batch_that_is_not_its_own(conn: psycopg.Connection, made: Made) -> None:
    """An operator who makes no batches does, even without a name."""
    with conn.transaction(force_rollback=True):
        conn.execute("create role on_call; grant pgq_operator to on_call")
        conn.execute("set local session authorization on_call")
        value(conn, "close_batch", batch_id=made.batch)
        conn.execute("reset session authorization")
        (row,) = audit(conn)
        assert (row["login"], row["actor"]) == ("on_call", None)


def test_the_login_stands_whatever_role_a_session_takes(
    conn: psycopg.Connection, made: Made
) -> None:
    login = scalar(conn, "select session_user")
    with conn.transaction():
        conn.execute("set local role pgq_operator")
        rows(conn, "cancel", ids=[made.waiting])
    assert [row["login"] for row in audit(conn)] == [login]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("alice", "alice"),
        ("", None),
        (" \t ", None),
        ("a\nb\x1b[31m", "a b [31m"),
        ("x" * 300, "x" * 200),
        ("J\u00fcrgen", "J\u00fcrgen"),
    ],
)
def test_an_actors_name_is_cleaned_and_cut(
    conn: psycopg.Connection, made: Made, given: str, kept: str | None
) -> None:
    conn.execute("select set_config('pgq.actor', %s, false)", (given,))
    rows(conn, "cancel", ids=[made.waiting])
    assert [row["actor"] for row in audit(conn)] == [kept]


def test_a_large_call_leaves_a_small_row(conn: psycopg.Connection) -> None:
    ids = [enqueue(conn) for _ in range(150)]
    rows(conn, "cancel", ids=[*reversed(ids), *ids])
    rows(conn, "retry", ids=ids, states=["cancelled"] * 5000)
    cancelled, retried = audit(conn)
    assert cancelled["ids"] == sorted(ids)[:100]
    assert (cancelled["affected"], cancelled["outcomes"]) == (150, {"cancelled": 300})
    assert retried["options"] == {"too_long": True}


@pytest.mark.parametrize("role", ["producer", "worker", "operator", "observer"])
def test_nobody_else_may_touch_a_row(conn: psycopg.Connection, made: Made, role: str) -> None:
    rows(conn, "cancel", ids=[made.waiting])
    for statement in (
        "delete from pgq.audit",
        "update pgq.audit set login = 'somebody'",
        "insert into pgq.audit (at, login, action) values (now(), 'somebody', 'cancel')",
        "truncate pgq.audit",
        "select pgq._audit_call('cancel')",
    ):
        with conn.transaction(force_rollback=True):
            conn.execute(sql.SQL("set local role {}").format(sql.Identifier(f"pgq_{role}")))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


@pytest.mark.slow
def test_open_calls_wait_for_nobody(
    conn: psycopg.Connection, connect: Connect, made: Made, travel: Travel
) -> None:
    """Rows are only inserted; what prunes them passes over what others hold."""
    value(conn, "pause_queue", queue="old")
    travel("91 days")
    other = connect(autocommit=False)
    value(other, "pause_queue", queue="a")
    other.execute("select from pgq.audit for update")
    conn.execute("set lock_timeout = '5 s'")
    value(conn, "pause_queue", queue="b")
    assert scalar(conn, "select pgq._do_step('audit', 10, false)") == 0
    other.commit()
    assert scalar(conn, "select pgq._do_step('audit', 10, false)") == 1
    assert [row["target"] for row in audit(conn)] == ["a", "b"]


@pytest.mark.slow
def test_rows_go_after_90_days(conn: psycopg.Connection, travel: Travel) -> None:
    for queue in ("a", "b", "c"):
        value(conn, "pause_queue", queue=queue)
    travel("89 days")
    assert scalar(conn, "select pgq._do_step('audit', 2, false)") == 0
    value(conn, "pause_queue", queue="d")
    travel("2 days")
    assert scalar(conn, "select pgq._do_step('audit', 2, false)") == 2
    assert dict(conn.execute("select step, affected from pgq.maintain()").fetchall())["audit"] == 1
    assert [row["target"] for row in audit(conn)] == ["d"]
