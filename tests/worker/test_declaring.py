"""What a worker tells the database of its tasks, and what jobs then get."""

from __future__ import annotations

import psycopg
import pytest

import pgq
from tests.sql.calls import enqueue, job
from tests.worker.running import running, wait_for


@pytest.mark.slow
def test_a_worker_declares_its_tasks_and_an_operator_goes_before_it(
    conn: psycopg.Connection, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = pgq.Registry()

    @registry.task(queue="mail", max_attempts=2, concurrency_key="user:{user_id}")
    def send(user_id: int) -> None: ...

    client = pgq.Client(conn)
    client.configure_task("send", queue="slow")
    caplog.set_level("INFO", "pgq")
    with running(dsn, registry, queues=["nothing"]):
        wait_for(lambda: client.task_settings("send")[0].declared)
    assert "task.overridden task=send options=queue" in caplog.text

    from_sql = job(conn, enqueue(conn, "send", args='{"user_id": 7}'))
    assert (from_sql["queue"], from_sql["max_attempts"]) == ("slow", 2)
    from_python, chosen = (
        client.job(each.id)
        for each in client.enqueue_many(
            [send.job(user_id=7), send.job(user_id=7).changed(queue="urgent")]
        )
    )
    assert from_python and chosen
    assert (from_python.queue, from_python.max_attempts) == ("slow", 2)
    assert from_python.concurrency_key == "user:7"
    assert chosen.queue == "urgent"

    client.configure_task("send", reset=["all"])
    again = client.job(client.enqueue(send.job(user_id=8)))
    assert again
    assert (again.queue, again.concurrency_key) == ("mail", "user:8")
