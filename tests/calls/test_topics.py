"""Topics from Python: a subscription takes over what the task declares, but no computed key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import pgq
from pgq.reports import Published


def test_a_subscription_by_name(client: pgq.Client) -> None:
    assert client.subscribe("orders.paid", "receipt", queue="mail") == "added"
    assert client.subscribe("orders.paid", "receipt", queue="mail") == "unchanged"
    (found,) = client.subscriptions("orders.paid")
    assert found[:6] == ("orders.paid", "receipt", "receipt", "mail", None, {})
    (made,) = client.publish("orders.paid", {"order_id": 7})
    assert made == Published(made.id, True, "receipt")
    job = client.job(made.id)
    assert job and (job.args, job.headers) == ({"order_id": 7}, {"topic": "orders.paid"})
    assert client.unsubscribe("orders.paid", "receipt")
    assert client.publish("orders.paid") == []
    assert client.subscriptions() == []


def test_a_task_brings_its_options(client: pgq.Client) -> None:
    registry = pgq.Registry()

    @registry.task(
        queue="mail",
        timeout=30,
        unique_key="receipt-{order_id}",
        unique_for=60,
        concurrency_key="shop",
        concurrency_limit=3,
    )
    def receipt(order_id: int) -> None: ...

    assert client.subscribe("orders.*", receipt, priority=-1, name="r") == "added"
    (found,) = client.subscriptions()
    assert (found.name, found.task, found.queue) == ("r", receipt.name, "mail")
    assert found.options.keys() - {"declared"} <= {
        "timeout",
        "priority",
        "concurrency_key",
        "concurrency_limit",
    }
    assert {"timeout", "priority"} <= found.options.keys()
    assert len(client.publish("orders.paid", {"order_id": 1})) == 1


def test_options_of_a_publish(client: pgq.Client) -> None:
    client.subscribe("t", "a", delay=timedelta(hours=1), filter={"paid": True})
    at = datetime(2090, 1, 1, tzinfo=UTC)
    given: dict[str, Any] = {"unique_key": "k", "headers": {"by": "me"}, "run_at": at}
    first = client.publish("t", {"paid": True}, **given)
    again = client.publish("t", {"paid": True}, **given)
    assert [each.created for each in first + again] == [True, False]
    job = client.job(first[0].id)
    assert job and (job.run_at, job.headers) == (at, {"by": "me", "topic": "t"})
    assert client.publish("t", {"paid": False}) == []
    with pytest.raises(pgq.UniqueKeyTaken):
        client.publish("t", {"paid": True}, unique_key="k", on_conflict="raise")


def test_what_is_wrong_is_said(client: pgq.Client) -> None:
    with pytest.raises(pgq.InvalidJob, match="is no task"):
        client.subscribe("t", 5)  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(pgq.InvalidArgument, match="filter"):
        client.subscribe("t", "a", filter=[1])  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(pgq.InvalidArgument, match="unique_key is no option of a subscription"):
        client.subscribe("t", "a", unique_key="k")
    with pytest.raises(pgq.InvalidArgument, match="queue is no option of publish"):
        client.publish("t", queue="q")
    with pytest.raises(pgq.InvalidArgument, match="topic"):
        client.publish(None)  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(pgq.InvalidArgument, match="limit"):
        client.subscriptions(limit=-1)


def test_async(dsn: str) -> None:
    async def publish() -> list[str]:
        async with pgq.AsyncClient(dsn) as client:
            await client.subscribe("t", "a")
            return [each.subscription for each in await client.publish("t")]

    assert asyncio.run(publish()) == ["a"]
