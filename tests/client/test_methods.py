"""Every method against the real functions: what goes in, what comes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import pgq
from tests.servers import Travel


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


def test_claim_and_settle(client: pgq.Client) -> None:
    ids = [client.enqueue("t", {"n": n}) for n in range(5)]
    worker_id = client.register_worker("w", ["*"], ["t"], 5, lease=10, pid=1)
    claimed = client.claim_batch(["*"], worker_id, 10, ["t"])
    assert [job.job_id for job in claimed] == ids
    assert claimed[0].args == {"n": 0}
    assert (claimed[0].attempt, claimed[0].timeout) == (1, None)
    claims = [job.claim_id for job in claimed]

    assert client.set_progress(ids[0], claims[0], {"done": 0.5}) == "ok"
    assert client.job(ids[0]).progress == {"done": 0.5}  # type: ignore[union-attr]
    assert client.heartbeat(worker_id, ids, claims) == []

    done = client.complete_batch(ids[:2], claims[:2], [{"answer": 42}, None])
    assert done == [(ids[0], "ok"), (ids[1], "ok")]
    assert client.complete_batch(ids[:1], claims[:1])[0].outcome == "already"
    result = client.result(ids[0])
    assert result is not None
    assert (result.state, result.result, result.error) == ("succeeded", {"answer": 42}, None)

    failed = client.fail_batch(
        ids[2:4], claims[2:4], ["no", "never"], final=[False, True], retry_in=[3600, None]
    )
    assert [(job.outcome, job.state) for job in failed] == [("ok", "scheduled"), ("ok", "failed")]
    assert failed[0].run_at is not None
    assert [(job.id, job.error_message) for job in client.failed_jobs()] == [(ids[3], "never")]
    snoozed = client.snooze_batch([ids[4]], [claims[4]], [timedelta(hours=1)])
    assert (snoozed[0].outcome, snoozed[0].state) == ("ok", "scheduled")
    assert client.release_batch([ids[4]], [claims[4]])[0].outcome == "already"
    assert client.fail_batch([ids[4]], [1])[0] == (ids[4], "lost", None, None)
    assert client.deregister_worker(worker_id) == 0
    assert client.verify() == []


@pytest.mark.slow
def test_promote_and_maintain(client: pgq.Client, travel: Travel) -> None:
    client.enqueue("t", delay=timedelta(hours=1))
    promotion = client.promote_due()
    assert promotion.promoted == 0
    assert promotion.due_in is not None
    assert timedelta(minutes=59) < promotion.due_in <= timedelta(hours=1)
    travel("1 hour")
    assert client.promote_due() == (1, None, None)
    assert {step.step for step in client.maintain()} >= {"rescue", "expire", "partition"}
    assert client.rescue_lost_workers() == 0
    assert client.prune("3 days") >= 0


def test_operate(client: pgq.Client) -> None:
    ids = [client.enqueue("t", queue="q", delay=delay) for delay in (None, "1 hour", None)]
    client.pause_queue("q", duration="15 minutes")
    assert client.claim_batch(["q"]) == []
    assert client.queue_stats()[0].paused
    assert client.resume_queue("q") is True
    assert client.retry([ids[1]]) == [(ids[1], "retried")]
    assert client.cancel([ids[0], 10**9]) == [(ids[0], "cancelled"), (10**9, "not_found")]
    assert client.discard([ids[0]]) == [(ids[0], "discarded")]
    assert client.clear_queue("q", include_scheduled=True) == 2
    client.configure(max_args_bytes=2000, keep_history_for=timedelta(days=2), notify=False)
    with pytest.raises(pgq.InvalidJob, match="bytes"):
        client.enqueue("t", {"a": "x" * 5000})
    worker_id = client.register_worker("w", ["q"])
    assert client.order_worker(worker_id, "stop") is True
    assert client.order_worker(worker_id + 1, "stop") is False
    assert client.heartbeat(worker_id) == [("stop", None)]
    status = client.worker_status()[0]
    assert (status.id, status.status, status.queues) == (worker_id, "stop", "q")
    assert client.version() == "0.1.0"


def test_jobs_finds_by_state_queue_and_task_newest_first(client: pgq.Client) -> None:
    ids = [client.enqueue(f"t{n % 2}", queue=f"q{n % 3}") for n in range(6)]
    client.enqueue("t0", run_at=datetime(2040, 1, 1, tzinfo=UTC))
    assert [job.id for job in client.list_jobs(states=["ready"]).jobs] == ids[::-1]
    assert [job.id for job in client.list_jobs(queue="q0").jobs] == [ids[3], ids[0]]
    assert [job.id for job in client.list_jobs(task="t1", page_size=2).jobs] == [ids[5], ids[3]]
    assert [job.task for job in client.list_jobs(states=["scheduled"]).jobs] == ["t0"]
    assert client.job(10**9) is None
    assert client.result(10**9) is None
