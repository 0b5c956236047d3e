"""configure(strict_tasks, strict_queues): jobs with unknown names are refused."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.sql.calls import claim_one, complete, enqueue, enqueue_many, refused, rows, scalar, value


def strict(conn: psycopg.Connection, **settings: bool) -> None:
    value(conn, "configure", **settings)


def hint(conn: psycopg.Connection, task: str, **options: object) -> str:
    with pytest.raises(psycopg.Error) as caught:
        enqueue(conn, task, **options)
    assert caught.value.sqlstate == "JQ010"
    return caught.value.diag.message_hint or ""


def test_an_unknown_task_is_refused_by_each_function(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="send_mail")
    value(conn, "schedule", name="s", task="other", every="1 hour")
    strict(conn, strict_tasks=True)
    assert "Did you mean send_mail?" in hint(conn, "send_mial")
    assert "Did you mean send_mail?" in hint(conn, "Send_Mail", priority=1)
    assert "Did you mean" not in hint(conn, "x")
    assert "configure_task()" in hint(conn, "t" * 256)
    with refused("JQ010", "task send is unknown"):
        enqueue_many(conn, {"task": "send_mail"}, {"task": "send"})
    with refused("JQ010"):
        value(conn, "run_schedule_now", name="s")
    with refused("JQ010"):
        value(conn, "create_batch", on_finish='{"task": "send"}')
    conn.execute("create table public.orders (id integer)")
    conn.execute("create trigger t after insert on public.orders for each row"
                 " execute function pgq.enqueue_trigger('send')")  # fmt: skip
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("insert into public.orders values (1)")
    assert caught.value.sqlstate == "JQ010"
    assert scalar(conn, "select count(*) from pgq.jobs") == 0
    enqueue(conn, "send_mail")
    enqueue(conn, "send_mail", queue="any", priority=1)
    assert len(enqueue_many(conn, {"task": "send_mail"}, {"task": "send_mail", "priority": 1})) == 2


def test_a_declared_task_is_known(conn: psycopg.Connection) -> None:
    strict(conn, strict_tasks=True)
    rows(conn, "sync_tasks", source="code", tasks=json.dumps([{"task": "send"}]))
    assert enqueue(conn, "send")
    value(conn, "forget_task", task="send")
    assert hint(conn, "send")


def test_an_unknown_queue_is_refused(conn: psycopg.Connection) -> None:
    strict(conn, strict_queues=True)
    assert "Did you mean default?" in hint(conn, "work", queue="defualt")
    value(conn, "configure_queue", queue="mail")
    value(conn, "configure_task", task="send", queue="letters")
    for queue in ("mail", "letters", "default", None):
        assert enqueue(conn, "work", queue=queue)
        assert enqueue_many(conn, {"task": "work", "queue": queue})
    assert enqueue(conn, "send")
    assert "Did you mean letters?" in hint(conn, "send", queue="leters")
    with refused("JQ010", "queue other is unknown"):
        enqueue_many(conn, {"task": "work", "queue": "mail"}, {"task": "work", "queue": "other"})


def test_it_can_be_taken_back(conn: psycopg.Connection) -> None:
    strict(conn, strict_tasks=True, strict_queues=True)
    assert hint(conn, "work")
    strict(conn, strict_tasks=False)
    strict(conn, strict_queues=False)
    assert enqueue(conn, "work", queue="any")


def test_jobs_that_are_there_go_on(conn: psycopg.Connection) -> None:
    job_id = enqueue(conn, "work", queue="any", max_attempts=1)
    strict(conn, strict_tasks=True, strict_queues=True)
    held = claim_one(conn, queues=["any"])
    complete(conn, held)
    assert value(conn, "enqueue_again", job_id=job_id)


def test_a_schedule_with_an_unknown_task_pauses_with_its_problem(conn: psycopg.Connection) -> None:
    value(conn, "schedule", name="s", task="send", every="1 hour")
    strict(conn, strict_tasks=True)
    conn.execute("update pgq.schedules set next_run_at = pgq._now()")
    rows(conn, "fire_due_schedules")
    assert scalar(conn, "select problem from pgq.schedules") == "task send is unknown"


def test_an_invalid_job_is_told_as_such(conn: psycopg.Connection) -> None:
    strict(conn, strict_tasks=True)
    for task in ("", None):
        with refused("JQ001"):
            enqueue(conn, task)  # type: ignore[arg-type]
        with refused("JQ001"):
            enqueue_many(conn, {"task": task})
