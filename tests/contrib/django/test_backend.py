"""What is enqueued and looked up through Django's Tasks framework."""

from __future__ import annotations

import asyncio
import pickle
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from pgq.contrib import dj_queue
from pgq.contrib.django import EnqueueError
from pgq.contrib.django.backend import backend_of
from pgq.contrib.django.compat import (
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    task_enqueued,
)
from tests.contrib.django.shop import tasks

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]
UUID = uuid.UUID(int=2**127 + 1)


def jobs(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select task, queue, priority, args from pgq.jobs order by id").fetchall()


def test_a_job_has_the_import_path_the_queue_and_the_turned_priority(
    conn: psycopg.Connection,
) -> None:
    result = tasks.welcome.enqueue(7, greeting="hi")
    path = "tests.contrib.django.shop.tasks.welcome"
    assert jobs(conn) == [(path, "mail", -10, {"args": [7], "kwargs": {"greeting": "hi"}})]
    assert (result.status, result.args, result.kwargs) == ("READY", [7], {"greeting": "hi"})
    assert result.id == str(conn.execute("select id from pgq.jobs").fetchone()[0])  # type: ignore[index]


def test_higher_priorities_run_first(client: Any) -> None:
    for priority in (0, -100, 100, 5):
        tasks.add.using(priority=priority).enqueue(priority)
    claimed = client.claim_batch(["*"], batch_size=10)
    assert [job.args for job in claimed] == [[100], [5], [0], [-100]]


def test_a_job_exists_if_and_only_if_the_transaction_commits(conn: psycopg.Connection) -> None:
    with transaction.atomic():
        tasks.add.enqueue(1)
        transaction.set_rollback(True)
    with transaction.atomic():
        tasks.add.enqueue(2)
        with transaction.atomic():
            tasks.add.enqueue(3)
            transaction.set_rollback(True)
        assert jobs(conn) == []
    assert [args for *_, args in jobs(conn)] == [[2]]


@pytest.mark.parametrize("priority", [True, 101, -101, 1.5, 3.0, "5"])
def test_a_priority_is_a_whole_number(priority: Any) -> None:
    with pytest.raises(InvalidTask, match="priority must be a whole number between -100 and 100"):
        tasks.add.using(priority=priority)


def test_a_task_is_checked_again_when_it_is_enqueued(configured: Callable[..., None]) -> None:
    elsewhere = tasks.add.using(queue_name="elsewhere")
    configured(queues=["default"])
    with pytest.raises(InvalidTask, match="Queue 'elsewhere' is not valid for backend"):
        elsewhere.enqueue(1)
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        tasks.add.using(run_after=datetime(2030, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        tasks.add.using(run_after="tomorrow")


def test_arguments_are_json_or_a_type_error(conn: psycopg.Connection) -> None:
    result = tasks.later.enqueue({"a": (1, b"x")})
    assert result.args == [{"a": [1, "x"]}]
    with pytest.raises(TypeError, match="Unsupported type"):
        tasks.later.enqueue(timezone.now())
    for wrong in ({1: "a"}, {b"a": 1, "a": 2}, {1: 3, "1": 4}, {None: 1}, b"\xff"):
        with pytest.raises(TypeError, match="must be JSON round-trippable"):
            tasks.later.enqueue([wrong])
        with pytest.raises(dj_queue.EnqueueError, match="must be JSON round-trippable"):
            tasks.later.enqueue(wrong)
    with pytest.raises(EnqueueError, match="NUL"):
        tasks.later.enqueue("\0")
    assert len(jobs(conn)) == 1


def test_a_result_is_looked_up_by_the_text_of_its_id() -> None:
    at = timezone.now() + timedelta(hours=1)
    made = tasks.welcome.using(run_after=at, priority=3).enqueue(1)
    found = tasks.welcome.get_result(made.id)
    assert (found.id, found.status, found.args) == (made.id, TaskResultStatus.READY, [1])
    assert (found.task, found.task.run_after) == (tasks.welcome.using(run_after=at, priority=3), at)
    assert abs(found.enqueued_at - made.enqueued_at) < timedelta(minutes=1)
    assert (found.started_at, found.finished_at, found.last_attempted_at) == (None, None, None)
    assert (found.errors, found.worker_ids, found.attempts) == ([], [], 0)
    found.refresh()
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = found.return_value


@pytest.mark.parametrize(
    "text",
    ["", "123", "0", "-1", "01", "1.0", "abc", str(UUID), UUID.hex, "9" * 19,
     "9" * 30, "\u0663", "1\n", " 1", "a\0b"],
)  # fmt: skip
def test_any_unknown_text_is_no_result(text: str) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        tasks.add.get_result(text)


def test_a_result_can_be_pickled() -> None:
    made = tasks.welcome.using(priority=-7).enqueue(1)
    found = tasks.welcome.get_result(made.id)
    for result in (made, found):
        again = pickle.loads(pickle.dumps(result))
        assert again == result
        assert again.task == tasks.welcome.using(priority=-7)


def test_a_task_that_is_gone_has_a_result(client: Any) -> None:
    job_id = client.enqueue("shop.tasks.gone", [1])
    result = backend_of().get_result(str(job_id))
    assert (result.task.module_path, result.args) == ("shop.tasks.gone", [1])
    with pytest.raises(ImportError):
        result.task.func()


def test_async_variants_leave_the_event_loop_alone() -> None:
    async def all_of_them() -> None:
        result = await tasks.add.aenqueue(1)
        found = await tasks.add.aget_result(result.id)
        await found.arefresh()
        assert found.id == result.id
        many = await backend_of().aenqueue_all([(tasks.add, [2], {}), (tasks.add, [3], {})])
        assert len({each.id for each in many}) == 2
        with pytest.raises(TaskResultDoesNotExist):
            await tasks.add.aget_result("x")

    asyncio.run(all_of_them())


def test_many_jobs_are_one_statement(conn: psycopg.Connection) -> None:
    from django.test.utils import CaptureQueriesContext

    calls = [(tasks.add, [number], {}) for number in range(5)]
    with CaptureQueriesContext(connection) as seen:
        made = backend_of().enqueue_all(calls)
    assert len(seen) == 1
    assert [each.args for each in made] == [[0], [1], [2], [3], [4]]
    assert [args for *_, args in jobs(conn)] == [[0], [1], [2], [3], [4]]
    with CaptureQueriesContext(connection) as seen:
        tasks.add.enqueue(9)
    assert [query["sql"].startswith("select") for query in seen] == [True]


def test_the_signal_tells_of_each_job() -> None:
    told: list[Any] = []

    def receiver(sender: Any, task_result: Any, **_: Any) -> None:
        told.append((sender, task_result.id))

    task_enqueued.connect(receiver)
    try:
        result = tasks.add.enqueue(1)
    finally:
        task_enqueued.disconnect(receiver)
    assert told == [(type(backend_of()), result.id)]


def test_a_job_may_wait_for_the_commit(
    conn: psycopg.Connection, configured: Callable[..., None]
) -> None:
    configured(enqueue_on_commit=True)
    with transaction.atomic():
        result = tasks.add.enqueue(1)
        assert result.id == ""
    assert tasks.add.get_result(result.id).args == [1]
    with transaction.atomic():
        tasks.add.enqueue(2)
        transaction.set_rollback(True)
    assert len(jobs(conn)) == 1
