"""What a worker tells the database of its tasks, and what jobs then get."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.slow
def test_a_task_names_what_follows_its_failed_jobs(conn: psycopg.Connection, dsn: str) -> None:
    registry = pgq.Registry()
    told: list[dict[str, Any]] = []

    @registry.task(max_attempts=1, on_exhausted="charge_failed")
    def charge(order_id: int) -> None:
        raise ValueError(f"no card for {order_id}")

    @registry.task(max_attempts=1)
    def charge_failed(job: dict[str, Any]) -> None:
        told.append(job)

    client = pgq.Client(conn)
    with running(dsn, registry):
        job_id = client.enqueue(charge.job(17))
        (said,) = wait_for(lambda: told)
    assert (said["id"], said["task"], said["args"]) == (job_id, "charge", [17])
    assert said["error"]["message"] == "no card for 17"


@pytest.mark.parametrize("wrong", [17, ["charge_failed"], "half \ud800"])
def test_what_is_no_name_of_a_task_is_refused_where_it_is_declared(wrong: Any) -> None:
    with pytest.raises(pgq.errors.InvalidArgument, match="on_exhausted"):

        @pgq.Registry().task(on_exhausted=wrong)
        def charge() -> None: ...
