"""Tasks with Django's options, the concurrency decorator, backends by alias."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

import pgq
from pgq import tasks
from pgq.contrib import dj_queue
from pgq.contrib.dj_queue import api
from pgq.contrib.dj_queue.hooks import register_hook
from pgq.testing import drain


def test_options_become_those_of_the_jobs(client: pgq.Client) -> None:
    @dj_queue.task(queue_name="mail", priority=30, timeout=60, max_attempts=3)
    def send(user: int) -> str:
        """Send it."""
        return f"sent {user}"

    assert send(1) == send.call(1) == "sent 1"
    assert (send.name, send.queue_name, send.priority) == ("send", "mail", 30)
    result = send.enqueue(7)
    job = client.job(int(result.id))
    assert job is not None
    assert (job.task, job.queue, job.priority) == (send.module_path, "mail", -30)
    assert (job.max_attempts, job.timeout and job.timeout.seconds, job.args) == (3, 60, [7])
    assert send.module_path in tasks.registry.names


def test_without_more_attempts_there_are_no_retries(client: pgq.Client) -> None:
    @dj_queue.task
    def bad() -> None:
        raise ValueError("no")

    result = bad.enqueue()
    with pytest.raises(ValueError, match="not finished"):
        assert result.return_value
    drain(client, raise_errors=False)
    result.refresh()
    assert (result.status, result.attempts) == ("FAILED", 1)


def test_using_leaves_the_task_as_it_was(client: pgq.Client) -> None:
    @dj_queue.task
    def send() -> None: ...

    at = datetime(2100, 1, 1, tzinfo=UTC)
    other = send.using(priority=5, queue_name="q", run_after=at)
    assert (send.priority, send.queue_name, send.run_after) == (0, "default", None)
    result = other.using(priority=6).enqueue()
    (job,) = client.list_jobs(details=True).jobs
    assert (job.priority, job.queue, job.run_at, result.state) == (-6, "q", at, "scheduled")
    for refused in (lambda: send.using(priority=101), lambda: dj_queue.task(priority=-101)(print)):
        with pytest.raises(dj_queue.EnqueueError, match="priority"):
            refused()


def test_a_context(client: pgq.Client) -> None:
    @dj_queue.task(takes_context=True)
    def tell(context: Any, word: str) -> str:
        return f"{word} {context.attempt}"

    tell.enqueue("attempt")
    assert [job.result for job in drain(client)] == ["attempt 1"]


def test_async_ways_in(dsn: str) -> None:
    dj_queue.connect(dsn)

    @dj_queue.task
    def add(a: int, b: int) -> int:
        return a + b

    async def use() -> dj_queue.TaskResult:
        made = await add.aenqueue(1, b=2)
        async with pgq.AsyncClient(dsn) as client:
            assert await client.enqueue(add.new_job([3, 4])) == int(made.id) + 1
        await made.arefresh()
        return await add.aget_result(made.id)

    found = asyncio.run(use())
    assert (found.status, found.args, found.kwargs) == ("READY", [1], {"b": 2})


@pytest.mark.parametrize("above", [True, False])
def test_the_concurrency_decorator(client: pgq.Client, above: bool) -> None:
    limited = dj_queue.concurrency(key="a:{account}", limit=2, on_conflict="discard")

    def sync(account: int) -> None: ...

    task: Any = limited(dj_queue.task(sync)) if above else dj_queue.task(limited(sync))
    ids = [int(task.enqueue(1).id) for _ in range(3)]
    client.promote_due()
    assert [job.state for one in ids if (job := client.job(one))] == ["ready", "ready", "cancelled"]


def test_a_key_may_be_a_function(client: pgq.Client) -> None:
    @dj_queue.concurrency(key=lambda account, **_: f"a:{account % 2}")
    @dj_queue.task
    def sync(account: int, *, fast: bool = False) -> None: ...

    for account in (1, 2, 3):
        sync.enqueue(account, fast=True)
    assert [job.concurrency_key for job in client.blocked_jobs()] == ["a:1", "a:0", "a:1"]


def test_arguments_that_do_not_fit(client: pgq.Client) -> None:
    @dj_queue.task
    def sync(account: int) -> None: ...

    with pytest.raises(dj_queue.EnqueueError, match="missing a required argument"):
        sync.enqueue()
    with pytest.raises(dj_queue.EnqueueError, match="queue"):
        sync.using(queue_name="q" * 200).enqueue(1)
    sync.func.__dict__.update(concurrency_key="k", concurrency_limit=1, on_conflict="drop")
    with pytest.raises(dj_queue.EnqueueError, match="on_conflict"):
        sync.enqueue(1)
    assert client.list_jobs(details=True).jobs == []


def test_all_or_none(client: pgq.Client) -> None:
    @dj_queue.task
    def sync(account: Any) -> None: ...

    backend = sync.get_backend()
    with pytest.raises(dj_queue.EnqueueError):
        backend.enqueue_all([(sync, [1], {}), (sync, [float("nan")], {})])
    assert client.list_jobs(details=True).jobs == []
    assert backend.enqueue_all([]) == []


@pytest.mark.parametrize(
    "result_id",
    ["99", 99, 0, -1, 2**63, "9" * 40, "", "x", "\u0661", uuid.uuid4(), True, 1.0, None],
)
def test_an_unknown_result(result_id: Any) -> None:
    with pytest.raises(dj_queue.DjQueueError, match="there is no job"):
        dj_queue.Backend().get_result(result_id)


@pytest.mark.parametrize("wrong", [{1: "a"}, {1: 3, "1": 4}, [({None: 1},)], {"a": {True: 1}}])
def test_arguments_that_json_would_change(client: pgq.Client, wrong: Any) -> None:
    @dj_queue.task
    def sync(account: Any) -> None: ...

    with pytest.raises(dj_queue.EnqueueError, match="must be JSON round-trippable"):
        sync.enqueue(wrong)
    with pytest.raises(dj_queue.EnqueueError, match="must be JSON round-trippable"):
        dj_queue.schedule_recurring_task(
            key="k", task_path="t", schedule="@daily", kwargs={"account": wrong}
        )
    assert client.list_jobs().jobs == []


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None])
def test_whole_numbers_are_whole(client: pgq.Client, wrong: Any) -> None:
    @dj_queue.concurrency(key="k", limit=wrong)
    @dj_queue.task
    def sync() -> None: ...

    for call in (
        sync.enqueue,
        lambda: dj_queue.task(priority=wrong)(print),
        lambda: dj_queue.schedule_recurring_task(
            key="k", task_path="t", schedule="@daily", priority=wrong
        ),
        lambda: api.claim_ready_jobs(limit=wrong),
        lambda: api.retry_failed_jobs(batch_size=wrong),
        lambda: api.discard_ready_jobs(batch_size=wrong),
    ):
        with pytest.raises(dj_queue.EnqueueError):
            call()


def test_a_recurring_task_has_dj_queues_names() -> None:
    made = dj_queue.schedule_recurring_task(
        key="k", task_path="t", schedule="0 3 * * *", args=[1], kwargs={"a": 2},
        queue_name="night", priority=5, description="at night",
    )  # fmt: skip
    assert (made.key, made.task_path, made.schedule) == ("k", "t", "0 3 * * *")
    assert (made.queue_name, made.priority, made.static) == ("night", 5, False)
    assert (made.backend_alias, made.description) == ("default", "at night")
    assert made.payload == {"args": [1], "kwargs": {"a": 2}}
    assert made.next_run_at is not None
    assert made.name == "k"
    for wrong in ({"schedule": "61 * * * *"}, {"schedule": ""}, {"key": ""}, {"task_path": 3}):
        given: Any = {"key": "k", "task_path": "t", "schedule": "@daily", **wrong}
        with pytest.raises(dj_queue.EnqueueError):
            dj_queue.schedule_recurring_task(**given)


def test_a_backend_by_alias(client: pgq.Client, dsn: str) -> None:
    @dj_queue.task
    def sync() -> None: ...

    with pytest.raises(dj_queue.DjQueueError, match="'critical'"):
        sync.using(backend="critical").enqueue()
    with dj_queue.connect(dsn, backend_alias="critical"):
        sync.using(backend="critical").enqueue()
        (queue,) = dj_queue.QueueInfo.all(backend_alias="critical")
        assert (queue.queue_name, queue.size) == ("default", 1)
    assert len(client.list_jobs(details=True).jobs) == 1


def test_the_default_backend_is_the_environment(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgq.contrib.dj_queue._backends._clients", {})
    monkeypatch.setenv("PGQ_DSN", dsn)
    queue = dj_queue.QueueInfo("mail")
    queue.pause()
    assert dj_queue.QueueInfo("mail").paused
    dj_queue.Backend().client.close()


def test_on_commit_needs_a_transaction(dsn: str, conn: psycopg.Connection) -> None:
    @dj_queue.task
    def send(order: int) -> None: ...

    with dj_queue.connect(dsn) as client:
        with pytest.raises(dj_queue.EnqueueError, match="no transaction"):
            dj_queue.enqueue_on_commit(send, 1)
        with conn.transaction():
            dj_queue.enqueue_on_commit(send, 1, using=conn)
            assert client.list_jobs(details=True).jobs == []
        assert [job.args for job in client.list_jobs(details=True).jobs] == [[1]]
        with pytest.raises(dj_queue.EnqueueError, match="queue"):
            dj_queue.enqueue_on_commit(send.using(queue_name="q" * 200), 1, using=conn)


def test_a_static_schedule_is_not_unscheduled(client: pgq.Client) -> None:
    client.sync_schedules("code", [pgq.NewSchedule("mine", "t", cron="@daily")])
    assert dj_queue.unschedule_recurring_task("mine") == 0
    assert dj_queue.unschedule_recurring_task("nobody's") == 0
    dj_queue.schedule_recurring_task(
        key="k", task_path="t", schedule="@daily", args=[1], kwargs={"a": 2}, description="daily"
    )
    found = client.schedule_status("k")[0]
    assert found.description == "daily"
    assert found.job["args"] == {"args": [1], "kwargs": {"a": 2}}
    assert dj_queue.unschedule_recurring_task("k") == 1


@pytest.mark.parametrize("event", ["worker.begin", "boss.start", "start", ""])
def test_hooks_for_events_that_there_are_not(event: str) -> None:
    with pytest.raises(pgq.InvalidArgument, match="no event"):
        register_hook(event)
