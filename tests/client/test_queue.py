"""QueueInfo over both kinds of client."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest

import pgq
from tests.servers import Travel


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


def fill(client: pgq.Client) -> dict[str, int]:
    """Make one job of every waiting state, and a running one, in the queue `orders`."""
    client.enqueue("t", queue="orders")
    client.claim_batch(["orders"])
    return {
        "ready": client.enqueue("t", queue="orders"),
        "scheduled": client.enqueue("t", queue="orders", delay=timedelta(hours=1)),
        "blocked": client.enqueue("t", queue="orders", concurrency_key="k"),
    }


@pytest.mark.slow
def test_blocking(client: pgq.Client, travel: Travel) -> None:
    orders = pgq.QueueInfo("orders", client)
    assert (orders.size, orders.latency, orders.paused, orders.stats.running) == (0, 0.0, False, 0)
    made = fill(client)
    travel("1 minute")
    assert (orders.size, orders.stats.running, orders.stats.blocked) == (1, 1, 1)
    assert 60 <= orders.latency < 120

    orders.pause()
    travel("1 hour")
    assert orders.paused and 60 <= orders.latency < 120
    assert orders.resume() is True
    assert orders.resume() is False
    assert not orders.paused and 60 <= orders.latency < 120
    orders.pause(timedelta(minutes=5))
    travel("6 minutes")
    assert not orders.paused

    assert orders.clear() == 1
    assert orders.size == 0
    left = {job.state for job in client.list_jobs(queue="orders").jobs}
    assert left == {"scheduled", "blocked", "running"}
    assert client.job(made["ready"]) is None


def test_clear_works_in_batches(client: pgq.Client) -> None:
    client.enqueue_many([pgq.NewJob("t", queue="orders")] * 7)
    orders = pgq.QueueInfo("orders", client)
    with pytest.raises(pgq.InvalidArgument, match="batch_size"):
        orders.clear(batch_size=0)
    assert orders.clear(batch_size=3) == 7
    assert orders.clear(batch_size=3) == 0


def test_clear_passes_over_what_others_hold(client: pgq.Client, dsn: str) -> None:
    client.enqueue_many([pgq.NewJob("t", queue="orders")] * 4)
    with psycopg.connect(dsn) as other:
        pgq.Client(other).claim_batch(["orders"], batch_size=2)
        assert pgq.QueueInfo("orders", client).clear(batch_size=2) == 2
        other.rollback()
    assert pgq.QueueInfo("orders", client).size == 2


def test_all_are_those_in_use_or_configured(client: pgq.Client) -> None:
    assert pgq.QueueInfo.all(client) == []
    client.enqueue("t", queue="b")
    client.enqueue("t", queue="c", delay=60)
    client.pause_queue("a")
    found = pgq.QueueInfo.all(client)
    assert [(queue.name, queue.size) for queue in found] == [("a", 0), ("b", 1), ("c", 0)]
    assert repr(found[0]) == "<QueueInfo 'a'>"


def test_async(dsn: str, client: pgq.Client, travel: Travel) -> None:
    async def use() -> None:
        async with pgq.AsyncClient(dsn) as other:
            orders = pgq.AsyncQueueInfo("orders", other)
            assert (await orders.size(), await orders.latency()) == (0, 0.0)
            fill(client)
            travel("1 minute")
            assert (await orders.size(), (await orders.stats()).scheduled) == (1, 1)
            await orders.pause()
            travel("1 hour")
            assert await orders.paused() and 60 <= await orders.latency() < 120
            assert await orders.resume() is True
            assert await orders.paused() is False
            assert [repr(each) for each in await pgq.AsyncQueueInfo.all(other)] == [
                "<AsyncQueueInfo 'orders'>"
            ]
            with pytest.raises(pgq.InvalidArgument):
                await orders.clear(batch_size=0)
            assert await orders.clear(batch_size=1) == 1
            assert await orders.size() == 0

    asyncio.run(use())
