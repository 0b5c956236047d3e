"""How a worker finds its jobs: hints, polls, due jobs, drain, and a schema that is not there."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest

import pgq
from pgq.worker import session
from pgq.worker.listener import Listener
from tests.servers import install
from tests.worker.running import Running, drain, finished, running, wait_for


@pytest.fixture
def quick(registry: pgq.Registry) -> list[float]:
    """A task "t" that notes when it was started."""
    started: list[float] = []

    @registry.task("t")
    async def handle() -> None:
        started.append(time.monotonic())

    return started


def idle(client: pgq.Client) -> bool:
    return [worker.status for worker in client.worker_status()] == ["idle"]


@pytest.mark.slow
def test_a_notification_wakes_an_idle_worker(
    dsn: str, registry: pgq.Registry, client: pgq.Client, quick: list[float]
) -> None:
    # The next poll comes long after the patience of wait_for.
    with running(dsn, registry, poll_interval=600):
        wait_for(lambda: idle(client))
        time.sleep(1.5)
        for n in range(5):
            client.enqueue("t")
            wait_for(lambda n=n: len(quick) > n)  # type: ignore[misc]


@pytest.mark.slow
def test_without_notifications_it_polls(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    quick: list[float],
) -> None:
    client.configure(notify=False)
    with running(dsn, registry, poll_interval=0.5):
        wait_for(lambda: idle(client))
        time.sleep(1)
        client.enqueue("t")
        wait_for(lambda: quick)


@pytest.mark.slow
def test_where_notifications_do_not_arrive_it_says_so_once_and_polls(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    quick: list[float],
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def deaf(_self: Listener, _connection: Any) -> bool:
        return False

    monkeypatch.setattr(Listener, "_listen", deaf)
    with running(dsn, registry), caplog.at_level(logging.WARNING, "pgq"):
        finished(client, client.enqueue("t"))
        finished(client, client.enqueue("t"))
        assert conn.execute("select backend_pid from pgq.workers").fetchall() == [(None,)]
    assert sum("do not get through" in each.message for each in caplog.records) == 1


@pytest.mark.slow
def test_the_registered_session_is_the_listening_one(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    quick: list[float],
    conn: psycopg.Connection,
) -> None:
    with running(dsn, registry):
        wait_for(client.worker_status)
        query = (
            "select session.application_name from pgq.workers as worker"
            " join pg_stat_activity as session on session.pid = worker.backend_pid"
        )
        assert conn.execute(query).fetchall() == [("pgq listener",)]


@pytest.mark.slow
def test_due_jobs_start_when_their_time_comes(
    dsn: str, registry: pgq.Registry, client: pgq.Client, quick: list[float]
) -> None:
    client.enqueue("t", delay=timedelta(seconds=1))
    enqueued = time.monotonic()
    with running(dsn, registry, poll_interval=30):
        wait_for(lambda: quick)
    assert 0.9 < quick[0] - enqueued < 2.5


@pytest.mark.slow
def test_retries_start_when_their_time_comes(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        if context.attempt < 3:
            raise pgq.Retry(in_=0.3)

    with running(dsn, registry, poll_interval=30):
        wait_for(lambda: idle(client))
        job = finished(client, client.enqueue("t"))
    assert (job.state, job.attempt) == ("succeeded", 3)
    assert job.finished_at
    assert job.finished_at - job.created_at < timedelta(seconds=4)


@pytest.mark.slow
def test_queues_are_served_in_order(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    order: list[str] = []

    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        order.append(context.queue)

    for queue in ("low", "other", "high.a", "high.b"):
        client.enqueue("t", queue=queue)
    drain(dsn, registry, queues=["high.*", "low"], concurrency=1, prefetch=0)
    assert order == ["high.a", "high.b", "low"]
    assert client.list_jobs(states=["ready"]).jobs[0].queue == "other"


@pytest.mark.slow
def test_shares_let_no_queue_starve(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    order: list[str] = []

    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        order.append(context.queue)

    for queue in ("high", "low"):
        client.enqueue_many([pgq.NewJob("t", queue=queue)] * 100)
    drain(dsn, registry, queues=["high", "low"], shares=[2, 1], concurrency=1, prefetch=0)
    assert (order.count("high"), order.count("low")) == (100, 100)
    assert 10 < order[:100].count("low") < 60
    for wrong in ([1], [1, 0], [1, 2, 3], [True, 1], [1, 10_001]):
        with pytest.raises(pgq.InvalidArgument, match="shares"):
            pgq.Worker(dsn, registry=registry, queues=["high", "low"], shares=wrong)


@pytest.mark.slow
def test_drain_ends_at_once_without_jobs_and_does_not_wait_for_later_ones(
    dsn: str, registry: pgq.Registry, client: pgq.Client, quick: list[float]
) -> None:
    later = client.enqueue("t", delay=60)
    began = time.monotonic()
    drain(dsn, registry)
    assert time.monotonic() - began < 30  # and not the minute of the later one
    assert client.result(later).state == "scheduled"  # type: ignore[union-attr]


@pytest.mark.slow
def test_drain_waits_for_jobs_that_jobs_enqueue(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t")
    async def handle(left: int) -> None:
        await asyncio.sleep(0.05)
        if left:
            async with pgq.AsyncClient(dsn) as inner:
                await inner.enqueue("t", [left - 1])

    client.enqueue("t", [5])
    drain(dsn, registry)
    assert [job.state for job in client.list_jobs(details=True).jobs] == ["succeeded"] * 6


@pytest.mark.slow
def test_concurrency_is_never_exceeded(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    now, most = 0, 0

    @registry.task("t")
    async def handle() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    client.enqueue_many([pgq.NewJob("t")] * 500)
    drain(dsn, registry, concurrency=7)
    assert most == 7
    assert len(client.list_jobs(states=["succeeded"], page_size=1000).jobs) == 500


@pytest.mark.slow
def test_it_waits_for_a_schema_that_is_not_there_yet(empty_dsn: str) -> None:
    registry = pgq.Registry()
    ran = threading.Event()

    @registry.task("t")
    async def handle() -> None:
        ran.set()

    with running(empty_dsn, registry, schema_timeout=20):
        time.sleep(0.6)
        install(empty_dsn)
        with pgq.Client(empty_dsn) as client:
            client.enqueue("t")
        assert ran.wait(10)


@pytest.mark.slow
def test_it_does_not_wait_for_ever(
    dsn: str, empty_dsn: str, registry: pgq.Registry, conn: psycopg.Connection, quick: list[float]
) -> None:
    def outcome(place: str) -> Running:
        return Running(pgq.Worker(place, registry=registry, schema_timeout=0.1))

    with pytest.raises(pgq.SchemaMissing):
        outcome(empty_dsn).wait()
    with pytest.raises(psycopg.OperationalError):
        outcome("host=/nowhere").wait()
    conn.execute(
        "create or replace function pgq.version() returns text language sql as $$ select '0.0.9' $$"
    )
    with pytest.raises(pgq.SchemaTooOld) as caught:
        outcome(dsn).wait()
    assert "pgq migrate" in (caught.value.hint or "")


@pytest.mark.slow
def test_stop_ends_the_wait_for_the_schema(
    empty_dsn: str, registry: pgq.Registry, quick: Any
) -> None:
    worker = Running(pgq.Worker(empty_dsn, registry=registry))
    time.sleep(0.2)  # it looks for the schema by now, or it will not begin to
    assert not worker.has_ended
    worker.stop()
    worker.wait()


def test_options_that_make_no_sense_are_refused(registry: pgq.Registry) -> None:
    for options in (
        {"queues": []}, {"queues": "mail"}, {"concurrency": 0}, {"lease": 0},
        {"poll_interval": float("nan")}, {"lease": 2, "heartbeat_interval": 1.5},
    ):  # fmt: skip
        with pytest.raises(pgq.InvalidArgument):
            pgq.Worker("", registry=registry, **options)  # type: ignore[arg-type]
    with pytest.raises(pgq.InvalidArgument, match="no task is registered"):
        asyncio.run(pgq.Worker("", registry=registry).run())


def test_delays_between_attempts_to_connect_are_capped_and_spread() -> None:
    backoff = session.Backoff(0.05, 5.0)
    delays = [backoff.next() for _ in range(20)]
    assert all(delay <= 5 for delay in delays)
    assert delays[0] <= 0.05
    assert min(delays[10:]) >= 2.5
    assert len(set(delays[10:])) > 1


@pytest.mark.slow
def test_two_workers_share_without_running_anything_twice(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    ran: list[int] = []

    @registry.task("t")
    async def handle(n: int) -> None:
        await asyncio.sleep(0.001)
        ran.append(n)

    client.enqueue_many([pgq.NewJob("t", [n]) for n in range(1000)])
    with running(dsn, registry, concurrency=20), running(dsn, registry, concurrency=20):
        wait_for(lambda: len(client.list_jobs(states=["succeeded"], page_size=1000).jobs) == 1000)
    assert sorted(ran) == list(range(1000))
    assert client.verify() == []
