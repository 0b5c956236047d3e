"""Queues with limits, as a worker meets them."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

import pgq
from pgq.worker import pace as _pace
from pgq.worker.clock import Timekeeper
from tests.sql.calls import value
from tests.worker.running import running, wait_for


@pytest.mark.slow
def test_it_claims_when_the_token_came_before_it_asked_for_the_next_one(
    dsn: str,
    conn: psycopg.Connection,
    registry: pgq.Registry,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_pace, "_SHORTEST_POLL", 60.0)
    value(conn, "configure_queue", queue="default", rate_limit=5, rate_burst=1)
    turn, started = Timekeeper.turn, []

    async def late(self: Timekeeper) -> int | None:
        await asyncio.sleep(0.3)
        return await turn(self)

    @registry.task("t")
    async def handle(n: int) -> None:
        started.append(n)

    monkeypatch.setattr(Timekeeper, "turn", late)
    for n in range(4):
        client.enqueue("t", {"n": n})
    with running(dsn, registry, poll_interval=60):
        wait_for(lambda: len(started) == 4)
    assert started == list(range(4))


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 10])
def test_it_claims_when_the_next_token_comes(
    dsn: str,
    conn: psycopg.Connection,
    registry: pgq.Registry,
    client: pgq.Client,
    monkeypatch: pytest.MonkeyPatch,
    concurrency: int,
) -> None:
    # Polls come after half a minute at the earliest: too late for this test.
    monkeypatch.setattr(_pace, "_SHORTEST_POLL", 60.0)
    value(conn, "configure_queue", queue="default", rate_limit=5, rate_burst=1)
    started: list[int] = []

    @registry.task("t")
    async def handle(n: int) -> None:
        started.append(n)

    for n in range(6):
        client.enqueue("t", {"n": n})
    with running(dsn, registry, poll_interval=60, concurrency=concurrency):
        wait_for(lambda: len(started) == 6)
    assert started == list(range(6))
    claims = conn.execute("select count(distinct claimed_at) from pgq.job_history").fetchone()
    assert claims == (6,)
