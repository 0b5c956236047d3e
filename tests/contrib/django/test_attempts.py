"""Django tasks in a worker: what they return, raise, see and leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections

import pgq
from pgq.contrib.django.compat import (
    TaskResult,
    TaskResultStatus,
    task_finished,
    task_started,
)
from pgq.contrib.django.workers import registry_of
from tests.contrib.django.shop import tasks
from tests.worker.running import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]


@pytest.fixture
def work(dsn: str) -> Callable[..., None]:
    """Run a worker until nothing is ready."""

    def run(**options: Any) -> None:
        registry = options.pop("registry", None)
        known = registry_of() if registry is None else registry
        asyncio.run(pgq.Worker(dsn, registry=known, drain=True, **options).run())

    return run


@contextmanager
def heard(*signals: Any) -> Iterator[list[tuple[str, str, int]]]:
    told: list[tuple[str, str, int]] = []
    names = {id(task_started): "started", id(task_finished): "finished"}

    def receiver(sender: Any, signal: Any, task_result: Any, **_: Any) -> None:
        assert task_result.enqueued_at <= task_result.started_at
        told.append((names[id(signal)], str(task_result.status), task_result.attempts))

    for signal in signals:
        signal.connect(receiver)
    try:
        yield told
    finally:
        for signal in signals:
            signal.disconnect(receiver)


def test_a_job_runs_and_its_result_is_there(work: Callable[..., None]) -> None:
    made = [tasks.add.enqueue(1, b=2), tasks.later.enqueue({"a": [1]}), tasks.add.enqueue(5)]
    work(name="w1")
    for each in made:
        each.refresh()
    assert [each.return_value for each in made] == [3, {"a": [1]}, 6]
    for each in made:
        assert each.status == TaskResultStatus.SUCCESSFUL
        assert each.enqueued_at <= each.started_at <= each.last_attempted_at <= each.finished_at
        assert (each.worker_ids, each.attempts, each.errors) == (["w1"], 1, [])


@pytest.mark.parametrize(
    ("task", "kind", "end"),
    [
        (tasks.fail, ValueError, "ValueError: no\n"),
        (tasks.leave, SystemExit, "SystemExit: enough\n"),
        (tasks.return_no_json, TypeError, "TypeError: Unsupported type"),
    ],
)
def test_an_error_is_told_whole(
    work: Callable[..., None], task: Any, kind: type[BaseException], end: str
) -> None:
    result = task.enqueue()
    work()
    result.refresh()
    assert (result.status, result.is_finished) == (TaskResultStatus.FAILED, True)
    [error] = result.errors
    assert error.exception_class is kind
    assert error.exception_class_path == f"builtins.{kind.__name__}"
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert end in error.traceback
    if kind is not TypeError:
        assert f'shop/tasks.py", line {task.func.__code__.co_firstlineno + 2}' in error.traceback
    assert "contrib/django" not in error.traceback.replace("tests/contrib/django", "")
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_a_context_knows_the_attempt_and_the_result(work: Callable[..., None]) -> None:
    result = tasks.tell.enqueue()
    work()
    result.refresh()
    assert result.return_value == {
        "id": result.id,
        "attempt": 1,
        "status": "RUNNING",
        "was_enqueued": True,
        "pgq": int(result.id),
    }


def test_each_attempt_has_its_worker_and_its_error(work: Callable[..., None], client: Any) -> None:
    result = tasks.third_time.enqueue()
    with heard(task_started, task_finished) as told:
        for name in ("a", "b", "c"):
            work(name=name, concurrency=1)
    result.refresh()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, 3)
    assert (len(result.worker_ids), result.attempts) == (3, 3)
    assert [error.exception_class for error in result.errors] == [ConnectionError] * 2
    assert result.started_at < result.last_attempted_at < result.finished_at
    assert told == [
        ("started", "RUNNING", 1),
        ("started", "RUNNING", 2),
        ("started", "RUNNING", 3),
        ("finished", "SUCCESSFUL", 3),
    ]


def test_a_run_without_a_traceback_has_an_error_class_too(client: Any) -> None:
    made = [tasks.add.enqueue(1) for _ in range(2)]
    one, two = client.claim_batch(["default"], batch_size=2)
    client.fail_batch([one.job_id], [one.claim_id], ["no"], error_types=["WorkerLost"])
    client.fail_batch([two.job_id], [two.claim_id], ["no"], error_types=["Nobody"])
    from pgq.contrib.django.exceptions import AttemptFailed, WorkerLost

    found: list[TaskResult] = [tasks.add.get_result(each.id) for each in made]
    assert [each.errors[0].exception_class for each in found] == [WorkerLost, AttemptFailed]
    assert found[0].errors[0].traceback == "WorkerLost: no\n"


def test_signals_reach_async_tasks(work: Callable[..., None]) -> None:
    with heard(task_started, task_finished) as told:
        tasks.count_async.enqueue()
        work()
    assert told == [("started", "RUNNING", 1), ("finished", "SUCCESSFUL", 1)]


def test_a_receiver_that_raises_harms_no_job(work: Callable[..., None]) -> None:
    def receiver(**_: Any) -> None:
        raise RuntimeError

    task_started.connect(receiver)
    task_finished.connect(receiver)
    try:
        result = tasks.add.enqueue(1)
        work()
    finally:
        task_started.disconnect(receiver)
        task_finished.disconnect(receiver)
    result.refresh()
    assert result.return_value == 2


@pytest.mark.parametrize(("age", "sessions"), [(0, 3), (60, 1)])
def test_connections_are_closed_at_their_age(
    work: Callable[..., None], monkeypatch: pytest.MonkeyPatch, age: int, sessions: int
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", age)
    made = [tasks.pid.enqueue() for _ in range(3)]
    work(concurrency=1)
    found = {tasks.pid.get_result(each.id).return_value for each in made}
    assert len(found) == sessions


def test_no_connection_of_an_async_task_is_left(
    work: Callable[..., None], conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 60)
    made = [tasks.count_async.enqueue() for _ in range(5)]
    connections.close_all()
    work()
    others = (
        "select query from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    wait_for(lambda: conn.execute(others).fetchall() == [])
    assert [tasks.count_async.get_result(each.id).return_value for each in made] == [0] * 5


def test_an_atomic_task_and_its_effects_are_one(
    work: Callable[..., None], conn: psycopg.Connection
) -> None:
    paid, failed = tasks.pay.enqueue(1), tasks.pay.enqueue(2, fails=True)
    work()
    assert conn.execute("select number from shop_order").fetchall() == [(1,)]
    paid.refresh()
    failed.refresh()
    assert (paid.return_value, failed.status) == (1, TaskResultStatus.FAILED)


def test_an_atomic_task_that_lost_its_claim_leaves_nothing(
    dsn: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.contrib.django.shop.models import Order

    result = tasks.pay.enqueue(1)
    create = Order.objects.create

    def create_and_lose(**values: Any) -> Any:
        made = create(**values)
        # Another session, as if this worker had been presumed dead.
        conn.execute("update pgq.running set claim_id = claim_id + 1")
        return made

    monkeypatch.setattr(Order.objects, "create", create_and_lose)
    asyncio.run(_run_for(pgq.Worker(dsn, registry=registry_of(), drain=True), 15))
    assert conn.execute("select number from shop_order").fetchall() == []
    assert not tasks.pay.get_result(result.id).is_finished


async def _run_for(worker: pgq.Worker, seconds: float) -> None:
    await asyncio.wait_for(worker.run(), seconds)


def test_a_worker_leaves_jobs_of_tasks_that_it_does_not_know(
    work: Callable[..., None], client: Any
) -> None:
    job_id = client.enqueue("tests.contrib.django.test_handlers.nowhere")
    work()
    assert client.job(job_id).state == "ready"


def test_a_task_is_found_by_its_import_path(work: Callable[..., None], client: Any) -> None:
    registry = registry_of(accept_all=True)
    registry._tasks.clear()
    made = [
        client.enqueue(path, [1], max_attempts=1)
        for path in (tasks.add.module_path, "os.system", "no.such.module", "")[:3]
    ]
    work(registry=registry)
    states = [client.job(each).state for each in made]
    assert states == ["succeeded", "failed", "failed"]
    assert client.job(made[1]).errors[-1]["type"] == "UnknownTask"


def test_a_worker_may_be_told_to_import_what_jobs_name(
    work: Callable[..., None], client: Any, configured: Callable[..., None]
) -> None:
    configured(import_tasks=True)
    job_id = client.enqueue("no.such.module.task", max_attempts=1)
    work()
    assert client.job(job_id).state == "failed"


def test_a_task_finds_nothing_of_the_one_before(work: Callable[..., None]) -> None:
    made = [tasks.remember.enqueue(number) for number in (1, 2)]
    made += [tasks.remember_async.enqueue(number) for number in (3, 4)]
    work(concurrency=1)
    found = [each.task.get_result(each.id).return_value for each in made]
    assert found == [None, None, None, None]


def test_caches_are_closed(work: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    from pgq.contrib.django import attempts

    closed: list[int] = []
    monkeypatch.setattr(attempts, "close_caches", lambda: closed.append(1))
    tasks.add.enqueue(1)
    tasks.fail.enqueue()
    tasks.later.enqueue(1)
    work()
    assert closed == [1, 1, 1]
