from __future__ import annotations

import psycopg

from tests.conftest import Connect
from tests.sql.calls import claim, enqueue, register, value


def test_it_says_whether_the_queue_was_paused(conn: psycopg.Connection) -> None:
    assert value(conn, "resume_queue", queue="mail") is False
    value(conn, "pause_queue", queue="mail")
    assert value(conn, "resume_queue", queue="mail") is True
    assert value(conn, "resume_queue", queue="mail") is False
    assert value(conn, "resume_queue", queue=None) is False


def test_it_wakes_idle_workers(conn: psycopg.Connection, connect: Connect) -> None:
    listener = connect()
    listener.execute("listen pgq_jobs")
    worker_id = register(conn, queues=["ma*"])
    enqueue(conn, queue="mail")
    value(conn, "pause_queue", queue="mail")
    assert claim(conn, ["ma*"], worker_id=worker_id) == []
    value(conn, "resume_queue", queue="mail")
    heard = [note.payload for note in listener.notifies(timeout=5, stop_after=1)]
    assert heard == ["mail"]
    assert len(claim(conn, ["ma*"], worker_id=worker_id)) == 1
