"""Limits of jobs and recurring tasks, as dj-queue has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

import pgq
from pgq.contrib import dj_queue
from pgq.contrib.django import EnqueueError, job_options
from pgq.contrib.django.backend import backend_of
from pgq.contrib.django.compat import InvalidTask
from pgq.contrib.django.recurring import (
    schedule_recurring_task,
    timing_of,
    unschedule_recurring_task,
)
from pgq.contrib.django.workers import registry_of
from pgq.errors import InvalidArgument
from tests.contrib.django.shop import tasks

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("database")]
PATH = "tests.contrib.django.shop.tasks."


def limits(conn: psycopg.Connection) -> list[Any]:
    rows = conn.execute("select concurrency from pgq.jobs order by id").fetchall()
    return [row[0] for row in rows]


def test_a_limited_task_has_its_key_and_policy(conn: psycopg.Connection) -> None:
    tasks.sync.enqueue(7)
    tasks.of_dj_queue.enqueue(account=8)
    assert limits(conn) == [
        {"key": "account:7", "limit": 1, "weight": 1},
        {"key": "account:8", "limit": 2, "weight": 1, "seconds": 60, "discard": True},
    ]


def of(**attributes: Any) -> Any:
    """Return the task `of_dj_queue` with these attributes, and no others of dj-queue's."""
    return attributes


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (of(concurrency_key="k"), "concurrency_limit is required when concurrency_key is set"),
        (of(concurrency_key=7, concurrency_limit=1), "concurrency_key must be a string or call"),
        (of(concurrency_key="k", concurrency_limit=0), "concurrency_limit must be a positive int"),
        (of(concurrency_key="k", concurrency_limit=True), "concurrency_limit must be a positive"),
        (
            of(concurrency_key="k", concurrency_limit=1, concurrency_duration=-1),
            "concurrency_duration must be a positive integer",
        ),
        (
            of(concurrency_key="k", concurrency_limit=1, on_conflict="wait"),
            "on_conflict must be 'block' or 'discard'",
        ),
        (
            of(concurrency_key="{missing}", concurrency_limit=1),
            "could not resolve concurrency_key",
        ),
        (
            of(concurrency_key=lambda account: account, concurrency_limit=1),
            "concurrency_key must resolve to a non-empty string",
        ),
        (
            of(concurrency_key=lambda account: "", concurrency_limit=1),
            "concurrency_key must resolve to a non-empty string",
        ),
        (
            of(concurrency_key="{account[name]}", concurrency_limit=1),
            "could not resolve concurrency_key",
        ),
    ],
)
def test_reasons_are_those_of_dj_queue(
    attributes: dict[str, Any],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    conn: psycopg.Connection,
) -> None:
    function = tasks.of_dj_queue.func
    for name in ("concurrency_limit", "concurrency_duration", "on_conflict"):
        monkeypatch.delattr(function, name)
    for name, given in attributes.items():
        monkeypatch.setattr(function, name, given, raising=False)
    with pytest.raises(EnqueueError, match=reason) as raised:
        tasks.of_dj_queue.enqueue(7)
    assert isinstance(raised.value, InvalidTask)
    assert isinstance(raised.value, dj_queue.EnqueueError)
    assert limits(conn) == []


def test_a_key_may_be_a_function(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    function = tasks.of_dj_queue.func
    monkeypatch.setattr(function, "concurrency_key", lambda account: f"fn:{account}")
    tasks.of_dj_queue.enqueue(3)
    assert [each["key"] for each in limits(conn)] == ["fn:3"]


def test_options_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="job_options has no retries"):
        job_options(retries=3)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument, match="job_options has no priority"):
        job_options(priority=3)


def test_an_async_task_cannot_be_atomic(configured: Callable[..., None]) -> None:
    configured(atomic=True)
    with pytest.raises(EnqueueError, match="Django has no async transactions"):
        tasks.later.enqueue(1)


def test_a_schedule_keeps_what_the_task_says(
    client: pgq.Client, configured: Callable[..., None]
) -> None:
    entry = {"task_path": PATH + "of_dj_queue", "schedule": "0 4 * * *", "args": [9],
             "queue_name": "night", "priority": 5, "description": "at night"}  # fmt: skip
    configured(recurring={"by-setting": entry})
    client.sync_schedules("here", registry_of().schedules)
    found = {each.name: each for each in client.schedule_status()}
    assert found.keys() == {PATH + "nightly", "by-setting"}
    assert {each.timezone for each in found.values()} == {"Europe/Berlin"}
    mine = found["by-setting"]
    assert (mine.queue, mine.description, mine.timing) == ("night", "at night", "0 4 * * *")
    for name in found:
        client.run_schedule_now(name)
    jobs = client.list_jobs(details=True).jobs
    assert {(job.concurrency_key, job.priority, job.max_attempts) for job in jobs} == {
        ("n:7", 0, 1),
        ("account:9", -5, 1),
    }
    with client.connection() as conn:
        rows = conn.execute("select concurrency from pgq.jobs where queue = 'night'").fetchall()
    assert rows == [
        ({"key": "account:9", "limit": 2, "weight": 1, "seconds": 60, "discard": True},)
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"task_path": PATH + "add"}, "requires task_path and schedule"),
        ({"task_path": PATH + "add", "schedule": "@daily", "cron": 1}, "has no option cron"),
        ({"task_path": PATH + "no", "schedule": "@daily"}, "task_path must be importable"),
        ({"task_path": PATH + "Order", "schedule": "@daily"}, "must reference a Django task"),
        ({"task_path": PATH + "add", "schedule": "daily"}, "must be a valid cron expression"),
        ({"task_path": PATH + "add", "schedule": "@daily", "priority": 101}, "whole number"),
    ],
)
def test_a_wrong_entry_is_named(
    entry: dict[str, Any], reason: str, configured: Callable[..., None]
) -> None:
    configured(recurring={"mine": entry})
    with pytest.raises(ImproperlyConfigured, match=f"(?s)recurring task 'mine'.*{reason}"):
        registry_of()


def test_a_schedule_is_made_and_deleted_at_run_time(client: pgq.Client) -> None:
    with transaction.atomic():
        schedule_recurring_task(key="k", task_path=PATH + "add", schedule="@daily", args=[1])
        transaction.set_rollback(True)
    assert client.schedule_status("k") == []
    made = schedule_recurring_task(
        key="k", task_path=PATH + "sync", schedule="30 2 * * mon UTC", kwargs={"account": 2},
        priority=-3,
    )  # fmt: skip
    assert (made.timing, made.timezone) == ("30 2 * * mon", "UTC")
    client.run_schedule_now("k")
    [job] = client.list_jobs(details=True).jobs
    assert (job.concurrency_key, job.priority, job.args) == ("account:2", 3, {"account": 2})
    assert (unschedule_recurring_task("k"), unschedule_recurring_task("k")) == (1, 0)
    with pytest.raises(EnqueueError, match="schedule must be a valid cron expression"):
        schedule_recurring_task(key="k", task_path=PATH + "add", schedule="at noon")


@pytest.mark.parametrize(
    ("schedule", "timing"),
    [
        ("0 3 * * *", {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}),
        ("@daily", {"cron": "@daily", "timezone": "Europe/Berlin"}),
        ("0 3 * * * America/New_York", {"cron": "0 3 * * *", "timezone": "America/New_York"}),
        ("0 30 2 * * mon", {"cron": "30 2 * * mon", "timezone": "Europe/Berlin"}),
        ("every 30 seconds", {"every": timedelta(seconds=30)}),
        ("every minute", {"cron": "* * * * *", "timezone": "Europe/Berlin"}),
        ("every 5 minutes", {"cron": "*/5 * * * *", "timezone": "Europe/Berlin"}),
        ("every 6 hours UTC", {"cron": "0 */6 * * *", "timezone": "UTC"}),
    ],
)
def test_schedules_of_dj_queue_are_read(schedule: str, timing: dict[str, Any]) -> None:
    assert timing_of(schedule) == timing


def test_seconds_are_refused_with_what_to_write() -> None:
    with pytest.raises(EnqueueError, match="no field for seconds"):
        timing_of("*/30 * * * * *")


def test_two_backends_keep_their_jobs_apart_and_share_semaphores(
    conn: psycopg.Connection, configured: Callable[..., None]
) -> None:
    from django.test import override_settings

    from tests.contrib.django_settings import BACKEND

    both = {alias: {"BACKEND": BACKEND, "QUEUES": []} for alias in ("default", "critical")}
    with override_settings(TASKS=both):
        one, two = tasks.sync.enqueue(1), tasks.sync.using(backend="critical").enqueue(1)
        assert (one.backend, two.backend) == ("default", "critical")
        assert backend_of("critical").get_result(two.id).backend == "critical"
        from pgq.contrib.django.compat import TaskResultDoesNotExist

        with pytest.raises(TaskResultDoesNotExist):
            backend_of("default").get_result(two.id)
        conn.execute("select pgq.promote_due()")
        claimed = conn.execute("select job_id from pgq.claim_batch(array['*'], batch_size => 9)")
        assert claimed.fetchall() == [(int(one.id),)]
