"""Clients made before a fork and used after it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

import pgq

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
PATIENCE = 20


@pytest.fixture
def client(dsn: str) -> Iterator[pgq.Client]:
    with pgq.Client(dsn) as made:
        yield made


def in_child(work: Callable[[], Any]) -> Any:
    """Return what a function returns, or raises, in a child."""
    ours, theirs = multiprocessing.Pipe()

    def run() -> None:
        try:
            theirs.send(work())
        except BaseException as error:  # noqa: BLE001 (the parent must see it)
            theirs.send(f"{type(error).__name__}: {error}")

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    try:
        assert ours.poll(PATIENCE), "the child hangs"
        return ours.recv()
    finally:
        child.kill()
        child.join()


def pid_of(client: pgq.Client) -> int:
    with client.connection() as connection:
        return connection.info.backend_pid


def test_a_client_opens_a_connection_of_its_own_and_leaves_the_parents_alone(
    client: pgq.Client,
) -> None:
    first, ours = client.enqueue("t"), pid_of(client)
    second, theirs = in_child(lambda: (client.enqueue("t"), pid_of(client)))
    assert theirs != ours and pid_of(client) == ours
    assert [first, second, client.enqueue("t")] == [1, 2, 3]


@pytest.mark.slow
def test_both_may_enqueue_at_once(client: pgq.Client) -> None:
    client.enqueue("t")

    def enqueue() -> int:
        return len([client.enqueue("t") for _ in range(200)])

    done: list[int] = []
    here = threading.Thread(target=lambda: done.append(enqueue()))
    here.start()
    assert in_child(enqueue) == 200
    here.join()
    assert done == [200]
    assert len(client.list_jobs(states=["ready"], page_size=1000).jobs) == 401


def test_a_lock_that_a_thread_holds_at_the_fork_does_not_hang_the_child(
    client: pgq.Client,
) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with client.connection():
            held.set()
            go_on.wait(PATIENCE)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(PATIENCE)
    try:
        assert in_child(lambda: client.enqueue("t")) == 1
    finally:
        go_on.set()
        holder.join()


def test_a_fork_while_the_connection_is_lent_to_this_thread(client: pgq.Client) -> None:
    with client.connection() as connection:

        def use() -> str:
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
            return f"{client.version() is not None}"

        assert in_child(use) == "True"
        assert connection.execute("select 1").fetchone() == (1,)


def test_an_async_client(dsn: str) -> None:
    async def main() -> None:
        async with pgq.AsyncClient(dsn) as client:
            assert await client.enqueue("t") == 1
            child = await asyncio.to_thread(in_child, lambda: asyncio.run(client.enqueue("t")))
            assert child == 2
            assert await client.enqueue("t") == 3

    asyncio.run(main())


def test_what_is_not_the_clients_is_refused(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        client = pgq.Client(connection)
        refused = in_child(lambda: client.enqueue("t"))
        assert refused.startswith("InvalidArgument") and "before a fork" in refused
        assert client.enqueue("t") == 1
    with ConnectionPool(dsn, min_size=1) as pool:
        client = pgq.Client(pool)
        client.enqueue("t")
        assert "before a fork" in in_child(lambda: client.enqueue("t"))


def test_a_pool_that_is_opened_after_the_fork_is_fine(dsn: str) -> None:
    pool: ConnectionPool[Any] = ConnectionPool(dsn, min_size=1, open=False)
    client = pgq.Client(pool)

    def use() -> int:
        with pool:
            return client.enqueue("t")

    assert in_child(use) == 1


def test_a_child_of_a_child(client: pgq.Client) -> None:
    client.enqueue("t")
    assert in_child(lambda: (client.enqueue("t"), in_child(lambda: client.enqueue("t")))) == (2, 3)


def test_the_parents_session_ends_with_the_parent_though_a_child_lives(
    dsn: str, client: pgq.Client, conn: psycopg.Connection
) -> None:
    """Its copy of the socket would hold the session open."""
    other = pgq.Client(dsn)
    other.enqueue("t")
    pid, go_on = pid_of(other), multiprocessing.Event()
    child = multiprocessing.get_context("fork").Process(target=go_on.wait)
    child.start()
    try:
        with other.connection() as connection:
            os.close(connection.fileno())  # as the kernel does when a process dies
            query = "select count(*) from pg_stat_activity where pid = %s"
            for _ in range(200):
                row = conn.execute(query, [pid]).fetchone()
                if row == (0,):
                    break
                threading.Event().wait(0.05)
            assert row == (0,)
            os.open(os.devnull, os.O_RDWR)  # psycopg closes the number once more
    finally:
        go_on.set()
        child.join()
        other.close()
