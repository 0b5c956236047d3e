"""Databases whose defaults for sessions are not what a worker would choose."""

from __future__ import annotations

import logging
import threading

import psycopg
import pytest

import pgq
from tests.conftest import Connect
from tests.servers import Travel, set_default
from tests.worker.running import finished, running, wait_for


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("plain")
    async def plain() -> None:
        pass

    @made.task("in_transaction", context=True)
    async def in_transaction(context: pgq.Context) -> None:
        async with context.transaction() as connection:
            answer = await connection.execute("show transaction_isolation")
            context.result = (await answer.fetchone() or [None])[0]

    return made


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
@pytest.mark.parametrize("task", ["plain", "in_transaction"])
def test_limits_are_counted_whatever_the_default_isolation(
    isolation: str, task: str, dsn: str, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    set_default(conn, "default_transaction_isolation", isolation)
    with running(dsn, registry), pgq.Client(dsn) as client:
        client.configure_queue("default", max_running=2)
        job = pgq.NewJob(
            task, concurrency_key="k", concurrency_limit=1, backoff=0.05, max_attempts=20
        )
        keyed = [made.id for made in client.enqueue_many([job] * 4)]
        parent = client.enqueue(task, backoff=0.05, max_attempts=20)
        child = client.enqueue(task, depends_on=[parent], backoff=0.05, max_attempts=20)
        # A handler's own transaction stays what the database makes of it, and may lose a race.
        done = client.wait([*keyed, parent, child], 20)
    assert {each.state for each in done} == {"succeeded"}
    assert {each.result for each in done} == {None if task == "plain" else isolation}


@pytest.mark.slow
def test_a_worker_tells_what_time_it_is(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection, travel: Travel
) -> None:
    travel("-2 hours")
    with running(dsn, registry):
        ahead = wait_for(lambda: conn.execute("select clock_ahead from pgq.workers").fetchone())
        assert 7150 < ahead[0].total_seconds() < 7250
        (told,) = [check for check in pgq.Client(conn).health(deep=True) if check.name == "clocks"]
        assert told.status == "warn"


def test_a_call_alone_is_read_committed_and_leaves_no_transaction(
    dsn: str, conn: psycopg.Connection
) -> None:
    import asyncio

    from pgq.calls import call as _call
    from pgq.worker.connections import open_connection
    from pgq.worker.together import send_together

    set_default(conn, "default_transaction_isolation", "serializable")
    asking = _call.Call("select current_setting('transaction_isolation')", {}, _call.value.read)
    failing = _call.Call("select 1 / %(n)s::bigint", {"n": 0}, _call.value.read)

    async def ask() -> list[str]:
        opened = await open_connection(dsn, "pgq test")
        async with opened.connection as connection:
            answers = await send_together(connection, [asking])
            with pytest.raises(psycopg.errors.DivisionByZero):
                await send_together(connection, [failing])
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            async with connection.transaction():
                answer = await connection.execute("show transaction_isolation")
                answers.extend(await answer.fetchone() or [])
            return answers

    assert asyncio.run(ask()) == ["read committed", "read committed"]


@pytest.mark.slow
def test_no_limit_of_the_role_ends_the_transactions_of_a_worker(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    if conn.info.server_version < 170000:
        pytest.skip("no transaction_timeout before 17")
    with pgq.Client(dsn) as client:
        job_id = client.enqueue("plain")
    conn.execute(
        "create function public.slowly() returns trigger language plpgsql"
        " as $$ begin perform pg_sleep(0.5); return new; end $$"
    )
    conn.execute(
        "create trigger slowly before insert on pgq.running"
        " for each row execute function public.slowly()"
    )
    set_default(conn, "transaction_timeout", "300ms")
    with running(dsn, registry):
        assert finished(pgq.Client(conn), job_id).state == "succeeded"


@pytest.mark.slow
def test_it_waits_while_the_database_is_read_only(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with running(dsn, registry) as worker, pgq.Client(dsn) as client:
        finished(client, client.enqueue("plain"))
        with caplog.at_level(logging.WARNING, "pgq"):
            set_default(conn, "default_transaction_read_only", "on")
            cut_all_workers(conn)
            wait_for(lambda: "read-only transaction" in caplog.text)
        job_id = client.enqueue("plain")
        assert not worker.has_ended
        conn.execute(f"alter database {conn.info.dbname} reset all".encode())
        assert finished(client, job_id).state == "succeeded"


def cut_all_workers(conn: psycopg.Connection) -> None:
    conn.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name like 'pgq %'"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "message"),
    [("statement_timeout", "statement timeout"), ("lock_timeout", "lock timeout")],
)
def test_it_survives_calls_that_are_cancelled(
    setting: str,
    message: str,
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_default(conn, setting, "300ms")
    with running(dsn, registry) as worker, pgq.Client(dsn) as client:
        finished(client, client.enqueue("plain"))
        blocker = connect(autocommit=False)
        blocker.execute(f"set {setting} to 0".encode())
        with caplog.at_level(logging.WARNING, "pgq"):
            blocker.execute("lock table pgq.running in access exclusive mode")
            job_id = client.enqueue("plain")
            wait_for(lambda: f"due to {message}" in caplog.text)
            blocker.rollback()
        assert finished(client, job_id).state == "succeeded"
        assert not worker.has_ended
        assert client.verify() == []


@pytest.mark.slow
def test_it_survives_the_end_of_a_session_that_idles_in_a_transaction(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    set_default(conn, "idle_in_transaction_session_timeout", "200ms")
    runs: list[bool] = []

    @registry.task("idles", context=True)
    def idles(context: pgq.Context) -> None:
        with context.transaction() as connection:
            connection.execute("select")
            runs.append(True)
            if len(runs) == 1:
                threading.Event().wait(1)

    with running(dsn, registry) as worker, pgq.Client(dsn) as client:
        job = finished(client, client.enqueue("idles", backoff=0.05))
        assert (job.state, job.attempt, len(runs)) == ("succeeded", 2, 2)
        assert not worker.has_ended
