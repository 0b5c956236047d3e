"""A task is configured or declared while others enqueue its jobs: nobody waits for an enqueue."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.calls import enqueue, enqueue_many, rows, scalar, value
from tests.sql.races.conftest import Start


def queue_of(conn: psycopg.Connection, job_id: int) -> str:
    return str(scalar(conn, "select queue from pgq.jobs where id = %s", job_id))


def sync(session: psycopg.Connection, *tasks: dict[str, object]) -> dict[str, str]:
    found = rows(session, "sync_tasks", source="code", tasks=json.dumps(tasks))
    return {row["task"]: row["change"] for row in found}


def test_an_enqueue_does_not_wait_and_has_what_is_committed(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    value(conn, "configure_task", task="send", queue="old")
    other = connect()
    with other.transaction():
        value(other, "configure_task", task="send", queue="new")
        value(other, "configure_task", task="first", queue="new")
        calls = [start(enqueue, "send"), start(enqueue, "first"), start(enqueue, "send", delay="1")]
        assert not any(call.waits() for call in calls)
        found = [queue_of(conn, call.result()) for call in calls]
        assert found == ["old", "default", "old"]
    assert queue_of(conn, enqueue(conn, "first")) == "new"


def test_the_first_configured_task_counts_for_sessions_that_are_there(
    conn: psycopg.Connection, connect: Connect
) -> None:
    other = connect()
    enqueue(other, "send")
    enqueue_many(other, {"task": "send"})
    value(conn, "configure_task", task="send", queue="new")
    assert queue_of(conn, enqueue(other, "send")) == "new"
    ((job_id, _),) = enqueue_many(other, {"task": "send"})
    assert queue_of(conn, job_id) == "new"


def test_an_open_enqueue_holds_up_no_change(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    value(conn, "configure_task", task="send", queue="old")
    other = connect()
    with other.transaction():
        enqueue(other, "send")
        call = start(value, "configure_task", task="send", queue="new")
        assert not call.waits()
        call = start(value, "forget_task", task="send")
        assert not call.waits()
        assert start(sync, {"task": "send", "options": {"queue": "code"}}).result() == {
            "send": "added"
        }
    assert queue_of(conn, enqueue(conn, "send")) == "code"


def test_two_operators_keep_each_others_options(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    other = connect()
    with other.transaction():
        value(other, "configure_task", task="send", queue="mail")
        call = start(value, "configure_task", task="send", priority=3)
        assert call.waits()
    call.result()
    assert scalar(conn, "select configured from pgq.tasks") == {"queue": "mail", "priority": 3}


def test_a_worker_and_an_operator_keep_each_others_options(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    other = connect()
    with other.transaction():
        value(other, "configure_task", task="send", queue="mail")
        call = start(sync, {"task": "send", "options": {"queue": "code", "priority": 1}})
        assert call.waits()
    call.result()
    assert scalar(conn, "select options from pgq.tasks") == {"queue": "mail", "priority": 1}


@pytest.mark.slow
def test_workers_of_two_versions_start_at_once(conn: psycopg.Connection, start: Start) -> None:
    names = [f"task{number}" for number in range(30)]
    versions = [
        [{"task": name, "options": {"queue": queue}} for name in order]
        for queue, order in (("old", names), ("new", names[::-1]))
    ]
    calls = [start(sync, *versions[number % 2]) for number in range(10)]
    for call in calls:
        call.result()
    assert scalar(conn, "select count(*) from pgq.tasks") == 30
    assert set(sync(conn, *versions[1]).values()) <= {"unchanged", "changed"}
    assert scalar(conn, "select count(*) from pgq.tasks where options ->> 'queue' = 'new'") == 30


def test_a_forgotten_task_that_somebody_changes_is_made_again(
    conn: psycopg.Connection, connect: Connect, start: Start
) -> None:
    value(conn, "configure_task", task="send", queue="mail")
    other = connect()
    with other.transaction():
        value(other, "forget_task", task="send")
        call = start(value, "configure_task", task="send", priority=3)
        assert call.waits()
    call.result()
    assert scalar(conn, "select configured from pgq.tasks") == {"priority": 3}
