"""Flows and semaphores on a real worker: what waits goes on as soon as it may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import pgq
from tests.worker.running import running

LONG = 30


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_a_handler_reads_its_parents_results(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    """With one slot, so one connection to lend: inside the transaction there is no second one."""

    @registry.task
    def square(n: int) -> int:
        return n * n

    if is_async:

        @registry.task("add", context=True)
        async def add(context: pgq.Context) -> None:
            before = await context.parent_results_async()
            async with context.transaction():
                assert await context.parent_results_async() == before
                context.result = [each.result for each in before]
    else:

        @registry.task("add", context=True)
        def add_in_a_thread(context: pgq.Context) -> None:
            before = context.parent_results()
            with context.transaction():
                assert context.parent_results() == before
                context.result = [each.result for each in before]

    child = pgq.NewJob("add").after(square.job(2), square.job(3))
    with running(dsn, registry, concurrency=1, poll_interval=600):
        created = client.enqueue_many(pgq.flow(child))
        ended = client.wait([each.id for each in created], LONG)
    assert [(each.state, each.result) for each in ended] == [
        ("succeeded", 4),
        ("succeeded", 9),
        ("succeeded", [4, 9]),
    ]


@pytest.mark.slow
def test_idle_workers_take_what_others_held_up(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    """No poll comes within the test: a worker is told of new waiters, and of slots given back."""
    at_once: list[Any] = []

    @registry.task(concurrency_key="k", concurrency_limit=2)
    async def hold(n: int) -> int:
        at_once.append(n)
        most = len(at_once)
        await asyncio.sleep(0.05)
        at_once.remove(n)
        return most

    with (
        running(dsn, registry, concurrency=4, poll_interval=600, name="one"),
        running(dsn, registry, concurrency=4, poll_interval=600, name="two"),
    ):
        ids = [client.enqueue(hold.job(n)) for n in range(8)]
        ended = client.wait(ids, LONG)
    assert {each.state for each in ended} == {"succeeded"}
    assert max(each.result for each in ended) <= 2
