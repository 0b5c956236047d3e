"""Arguments of the wrong type are refused at once, by name; one id and seconds are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg_pool import ConnectionPool
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import pgq
from tests.conftest import Connect

NOW = datetime(2030, 1, 1, tzinfo=UTC)

WRONG: dict[str, Callable[[pgq.Client], Any]] = {
    "cancel([3.9])": lambda c: c.cancel([3.9]),  # type: ignore[list-item]
    "cancel('17')": lambda c: c.cancel("17"),  # type: ignore[arg-type]
    "cancel(None)": lambda c: c.cancel(None),  # type: ignore[arg-type]
    "cancel([True])": lambda c: c.cancel([True]),
    "cancel([2**63])": lambda c: c.cancel([2**63]),
    "retry([None])": lambda c: c.retry([None]),  # type: ignore[list-item]
    "retry at text": lambda c: c.retry([1], at="2030-01-01"),  # type: ignore[arg-type]
    "result(None)": lambda c: c.result(None),  # type: ignore[arg-type]
    "result('1')": lambda c: c.result("1"),  # type: ignore[arg-type]
    "result(1.0)": lambda c: c.result(1.0),  # type: ignore[arg-type]
    "job(None)": lambda c: c.job(None),  # type: ignore[arg-type]
    "job('x')": lambda c: c.job("x"),  # type: ignore[arg-type]
    "list_jobs(queue=b'q')": lambda c: c.list_jobs(queue=b"q"),  # type: ignore[arg-type]
    "list_jobs(page_size=-1)": lambda c: c.list_jobs(page_size=-1),
    "list_jobs(max_looked_at=0)": lambda c: c.list_jobs(max_looked_at=0),
    "estimate_jobs(max_jobs=0)": lambda c: c.estimate_jobs(max_jobs=0),
    "failed_jobs(-1)": lambda c: c.failed_jobs(-1),
    "blocked_jobs(-1)": lambda c: c.blocked_jobs(-1),
    "semaphore_status(-1)": lambda c: c.semaphore_status(-1),
    "batch_status(-1)": lambda c: c.batch_status(-1),
    "schedule_history(limit=-1)": lambda c: c.schedule_history("s", limit=-1),
    "list_jobs(['bogus'])": lambda c: c.list_jobs(states=["bogus"]),  # type: ignore[list-item]
    "list_jobs(['READY'])": lambda c: c.list_jobs(states=["READY"]),  # type: ignore[list-item]
    "list_jobs('ready')": lambda c: c.list_jobs(states="ready"),  # type: ignore[arg-type]
    "find_jobs(states=['bogus'])": lambda c: c.find_jobs(states=["bogus"]),  # type: ignore[list-item]
    "find_jobs(max_jobs=0)": lambda c: c.find_jobs(max_jobs=0),
    "count_jobs('q', ['bogus'])": lambda c: c.count_jobs("q", ["bogus"]),  # type: ignore[list-item]
    "retry(states=['bogus'])": lambda c: c.retry(1, states=["bogus"]),  # type: ignore[list-item]
    "discard(states=['x'])": lambda c: c.discard(1, ["x"]),  # type: ignore[list-item]
    "clear_queue(max_jobs=-1)": lambda c: c.clear_queue("q", max_jobs=-1),
    "cron_preview(times=0)": lambda c: c.cron_preview("@daily", times=0),
    "order_worker('rest')": lambda c: c.order_worker(1, "rest"),  # type: ignore[arg-type]
    "prune_schedule_history(-1)": lambda c: c.prune_schedule_history(max_runs=-1),
    "health(max_lag=10**12)": lambda c: c.health(max_lag=10**12),
    "list_jobs(page_size=1.5)": lambda c: c.list_jobs(page_size=1.5),  # type: ignore[arg-type]
    "wait('17')": lambda c: c.wait("17"),  # type: ignore[arg-type]
    "wait_batch(None)": lambda c: c.wait_batch(None),  # type: ignore[arg-type]
    "wait_batch('1')": lambda c: c.wait_batch("1"),  # type: ignore[arg-type]
    "pause_queue for words": lambda c: c.pause_queue("q", "a while"),
    "snooze_batch(…, 5)": lambda c: c.snooze_batch([1], [1], 5),  # type: ignore[arg-type]
    "snooze_batch words": lambda c: c.snooze_batch([1], [1], ["a while"]),
    "wait(None)": lambda c: c.wait(None),  # type: ignore[arg-type]
    "pause_queue(None)": lambda c: c.pause_queue(None),  # type: ignore[arg-type]
    "pause_queue(b'q')": lambda c: c.pause_queue(b"q"),  # type: ignore[arg-type]
    "pause_queue NUL": lambda c: c.pause_queue("a\0b"),
    "pause_queue surrogate": lambda c: c.pause_queue("a\ud800"),
    "pause_queue for b''": lambda c: c.pause_queue("q", b"1"),  # type: ignore[arg-type]
    "pause_queue for True": lambda c: c.pause_queue("q", True),
    "claim_batch('mail')": lambda c: c.claim_batch("mail"),
    "configure(notify=1)": lambda c: c.configure(notify=1),  # type: ignore[arg-type]
    "cron_next(after='x')": lambda c: c.cron_next("@daily", "x"),  # type: ignore[arg-type]
    "enqueue(None)": lambda c: c.enqueue(None),  # type: ignore[arg-type]
    "enqueue(5)": lambda c: c.enqueue(5),  # type: ignore[arg-type]
    "enqueue queue=b'q'": lambda c: c.enqueue("t", queue=b"q"),  # type: ignore[arg-type]
    "enqueue queue NUL": lambda c: c.enqueue("t", queue="a\0"),
    "enqueue task NUL": lambda c: c.enqueue("t\0"),
    "enqueue priority=1.5": lambda c: c.enqueue("t", priority=1.5),  # type: ignore[arg-type]
    "enqueue priority=10**30": lambda c: c.enqueue("t", priority=10**30),
    "enqueue delay=b'1'": lambda c: c.enqueue("t", delay=b"1"),  # type: ignore[arg-type]
    "enqueue run_at text": lambda c: c.enqueue("t", run_at="soon"),  # type: ignore[arg-type]
    "enqueue depends_on=1": lambda c: c.enqueue("t", depends_on=1),  # type: ignore[arg-type]
    "enqueue_many depends_on=1": lambda c: c.enqueue_many(
        [pgq.NewJob("t", depends_on=1)]  # type: ignore[arg-type]
    ),
    "words for a delay": lambda c: c.enqueue("t", delay="a while"),
    "enqueue depends_on": lambda c: c.enqueue("t", depends_on=[1.5]),  # type: ignore[list-item]
    "enqueue_many(None)": lambda c: c.enqueue_many(None),  # type: ignore[arg-type]
    "enqueue_many(['t'])": lambda c: c.enqueue_many(["t"]),  # type: ignore[list-item]
    "enqueue_many b''": lambda c: c.enqueue_many(
        [pgq.NewJob("t", queue=b"q")]  # type: ignore[arg-type]
    ),
    "enqueue_many 1.5": lambda c: c.enqueue_many(
        [pgq.NewJob("t", priority=1.5)]  # type: ignore[arg-type]
    ),
    "enqueue_many big": lambda c: c.enqueue_many([pgq.NewJob("t", priority=10**30)]),
    "enqueue_many NUL": lambda c: c.enqueue_many([pgq.NewJob("t\0")]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG)
def test_wrong_types_are_refused_with_a_hint(dsn: str, conn: psycopg.Connection, what: str) -> None:
    with pgq.Client(dsn) as client:
        with pytest.raises((pgq.InvalidArgument, pgq.InvalidJob)) as caught:
            WRONG[what](client)
        assert caught.value.hint
        if what.startswith("enqueue") and "(None)" not in what:
            assert isinstance(caught.value, pgq.InvalidJob)
    row = conn.execute("select (select count(*) from pgq.jobs) + (select count(*) from pgq.queues)")
    assert row.fetchone() == (0,)


@pytest.mark.slow
def test_one_id_and_seconds_are_enough(dsn: str) -> None:
    with pgq.Client(dsn) as client:
        job_id = client.enqueue("t", delay=300)
        job = client.job(job_id)
        assert job is not None
        assert job.run_at - job.created_at == timedelta(minutes=5)
        assert client.run_now(job_id)[0].outcome == "promoted"
        assert client.cancel(job_id)[0].outcome == "cancelled"
        assert client.wait(job_id)[0].state == "cancelled"
        assert client.retry(job_id)[0].outcome == "retried"
        assert client.discard(job_id)[0].outcome == "discarded"


class Number:
    """Like numpy's integers."""

    def __index__(self) -> int:
        return 7


@pytest.mark.slow
def test_whatever_is_an_integer_is_taken(dsn: str) -> None:
    with pgq.Client(dsn) as client:
        number: Any = Number()
        assert client.cancel([number])[0].outcome == "not_found"


@pytest.mark.parametrize("source", [None, 5, b"postgresql://", object(), ["x"]])
def test_what_no_client_can_be_made_from_is_refused(source: Any) -> None:
    for kind in (pgq.Client, pgq.AsyncClient):
        with pytest.raises(pgq.InvalidArgument, match="cannot be made from") as caught:
            kind(source)
        assert "psycopg" in str(caught.value.hint)


def test_clients_tell_blocking_sources_from_async_ones(dsn: str, conn: psycopg.Connection) -> None:
    async_client: Any = pgq.AsyncClient
    with pytest.raises(pgq.InvalidArgument, match="AsyncClient cannot be made from psycopg"):
        async_client(conn)
    with ConnectionPool(dsn, min_size=1, open=True) as pool:
        assert pgq.Client(pool).version()
        with pytest.raises(pgq.InvalidArgument):
            async_client(pool)


def test_sqlalchemys_connections_and_sessions(connect: Connect, conn: psycopg.Connection) -> None:
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(autocommit=False))

    def count() -> Any:
        return conn.execute("select count(*) from pgq.jobs").fetchone()

    with engine.connect() as connection:
        client = pgq.Client(connection)
        assert client.enqueue("work", {"n": 1}) == 1
        assert count() == (0,)
        connection.commit()
        assert count() == (1,)
        client.enqueue("work")
        connection.rollback()
        assert count() == (1,)
        connection.execute(sa.text("select 1"))
        client.enqueue("work")
        connection.commit()
        assert count() == (2,)
    with Session(engine) as session, session.begin():
        assert pgq.Client(session).job(1)
        pgq.Client(session).enqueue("work")
    assert count() == (3,)
    registry = scoped_session(sessionmaker(engine))
    pgq.Client(registry).enqueue("work")
    registry.commit()
    registry.remove()
    assert count() == (4,)
    with pytest.raises(pgq.InvalidArgument, match="Engine"):
        pgq.Client(engine)  # type: ignore[arg-type]
    engine.dispose()


def test_sqlalchemys_async_connections_and_sessions(dsn: str, conn: psycopg.Connection) -> None:
    pytest.importorskip("greenlet")
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    async def work() -> None:
        engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=lambda: psycopg.AsyncConnection.connect(dsn),
        )
        async with engine.connect() as connection:
            await pgq.AsyncClient(connection).enqueue("work")
            await connection.commit()
            await pgq.AsyncClient(connection).enqueue("work")
        async with AsyncSession(engine) as session, session.begin():
            await pgq.AsyncClient(session).enqueue("work", {"n": 2})
        with pytest.raises(pgq.InvalidArgument):
            pgq.AsyncClient(engine)  # type: ignore[arg-type]
        await engine.dispose()

    asyncio.run(work())
    assert conn.execute("select count(*) from pgq.jobs").fetchone() == (2,)
