"""Semaphores, limits, unique keys and bulk operations from Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import pgq


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


def settle(client: pgq.Client, count: int = 1) -> list[int]:
    claimed = client.claim_batch(["*"], batch_size=count)
    client.complete_batch([job.job_id for job in claimed], [job.claim_id for job in claimed])
    return [job.job_id for job in claimed]


def test_every_option_of_coordination_arrives(client: pgq.Client, conn: psycopg.Connection) -> None:
    parent = client.enqueue("t")
    job = pgq.NewJob(
        "t",
        concurrency_key="k",
        concurrency_limit=5,
        concurrency_duration=timedelta(minutes=15),
        concurrency_weight=2,
        concurrency_on_conflict="discard",
        depends_on=[parent],
        on_parent_failure="wait",
        partition_key="tenant",
        unique_key="u",
        unique_while="queued",
        unique_for=60,
        batch_id=client.create_batch(description="b"),
    )
    one = client.enqueue(job)
    (many,) = client.enqueue_many([job.changed(unique_key="v")])
    rows = conn.execute(
        "select to_jsonb(job) - '{id,unique_key,run_at,created_at}'::text[] from pgq.jobs as job"
        " where id = any(%s) order by id",
        ([one, many.id],),
    ).fetchall()
    assert len(rows) == 2
    assert rows[0] == rows[1]
    stored = rows[0][0]
    assert stored["concurrency"] == {
        "key": "k", "limit": 5, "weight": 2, "seconds": 900, "discard": True
    }  # fmt: skip
    assert (stored["depends_on"], stored["on_parent_failure"]) == ([parent], "wait")
    assert (stored["partition_key"], stored["batch_id"]) == ("tenant", job.batch_id)
    owner = client.unique_key_owner("v")
    assert owner is not None
    assert (owner.job_id, owner.state) == (many.id, "blocked")
    assert owner.until_at is not None
    found = client.job(one)
    assert found is not None
    assert (found.state, found.batch_id) == ("blocked", job.batch_id)
    links = client.job_links(one)
    assert links is not None
    assert links[:8] == (one, [parent], [], "k", 2, False, "tenant", None)
    assert client.job_links(10**9) is None


def test_a_semaphore_from_a_task(client: pgq.Client) -> None:
    @pgq.Registry().task(concurrency_key="account:{account}", concurrency_limit=1)
    def sync(account: int) -> None:
        pass

    first, second = client.enqueue(sync.job(1)), client.enqueue(sync, {"account": 1})
    other = client.enqueue(sync.job(2))
    client.promote_due()
    assert {job.id for job in client.list_jobs(states=["ready"]).jobs} == {first, other}
    assert [(job.id, job.waits_for) for job in client.blocked_jobs()] == [(second, "semaphore")]
    assert [(each.concurrency_key, each.holders, each.waiters) for each in
            client.semaphore_status()] == [("account:1", 1, 1), ("account:2", 1, 0)]  # fmt: skip

    client.configure_semaphore("account:1", 2)
    client.promote_due()
    assert client.blocked_jobs() == []
    status = client.semaphore_status()[0]
    assert (status.max_slots, status.used_slots, status.configured) == (2, 2, True)
    client.configure_semaphore("account:1", None)
    assert client.semaphore_status()[0].configured is False
    assert client.release_semaphore("account:1") == 2
    assert client.semaphore_status(limit=1)[0].concurrency_key == "account:2"
    with pytest.raises(pgq.InvalidArgument, match="max_slots"):
        client.configure_semaphore("k", -1)


@pytest.mark.slow
def test_limits_of_a_queue(client: pgq.Client) -> None:
    client.configure_queue(
        "mail",
        max_running=3,
        rate_limit=100,
        rate_interval=timedelta(minutes=1),
        rate_burst=5,
        rate_per_key=False,
        fair=True,
    )
    (limits,) = client.queue_limits()
    assert (limits.queue, limits.max_running, limits.fair) == ("mail", 3, True)
    assert (limits.rate_limit, limits.rate_interval) == (100, timedelta(minutes=1))
    assert (limits.rate_burst, limits.rate_per_key) == (5, False)
    client.enqueue_many([pgq.NewJob("t", queue="mail", partition_key=f"{n}") for n in range(9)])
    assert len(client.claim_batch(["mail"], batch_size=9)) == 3
    client.configure_queue("mail", max_running=-1)
    assert client.queue_limits()[0].max_running is None


def test_unique_keys(client: pgq.Client) -> None:
    owner = client.enqueue("t", unique_key="k", unique_for=timedelta(hours=1))
    assert client.enqueue("t", unique_key="k", on_conflict="discard") is None
    assert client.enqueue_many([pgq.NewJob("t", unique_key="k", on_conflict="discard")]) == [
        (None, False)
    ]
    assert settle(client) == [owner]
    assert client.enqueue("t", unique_key="k") == owner
    held = client.unique_key_owner("k")
    assert held is not None
    assert (held.job_id, held.state) == (owner, "succeeded")
    assert client.release_unique_key("k") is True
    assert client.release_unique_key("k") is False
    assert client.unique_key_owner("k") is None
    queued = client.enqueue("t", unique_key="q", unique_while="queued")
    client.claim_batch(["*"])
    assert client.enqueue("t", unique_key="q", unique_while="queued") != queued


def test_jobs_are_found_and_changed_by_filter(client: pgq.Client) -> None:
    mail = [
        client.enqueue("t", queue="mail", headers={"tenant": n}, partition_key="p")
        for n in (1, 2, 1)
    ]
    client.enqueue("u", queue="other", unique_key="k", concurrency_key="c")
    assert client.find_jobs(queue="mail") == mail
    assert client.find_jobs(headers={"tenant": 1}, states=["ready"]) == [mail[0], mail[2]]
    assert client.find_jobs(queue="mail", max_jobs=1, after_id=mail[0]) == [mail[1]]
    assert client.find_jobs(created_before=datetime(2001, 1, 1, tzinfo=UTC)) == []
    assert client.find_jobs(partition_key="p", task="t", error_type="E") == []
    assert len(client.find_jobs(unique_key="k", concurrency_key="c")) == 1
    found = client.reprioritise([mail[2], 10**9], -5)
    assert found == [(mail[2], "reprioritised"), (10**9, "not_found")]
    assert client.claim_batch(["mail"])[0].job_id == mail[2]


def test_the_database_is_asked_to_tell(client: pgq.Client) -> None:
    job_id = client.enqueue("t")
    assert client.await_jobs([job_id, 10**9], timeout="1 minute") == 1
    settle(client)
    assert client.await_jobs([job_id]) == 0
    assert client.results([10**9, job_id])[0] == (10**9, None, None, None, None)
