from __future__ import annotations

import psycopg

from tests.conftest import Connect
from tests.sql.calls import claim, enqueue, register, value


def test_it_says_whether_the_task_was_paused(conn: psycopg.Connection) -> None:
    assert value(conn, "resume_task", task="send") is False
    value(conn, "pause_task", task="send")
    assert value(conn, "resume_task", task="send") is True
    assert value(conn, "resume_task", task="send") is False
    assert value(conn, "resume_task", task=None) is False


def test_it_wakes_idle_workers(conn: psycopg.Connection, connect: Connect) -> None:
    listener = connect()
    listener.execute("listen pgq_jobs")
    worker_id = register(conn, queues=["ma*"])
    value(conn, "pause_task", task="send")
    assert claim(conn, ["ma*"], worker_id=worker_id) == []
    enqueue(conn, "send", queue="mail")
    enqueue(conn, "send", queue="other")
    assert claim(conn, ["ma*"], worker_id=worker_id) == []
    listener.execute("select pg_notify('pgq_jobs', 'so far')")
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=2)]
    assert heard == ["mail", "so far"]
    value(conn, "resume_task", task="send")
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    assert heard == ["mail"]
    assert len(claim(conn, ["ma*"], worker_id=worker_id)) == 1
