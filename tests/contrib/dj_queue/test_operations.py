"""dj-queue's operations by their own names and arguments."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import pgq
from pgq.contrib import dj_queue
from pgq.contrib.dj_queue import api
from pgq.contrib.dj_queue.operations import cleanup, jobs
from pgq.rows import ClaimedJob
from tests.servers import Travel

Discard = Callable[..., int]


def state(client: pgq.Client, job_id: int) -> str | None:
    found = client.job(job_id)
    return found and found.state


def fail(client: pgq.Client, claimed: ClaimedJob) -> int:
    client.fail_batch([claimed.job_id], [claimed.claim_id], ["boom"], final=[True])
    return claimed.job_id


def failed(client: pgq.Client, count: int = 1, task: str = "t") -> list[int]:
    for _ in range(count):
        client.enqueue(task)
    return [fail(client, claimed) for claimed in client.claim_batch(["*"], batch_size=count)]


def test_retry_one(client: pgq.Client) -> None:
    (job_id,) = failed(client)
    again = jobs.retry_failed_job(str(job_id))
    assert (again.id, again.status, again.state) == (str(job_id), "READY", "ready")
    with pytest.raises(dj_queue.DjQueueError, match=r"has not failed: ready"):
        jobs.retry_failed_job(job_id)
    with pytest.raises(dj_queue.DjQueueError, match="there is no job 99"):
        jobs.retry_failed_job(99)


def test_retry_at_a_time(client: pgq.Client, travel: Travel) -> None:
    """Until then its status is FAILED, as in dj-queue."""

    @dj_queue.task
    def once() -> None: ...

    once.enqueue()
    (held,) = client.claim_batch(["*"])
    job_id = fail(client, held)
    at = datetime.now(UTC) + timedelta(hours=1)
    result = jobs.schedule_failed_job_retry(job_id, at)
    assert (result.state, result.status, result.is_finished) == ("scheduled", "FAILED", True)
    assert result.errors[0].message == "boom"
    assert client.list_jobs(details=True).jobs[0].run_at == at
    travel("61 minutes")
    jobs.promote_scheduled_jobs()
    result.refresh()
    assert (result.state, result.status) == ("ready", "READY")
    with pytest.raises(dj_queue.EnqueueError, match="retry_at"):
        jobs.schedule_failed_job_retry(job_id, None)  # type: ignore[arg-type]


def test_a_job_that_retries_by_itself_has_not_failed(client: pgq.Client) -> None:
    @dj_queue.task(max_attempts=2)
    def twice() -> None: ...

    twice.enqueue()
    client.enqueue("of pgq", max_attempts=3)
    for held in client.claim_batch(["*"], batch_size=2):
        client.fail_batch([held.job_id], [held.claim_id], ["boom"])
    for job in client.list_jobs(states=["scheduled"]).jobs:
        assert twice.get_result(job.id).status == "READY"


@pytest.mark.parametrize("given", ["e9d71f5e-7ee2-4c3b-9e0a-3d8f0c9a4a11", uuid.uuid4(), "x", ""])
def test_ids_of_another_queue_are_unknown(client: pgq.Client, given: Any) -> None:
    (job_id,) = failed(client)
    for one in (
        jobs.retry_failed_job, jobs.enqueue_job_again, jobs.dispatch_scheduled_job_now,
        lambda given: jobs.schedule_failed_job_retry(given, datetime.now(UTC)),
    ):  # fmt: skip
        with pytest.raises(dj_queue.DjQueueError, match="there is no job"):
            one(given)
    assert jobs.discard_failed_job(given) == 0
    assert jobs.retry_failed_jobs(job_ids=[given, str(job_id)]) == 1


def test_the_api_has_what_dj_queues_readme_imports(client: pgq.Client) -> None:
    names = (
        "claim_ready_jobs", "execute_claimed_job", "discard_blocked_jobs", "discard_failed_job",
        "discard_failed_jobs", "discard_ready_jobs", "discard_scheduled_jobs", "retry_failed_job",
        "retry_failed_jobs", "schedule_failed_job_retry",
    )  # fmt: skip
    assert [getattr(api, name) is getattr(jobs, name) for name in names] == [True] * 10
    assert {*names, "ClaimedJob", "QueueInfo"} <= {*api.__all__}


def test_retry_many(client: pgq.Client) -> None:
    ids = failed(client, 5)
    cancelled = client.enqueue("t")
    client.cancel([cancelled])
    assert jobs.retry_failed_jobs(job_ids=[*ids[:3], cancelled], batch_size=2) == 3
    assert jobs.retry_failed_jobs(batch_size=1) == 1
    assert jobs.retry_failed_jobs() == 1
    assert jobs.retry_failed_jobs() == 0
    assert state(client, cancelled) == "cancelled"


@pytest.mark.parametrize(
    ("kind", "discard"),
    [
        ("failed", jobs.discard_failed_jobs),
        ("ready", jobs.discard_ready_jobs),
        ("scheduled", jobs.discard_scheduled_jobs),
        ("blocked", jobs.discard_blocked_jobs),
    ],
)
def test_discard_by_state(client: pgq.Client, kind: str, discard: Discard) -> None:
    made = {"failed": failed(client, 4)}
    made["ready"] = [client.enqueue("t") for _ in range(4)]
    made["scheduled"] = [client.enqueue("t", delay=3600) for _ in range(4)]
    made["blocked"] = [client.enqueue("t", concurrency_key="k") for _ in range(4)]
    others = [job_id for name, ids in made.items() if name != kind for job_id in ids]
    assert discard(job_ids=[*others, made[kind][0]], batch_size=5) == 1
    assert discard(batch_size=2) == 2
    assert discard() == 1
    assert discard() == 0
    assert sorted(job.id for job in client.list_jobs(details=True).jobs) == sorted(others)


def test_discard_one_failed(client: pgq.Client) -> None:
    (job_id,) = failed(client)
    ready = client.enqueue("t")
    assert jobs.discard_failed_job(ready) == 0
    assert jobs.discard_failed_job(job_id) == 1
    assert (state(client, job_id), state(client, ready)) == (None, "ready")


def test_discard_of_one_queue(client: pgq.Client) -> None:
    for queue in ("a", "a", "a", "b"):
        client.enqueue("t", queue=queue)
    client.enqueue("t", queue="a", concurrency_key="k")
    assert jobs.discard_ready_jobs_for_queue("a", batch_size=2) == 2
    assert jobs.discard_ready_jobs_for_queue("a") == 1
    assert sorted(job.queue for job in client.list_jobs(details=True).jobs) == ["a", "b"]


def test_again(client: pgq.Client) -> None:
    (job_id,) = failed(client, task="send")
    made = jobs.enqueue_job_again(job_id)
    assert (made.task_path, made.state) == ("send", "ready")
    assert made.id != str(job_id)


def test_dispatch_now(client: pgq.Client) -> None:
    job_id = client.enqueue("t", delay=3600)
    assert jobs.dispatch_scheduled_job_now(job_id).state == "ready"
    with pytest.raises(dj_queue.DjQueueError, match="is not scheduled: ready"):
        jobs.dispatch_scheduled_job_now(job_id)


def test_promote(client: pgq.Client, travel: Travel) -> None:
    client.enqueue("t", delay=60)
    assert jobs.promote_scheduled_jobs(batch_size=10) == 0
    travel("2 minutes")
    assert jobs.promote_scheduled_jobs(batch_size=10) == 1


def test_claim_and_execute(client: pgq.Client) -> None:
    @dj_queue.task(queue_name="maths")
    def divide(one: int, other: int) -> float:
        return one / other

    divide.enqueue(6, 3)
    divide.enqueue(6, other=0)
    assert jobs.claim_ready_jobs(limit=0) == []
    assert jobs.claim_ready_jobs(limit=5, queues="other") == []
    first, second = jobs.claim_ready_jobs(limit=5, queues=["maths"])
    done = jobs.execute_claimed_job(first)
    assert (done.status, done.return_value, done.attempts) == ("SUCCESSFUL", 2.0, 1)
    bad = jobs.execute_claimed_job(second)
    assert (bad.status, bad.is_finished) == ("FAILED", True)
    assert bad.errors[0].exception_class_path == "ZeroDivisionError"
    assert "divide" in (bad.errors[0].traceback or "")
    with pytest.raises(ValueError, match="failed"):
        assert bad.return_value


def test_settle_by_hand(client: pgq.Client) -> None:
    for _ in range(3):
        client.enqueue("t", max_attempts=1)
    first, second, third = jobs.claim_ready_jobs(limit=3)
    assert jobs.complete_claimed_job(first, {"n": 1}).return_value == {"n": 1}
    assert jobs.complete_claimed_job(second).return_value is None
    found = jobs.fail_claimed_job(third, LookupError("gone"))
    assert (found.status, found.errors[0].message) == ("FAILED", "gone")


def test_a_stale_claim_changes_nothing(client: pgq.Client) -> None:
    """With dj-queue the second of two runs is ended by the first one's result."""
    client.enqueue("t")
    (stale,) = jobs.claim_ready_jobs(limit=1)
    held = stale
    for _ in range(2):
        client.release_batch([held.job_id], [held.claim_id])
        (held,) = jobs.claim_ready_jobs(limit=1)
    with pytest.raises(pgq.JobLost):
        jobs.complete_claimed_job(stale, "stale")
    with pytest.raises(pgq.JobLost):
        jobs.fail_claimed_job(stale, ValueError())
    assert jobs.complete_claimed_job(held, "fresh").return_value == "fresh"


def test_clean_up(client: pgq.Client) -> None:
    bad = failed(client, 2, task="bad")
    good: list[int] = []
    for task in ("good", "good", "other"):
        client.enqueue(task)
        (held,) = client.claim_batch(["*"])
        client.complete_batch([held.job_id], [held.claim_id])
        good.append(held.job_id)
    later = datetime.now(UTC) + timedelta(hours=2)
    assert cleanup.clear_finished_jobs() == cleanup.clear_failed_jobs() == 0
    assert cleanup.clear_finished_jobs(older_than=3600) == 0
    assert cleanup.clear_finished_jobs(older_than=3600, task_path="good", now=later) == 2
    assert cleanup.clear_failed_jobs(older_than=3600, batch_size=1, now=later) == 1
    assert sorted(job.id for job in client.list_jobs(details=True).jobs) == [bad[1], good[2]]


def test_clean_up_after_schedules(client: pgq.Client) -> None:
    for name in ("a", "b"):
        dj_queue.schedule_recurring_task(key=name, task_path="t", schedule="@daily")
        client.run_schedule_now(name)
    assert cleanup.clear_recurring_executions() == 0
    assert cleanup.clear_recurring_executions(older_than=3600) == 0
    assert cleanup.clear_recurring_executions(older_than=0, task_key="a") == 1
    assert [len(client.schedule_history(name)) for name in ("a", "b")] == [0, 1]
