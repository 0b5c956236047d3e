"""A client whose connection broke: it waits for a server, and sends nothing twice that counts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

import pgq
from tests.conftest import Connect
from tests.faults.network import Network
from tests.servers import Server, install

# Far above what a busy machine takes.
PATIENCE = 60.0
ENDED = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)
WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


def wait_for(found: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def away(private_server: Server) -> Server:
    """A server with the schema."""
    install(private_server.dsn)
    return private_server


@pytest.mark.slow
def test_a_connection_that_ended_meanwhile_is_replaced_before_anything_is_sent(
    dsn: str, conn: psycopg.Connection
) -> None:
    async def asynchronously() -> None:
        async with pgq.AsyncClient(dsn) as client:
            await client.enqueue("t")
            conn.execute(ENDED)
            await client.enqueue("t")

    with pgq.Client(dsn) as client:
        client.enqueue("t")
        conn.execute(ENDED)
        client.enqueue("t")
        assert len(client.list_jobs().jobs) == 2
    asyncio.run(asynchronously())
    assert len(pgq.Client(conn).list_jobs().jobs) == 4


@pytest.mark.slow
def test_a_call_waits_for_a_server_that_comes_back(away: Server) -> None:
    with (
        pgq.Client(away.dsn, reconnect_timeout=PATIENCE) as client,
        Network(away.dsn) as network,
        pgq.Client(network.dsn, reconnect_timeout=PATIENCE) as behind,
        ThreadPoolExecutor(8) as threads,
    ):
        client.enqueue("t"), behind.enqueue("t")
        network.close_door()
        calls = [threads.submit(behind.enqueue, "t") for _ in range(7)]
        restart = threads.submit(away.restart)
        restart.result()
        client.enqueue("t")
        assert not any(call.done() for call in calls)
        network.open_door()
        assert sorted(call.result(PATIENCE) for call in calls) == [*range(4, 11)]


@pytest.mark.slow
def test_it_gives_up_in_time_and_then_tries_once_a_call(dsn: str, conn: psycopg.Connection) -> None:
    with Network(dsn) as network, pgq.Client(network.dsn, reconnect_timeout=1) as client:
        client.enqueue("t")
        network.close_door()
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            client.enqueue("t")
        first = time.monotonic() - began
        assert first > 0.3
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(psycopg.OperationalError):
                client.enqueue("t")
        assert time.monotonic() - began < 5 * first
        network.open_door()
        client.enqueue("t")
        assert len(pgq.Client(conn).list_jobs().jobs) == 2


@pytest.mark.parametrize("given", [-1, float("nan"), float("inf"), True, "3 s", None, 1e12])
def test_odd_times_are_refused(given: object, dsn: str) -> None:
    with pytest.raises(pgq.InvalidArgument, match="reconnect_timeout"):
        pgq.Client(dsn, reconnect_timeout=given)  # type: ignore[arg-type]


def test_the_first_connection_is_refused_at_once() -> None:
    with pgq.Client("host=/nowhere", reconnect_timeout=PATIENCE) as client:
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            client.enqueue("t")
        assert time.monotonic() - began < PATIENCE / 2


@pytest.mark.parametrize("on_conflict", [None, "return"])
def test_an_enqueue_with_a_key_whose_answer_was_lost_is_sent_again(
    on_conflict: None, dsn: str, conn: psycopg.Connection, connect: Connect
) -> None:
    with (
        Network(dsn) as network,
        pgq.Client(network.dsn) as client,
        ThreadPoolExecutor(1) as threads,
        connect() as blocker,
    ):
        client.version()
        with blocker.transaction():
            blocker.execute("lock table pgq.jobs in share mode")
            call = threads.submit(client.enqueue, "t", unique_key="k", on_conflict=on_conflict)
            wait_for(lambda: conn.execute(WAITING).fetchall() == [(1,)])
            network.break_off()
            wait_for(lambda: conn.execute(WAITING).fetchall() == [(2,)])
        answer = call.result(PATIENCE)
        assert [job.id for job in pgq.Client(conn).list_jobs().jobs] == [answer]


@pytest.mark.slow
@pytest.mark.parametrize("on_conflict", [None, "discard", "raise", "bump", "replace", "merge"])
def test_no_other_enqueue_is_sent_again(
    on_conflict: str | None, dsn: str, conn: psycopg.Connection, connect: Connect
) -> None:
    with (
        Network(dsn) as network,
        pgq.Client(network.dsn) as client,
        ThreadPoolExecutor(1) as threads,
        connect() as blocker,
    ):
        client.version()
        options: Any = {"unique_key": "k", "on_conflict": on_conflict} if on_conflict else {}
        with blocker.transaction():
            blocker.execute("lock table pgq.jobs in share mode")
            call = threads.submit(client.enqueue, "t", **options)
            wait_for(lambda: conn.execute(WAITING).fetchall() == [(1,)])
            network.break_off()
            with pytest.raises(psycopg.OperationalError):
                call.result(PATIENCE)
        wait_for(lambda: len(pgq.Client(conn).list_jobs().jobs) == 1)
        time.sleep(0.2)
        assert len(pgq.Client(conn).list_jobs().jobs) == 1


def test_a_transaction_whose_connection_broke_does_not_go_on_elsewhere(
    dsn: str, conn: psycopg.Connection
) -> None:
    with pgq.Client(dsn) as client:
        with client.connection() as connection, connection.transaction():
            client.enqueue("t")
            conn.execute(ENDED)
            for _ in range(2):
                with pytest.raises(psycopg.OperationalError):
                    client.enqueue("t")
        assert pgq.Client(conn).list_jobs().jobs == []
        client.enqueue("t")
        assert len(pgq.Client(conn).list_jobs().jobs) == 1


def test_threads_wait_for_one_connection(dsn: str, conn: psycopg.Connection) -> None:
    with pgq.Client(dsn) as client, ThreadPoolExecutor(8) as threads:
        client.enqueue("t")
        conn.execute(ENDED)
        together = threading.Barrier(8)

        def enqueue(_: int) -> int:
            together.wait()
            return client.enqueue("t")

        assert len({*threads.map(enqueue, range(8))}) == 8
        sessions = "select count(*) from pg_stat_activity where datname = current_database()"
        assert conn.execute(sessions).fetchall() == [(2,)]
