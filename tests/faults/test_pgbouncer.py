"""Workers and clients whose way to the server leads through a real pgbouncer."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from tests.faults.conftest import Workshop
from tests.faults.pgbouncer import Pooler, pooler
from tests.servers import Server, set_default
from tests.worker.running import finished, running, wait_for


@pytest.fixture
def pool(server: Server, dsn: str) -> Iterator[Pooler]:
    with pooler(server, dsn) as made:
        yield made


@pytest.fixture
def client(pool: Pooler) -> Iterator[pgq.Client]:
    with pgq.Client(pool.dsn) as made:
        yield made


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("plain")
    async def plain() -> str:
        return "done"

    @made.task("in_thread", context=True)
    def in_thread(context: pgq.Context) -> None:
        with context.transaction() as connection:
            context.result = connection.execute("select 'committed'").fetchone()

    @made.task("in_transaction", context=True)
    async def in_transaction(context: pgq.Context) -> None:
        async with context.transaction() as connection:
            for _ in range(10):  # psycopg prepares what it has seen five times, if it may
                answer = await connection.execute("select 'committed'")
            context.result = await answer.fetchone()

    @made.task("fails_first", context=True)
    async def fails_first(context: pgq.Context) -> str:
        if context.attempt == 1:
            raise ValueError("first")
        return "second"

    return made


def test_a_worker_runs_everything_and_polls(
    pool: Pooler,
    client: pgq.Client,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected: dict[str, Any] = {
        "plain": "done",
        "in_thread": ["committed"],
        "in_transaction": ["committed"],
        "fails_first": "second",
    }
    with running(pool.dsn, registry, concurrency=20), caplog.at_level(logging.WARNING, "pgq"):
        for _ in range(8):
            ids = {task: client.enqueue(task, backoff=0.05) for task in expected}
            results = client.wait(ids.values(), 20)
            assert [each.result for each in results] == list(expected.values())
        # That the pooler keeps a server process says nothing about the worker.
        assert conn.execute("select backend_pid from pgq.workers").fetchall() == [(None,)]
    assert sum("do not get through" in each.message for each in caplog.records) == 1
    assert not [each for each in caplog.records if "connection.failed" in each.message]
    assert client.verify() == []


def test_a_client_prepares_nothing_through_it(client: pgq.Client, conn: Any) -> None:
    ids = [client.enqueue("plain") for _ in range(20)]
    with client.connection() as session:
        assert session.prepare_threshold is None
    assert [job.id for job in client.list_jobs(page_size=20).jobs] == ids[::-1]


def test_a_client_leaves_the_isolation_of_others_alone(
    server: Server, dsn: str, conn: psycopg.Connection
) -> None:
    set_default(conn, "default_transaction_isolation", "serializable")
    with pooler(server, dsn) as pool, pgq.Client(pool.dsn) as client:
        client.enqueue("plain")
        with psycopg.connect(pool.dsn) as session:
            row = session.execute("show transaction_isolation").fetchone()
    assert row == ("serializable",)


def test_no_server_session_is_left_listening(pool: Pooler, registry: pgq.Registry) -> None:
    with running(pool.dsn, registry):
        with pgq.Client(pool.dsn) as client:
            # It waits long enough to ask again, and to get an answer if one could come.
            client.wait([client.enqueue("plain", delay=0.3)], 20)
        with ExitStack() as stack:
            seen: dict[int, list[str]] = {}
            for _ in range(2):
                session = stack.enter_context(psycopg.connect(pool.dsn))
                query = "select pg_backend_pid(), array(select pg_listening_channels())"
                row = session.execute(query).fetchone()
                assert row
                seen[row[0]] = row[1]
            assert len(seen) == 2
            names = {name for names in seen.values() for name in names}
            assert not names & {"pgq", "pgq_ended"}


def test_a_direct_way_for_notifications_wakes_it(
    pool: Pooler, dsn: str, client: pgq.Client, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    with running(pool.dsn, registry, listen_dsn=dsn, poll_interval=60):
        query = "select from pgq.workers where backend_pid is not null"
        wait_for(lambda: conn.execute(query).fetchall())
        assert finished(client, client.enqueue("plain")).state == "succeeded"
        assert finished(client, client.enqueue("plain", delay=0.5)).state == "succeeded"


def test_in_session_mode_it_hears_through_the_pooler(
    server: Server, dsn: str, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    with (
        pooler(server, dsn, "session") as pool,
        running(pool.dsn, registry, poll_interval=60),
        pgq.Client(pool.dsn) as client,
    ):
        query = "select from pgq.workers where backend_pid is not null"
        wait_for(lambda: conn.execute(query).fetchall())
        assert finished(client, client.enqueue("plain")).state == "succeeded"


def test_a_job_belongs_to_the_transaction_that_enqueues_it(pool: Pooler, conn: Any) -> None:
    with psycopg.connect(pool.dsn) as connection:
        lost = pgq.Client(connection).enqueue("plain")
        connection.rollback()
        kept = [pgq.Client(connection).enqueue("plain") for _ in range(10)]
        assert conn.execute("select count(*) from pgq.jobs").fetchone() == (0,)
    assert conn.execute("select array_agg(id order by id) from pgq.jobs").fetchone() == (kept,)
    assert lost not in kept


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_limits_are_counted_whatever_the_isolation_of_pooled_sessions(
    isolation: str, dsn: str, server: Server, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    set_default(conn, "default_transaction_isolation", isolation)
    with (
        pooler(server, dsn) as pool,
        running(pool.dsn, registry),
        pgq.Client(pool.dsn) as client,
    ):
        client.configure_queue("default", max_running=2)
        job = pgq.NewJob("plain", concurrency_key="k", concurrency_limit=1)
        ids = [made.id for made in client.enqueue_many([job] * 6)]
        assert {each.state for each in client.wait(ids, 20)} == {"succeeded"}


def test_a_killed_worker_is_found_out_by_its_lease(pool: Pooler, tmp_path: Path) -> None:
    workshop = Workshop(pool.dsn, tmp_path)
    try:
        workshop.enqueue("hang", 3)
        first = workshop.start(lease=1.5)
        workshop.wait_for(lambda: workshop.count("starts") == 3, "three starts")
        first.send_signal(signal.SIGKILL)
        workshop.start(lease=1.5)
        workshop.wait_for(lambda: workshop.count("starts") == 6, "the same jobs elsewhere")
        assert workshop.rows("select count(distinct job_id), count(distinct pid) from starts") == [
            (3, 2)
        ]
    finally:
        workshop.close()


def test_workers_survive_the_end_of_the_pooler(pool: Pooler, dsn: str, tmp_path: Path) -> None:
    workshop = Workshop(pool.dsn, tmp_path)
    workshop.dsn = dsn  # for what the test itself looks at
    try:
        ids = workshop.enqueue("pay", 150, 0.02) + workshop.enqueue("pay_in_thread", 40, 0.02)
        ids += workshop.enqueue("plain", 100, 0.02)
        workshop.dsn = pool.dsn
        workers = [workshop.start(lease=2), workshop.start(lease=2)]
        workshop.dsn = dsn
        for _ in range(2):
            reached = workshop.count("effects")
            workshop.wait_for(
                lambda reached=reached: workshop.count("effects") > reached + 20,  # type: ignore[misc]
                "work",
            )
            pool.kill()
            pool.start()
        workshop.wait_until_done()
        workshop.assert_each_took_effect_once(ids)
        assert [worker.poll() for worker in workers] == [None, None]
    finally:
        workshop.close()


def test_an_actors_name_stays_with_its_call(
    pool: Pooler, client: pgq.Client, conn: psycopg.Connection
) -> None:
    """The server's connection is the next one's too: a name that stayed would be its."""
    with pgq.Client(pool.dsn, actor="alice") as named:
        for n in range(5):
            named.pause_queue(f"named {n}")
            client.pause_queue(f"plain {n}")
    noted = conn.execute("select target, actor from pgq.audit").fetchall()
    assert {(target.split()[0], actor) for target, actor in noted} == {
        ("named", "alice"),
        ("plain", None),
    }


def test_who_follows_asks_through_a_pooler(
    pool: Pooler, client: pgq.Client, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    events = client.events(client.follow_outcomes(), every=0.05)
    with running(pool.dsn, registry, concurrency=2):
        job_id = client.enqueue("plain")
        assert next(events).job_id == job_id
    listening = "select count(*) from pg_stat_activity where query ilike 'listen %outcomes%'"
    assert conn.execute(listening).fetchone() == (0,)
    events.close()
