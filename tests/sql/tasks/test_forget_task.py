from __future__ import annotations

import psycopg

from tests.sql.calls import enqueue, scalar, value


def test_a_forgotten_task_has_no_defaults(conn: psycopg.Connection) -> None:
    value(conn, "configure_task", task="send", queue="mail")
    kept = enqueue(conn, "send")
    assert value(conn, "forget_task", task="send") is True
    assert value(conn, "forget_task", task="send") is False
    assert value(conn, "forget_task", task=None) is False
    asked = "select queue from pgq.jobs where id = %s"
    assert scalar(conn, asked, kept) == "mail"
    assert scalar(conn, asked, enqueue(conn, "send")) == "default"
