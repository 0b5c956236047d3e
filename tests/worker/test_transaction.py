"""Context.transaction(): the handler's writes and the end of the job, both or neither."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

import pgq
from tests.worker.running import drain, finished, running, wait_for


@pytest.fixture
def effects(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute("create table effects (job_id bigint)")
    return conn


def count(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(*) from effects").fetchone()
    assert row
    return int(row[0])


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_both_are_committed(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    effects: psycopg.Connection,
    is_async: bool,
) -> None:
    if is_async:

        @registry.task("t", context=True)
        async def handle(context: pgq.Context) -> str:
            async with context.transaction() as connection:
                await connection.execute("insert into effects values (%s)", (context.job_id,))
                context.result = {"paid": True}
            return "ignored"
    else:

        @registry.task("t", context=True)
        def handle_in_thread(context: pgq.Context) -> str:
            with context.transaction() as connection:
                connection.execute("insert into effects values (%s)", (context.job_id,))
                context.result = {"paid": True}
            return "ignored"

    ids = [client.enqueue("t") for _ in range(20)]
    drain(dsn, registry)
    jobs = [client.job(job_id) for job_id in ids]
    assert {(job.state, str(job.result)) for job in jobs if job} == {
        ("succeeded", "{'paid': True}")
    }
    assert count(effects) == 20
    assert client.verify() == []


@pytest.mark.slow
def test_an_error_inside_undoes_the_writes_and_fails_the_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client, effects: psycopg.Connection
) -> None:
    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        async with context.transaction() as connection:
            await connection.execute("insert into effects values (1)")
            raise ValueError

    job_id = client.enqueue("t", max_attempts=1)
    drain(dsn, registry)
    assert client.result(job_id).state == "failed"  # type: ignore[union-attr]
    assert count(effects) == 0


@pytest.mark.slow
def test_an_error_afterwards_changes_nothing(
    dsn: str, registry: pgq.Registry, client: pgq.Client, effects: psycopg.Connection
) -> None:
    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        async with context.transaction() as connection:
            await connection.execute("insert into effects values (1)")
        raise ValueError

    job_id = client.enqueue("t")
    drain(dsn, registry)
    assert client.result(job_id).state == "succeeded"  # type: ignore[union-attr]
    assert count(effects) == 1


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_a_run_that_was_lost_writes_nothing(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    effects: psycopg.Connection,
    is_async: bool,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    if is_async:

        @registry.task("t", context=True)
        async def handle(context: pgq.Context) -> None:
            try:
                async with context.transaction() as connection:
                    await connection.execute("insert into effects values (1)")
                    begun.set()
                    await asyncio.to_thread(go_on.wait)
            except pgq.JobLost as error:
                raised.append(error)
                raise
    else:

        @registry.task("t", context=True)
        def handle_in_thread(context: pgq.Context) -> None:
            try:
                with context.transaction() as connection:
                    connection.execute("insert into effects values (1)")
                    begun.set()
                    go_on.wait(20)
            except pgq.JobLost as error:
                raised.append(error)
                raise

    # Heartbeats are rare, so that the fence finds it and not the heartbeat.
    with running(dsn, registry, lease=60, heartbeat_interval=30):
        job_id = client.enqueue("t", max_attempts=1)
        assert begun.wait(20)
        row = effects.execute("select claim_id from pgq.running").fetchone()
        assert row
        client.fail_batch([job_id], [row[0]], ["taken away"])
        go_on.set()
        wait_for(lambda: raised)
    job = finished(client, job_id)
    assert (job.state, job.attempt) == ("failed", 1)
    assert count(effects) == 0


@pytest.mark.slow
def test_a_long_handler_after_its_transaction_is_left_in_peace(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    ended: list[bool] = []

    @registry.task("t", context=True)
    async def handle(context: pgq.Context) -> None:
        async with context.transaction():
            pass
        await asyncio.sleep(0.6)
        ended.append(context.cancelled)

    with running(dsn, registry, lease=1):
        job_id = client.enqueue("t")
        wait_for(lambda: ended)
    assert ended == [False]
    assert client.result(job_id).state == "succeeded"  # type: ignore[union-attr]
