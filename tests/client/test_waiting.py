"""Client.wait and wait_batch: told, or by asking; in time, or WaitTimeout."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

import pgq
from pgq.client import awaited, waiting, waiting_async
from tests.conftest import Connect
from tests.servers import set_default

LONG = 30.0


def finish(conn: psycopg.Connection, *, failed: bool = False) -> int:
    """Run the next job to its end; return its id."""
    client = pgq.Client(conn)
    (job,) = client.claim_batch(["*"])
    held = [job.job_id], [job.claim_id]
    if failed:
        client.fail_batch(*held, ["no"], final=[True])
    else:
        client.complete_batch(*held, [{"n": job.job_id}])
    return job.job_id


def ask(source: Any, how: str, ids: list[int], timeout: Any = LONG) -> list[pgq.rows.JobResult]:
    """Wait with a blocking or an async client made from a DSN."""
    if how == "blocking":
        with pgq.Client(source) as client:
            return client.wait(ids, timeout)

    async def wait() -> list[pgq.rows.JobResult]:
        async with pgq.AsyncClient(source) as client:
            return await client.wait(ids, timeout)

    return asyncio.run(wait())


def later(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def somebody_listens(conn: psycopg.Connection, ids: list[int]) -> bool:
    row = conn.execute("select array_agg(distinct job_id) from pgq.awaited").fetchone()
    return row is not None and row[0] is not None and set(ids) <= set(row[0])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


HOW = pytest.mark.parametrize("how", ["blocking", "async"])


@HOW
def test_jobs_that_have_ended_are_answered_at_once_in_order(
    dsn: str, conn: psycopg.Connection, how: str
) -> None:
    client = pgq.Client(conn)
    good, bad = client.enqueue("t"), client.enqueue("t")
    finish(conn)
    finish(conn, failed=True)
    found = ask(dsn, how, [bad, good, 10**9, bad])
    assert [(each.job_id, each.state) for each in found] == [
        (bad, "failed"),
        (good, "succeeded"),
        (10**9, None),
        (bad, "failed"),
    ]
    assert found[1].result == {"n": good}
    assert (found[0].error or {})["message"] == "no"
    assert ask(dsn, how, []) == []
    assert conn.execute("select count(*) from pgq.awaited").fetchone() == (0,)


@HOW
@pytest.mark.parametrize("notify", [True, False])
def test_jobs_that_end_meanwhile(
    dsn: str,
    connect: Connect,
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    notify: bool,
) -> None:
    """Told: nobody asks anew within the test. Not told: asking finds it."""
    pgq.Client(conn).configure(notify=notify)
    if notify:
        monkeypatch.setattr(awaited.Awaited, "pause", lambda _: 2 * LONG)
    ids = [pgq.Client(conn).enqueue("t") for _ in range(3)]
    other = connect()

    def work() -> None:
        until(lambda: somebody_listens(other, ids))
        for _ in ids:
            finish(other)

    thread = later(work)
    began = time.monotonic()
    found = ask(dsn, how, ids)
    assert time.monotonic() - began < LONG, "it was found by asking"
    thread.join(LONG)
    assert [(each.job_id, each.state) for each in found] == [(one, "succeeded") for one in ids]


@HOW
def test_a_job_that_ends_between_the_first_look_and_listening(
    dsn: str, connect: Connect, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Nobody tells of it: the look after listening must find it, before any pause."""
    monkeypatch.setattr(awaited.Awaited, "pause", lambda _: pytest.fail("it paused"))
    other = connect()
    job_id = pgq.Client(other).enqueue("t")
    listen = awaited.listen

    def finish_first(schema: str) -> Any:
        finish(other)
        return listen(schema)

    for module in waiting, waiting_async:
        monkeypatch.setattr(module, "listen", finish_first)
    assert ask(dsn, how, [job_id])[0].state == "succeeded"


@pytest.mark.slow
@HOW
def test_what_has_not_ended_in_time_is_named(dsn: str, conn: psycopg.Connection, how: str) -> None:
    client = pgq.Client(conn)
    done, ready, blocked = client.enqueue("t"), client.enqueue("t"), None
    blocked = client.enqueue("t", depends_on=[ready])
    finish(conn)
    with pytest.raises(pgq.WaitTimeout, match=r"2 of 3 jobs .* in 0\.2 s") as caught:
        ask(dsn, how, [done, blocked, ready, blocked], timedelta(seconds=0.2))
    error = caught.value
    assert isinstance(error, TimeoutError)
    assert isinstance(error, pgq.PgqError)
    assert error.missing == [blocked, ready]
    assert error.detail == f"not ended: {blocked}, {ready}"
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(twin), twin.hint, twin.missing) == (str(error), error.hint, error.missing)
    with pytest.raises(pgq.WaitTimeout):
        ask(dsn, how, [ready], 0)


@HOW
@pytest.mark.parametrize("timeout", [-1, float("nan"), timedelta(seconds=-1)])
def test_a_timeout_that_makes_no_sense(dsn: str, how: str, timeout: Any) -> None:
    with pytest.raises(pgq.InvalidArgument, match="timeout is"):
        ask(dsn, how, [1], timeout)


@pytest.mark.slow
def test_without_a_dsn_it_asks_now_and_then(
    dsn: str, connect: Connect, conn: psycopg.Connection
) -> None:
    ids = [pgq.Client(conn).enqueue("t") for _ in range(2)]
    with ConnectionPool(dsn, min_size=1, max_size=1, kwargs={"autocommit": True}) as pool:
        with pytest.raises(pgq.WaitTimeout):
            pgq.Client(pool).wait(ids, 0.1)
        later(lambda: [finish(conn) for _ in ids])
        assert [each.state for each in pgq.Client(pool).wait(ids, LONG)] == ["succeeded"] * 2
    alone = pgq.Client(connect())
    assert [each.state for each in alone.wait(ids, LONG)] == ["succeeded"] * 2


def test_another_schemas_channel(dsn: str) -> None:
    assert awaited.listen('o"dd').as_string(None) == 'listen "o""dd_ended"'


def ask_batch(
    source: Any, how: str, batch_id: int, timeout: float = LONG
) -> pgq.rows.BatchProgress:
    """Wait with a blocking or an async client made from a DSN."""
    if how == "blocking":
        with pgq.Client(source) as client:
            return client.wait_batch(batch_id, timeout)

    async def wait() -> pgq.rows.BatchProgress:
        async with pgq.AsyncClient(source) as client:
            return await client.wait_batch(batch_id, timeout)

    return asyncio.run(wait())


def somebody_listens_to(conn: psycopg.Connection, batch_id: int) -> bool:
    row = conn.execute("select count(*) from pgq.awaited_batches where batch_id = %s", (batch_id,))
    return row.fetchone() == (1,)


@pytest.mark.slow
@HOW
@pytest.mark.parametrize("notify", [True, False])
def test_a_batch_that_finishes_meanwhile(
    dsn: str,
    connect: Connect,
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    notify: bool,
) -> None:
    """As with jobs: told, nobody asks anew within the test; not told, asking finds it."""
    client = pgq.Client(conn)
    client.configure(notify=notify)
    if notify:
        monkeypatch.setattr(awaited.Awaited, "pause", lambda _: 2 * LONG)
    batch_id = client.create_batch()
    others = client.create_batch()
    client.enqueue("t", batch_id=batch_id)
    other = connect()

    def work() -> None:
        until(lambda: somebody_listens_to(other, batch_id))
        pgq.Client(other).close_batch(others)
        finish(other)
        pgq.Client(other).close_batch(batch_id)

    thread = later(work)
    began = time.monotonic()
    assert ask_batch(dsn, how, batch_id).succeeded == 1
    assert time.monotonic() - began < LONG, "it was found by asking"
    thread.join(LONG)
    assert not somebody_listens_to(conn, batch_id)


@HOW
def test_a_batch_that_finishes_between_the_first_look_and_listening(
    dsn: str, connect: Connect, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(awaited.Awaited, "pause", lambda _: pytest.fail("it paused"))
    other = connect()
    batch_id = pgq.Client(other).create_batch()
    listen = awaited.listen

    def close_first(schema: str) -> Any:
        pgq.Client(other).close_batch(batch_id)
        return listen(schema)

    for module in waiting, waiting_async:
        monkeypatch.setattr(module, "listen", close_first)
    assert ask_batch(dsn, how, batch_id).finished_at is not None


@pytest.mark.slow
@HOW
def test_waiting_for_a_batch(dsn: str, conn: psycopg.Connection, how: str) -> None:
    client = pgq.Client(conn)
    batch_id = client.create_batch(on_finish=pgq.NewJob("after", {"x": 1}, queue="later"))
    client.enqueue("t", batch_id=batch_id)
    assert client.enqueue_many([pgq.NewJob("t", batch_id=batch_id)])[0].created
    assert client.close_batch(batch_id) is True
    assert client.close_batch(batch_id) is False

    with pytest.raises(pgq.WaitTimeout, match=f"batch {batch_id} has not finished") as caught:
        ask_batch(dsn, how, batch_id, 0.1)
    assert caught.value.detail == "2 of its jobs live"

    def work() -> None:
        finish(conn)
        finish(conn, failed=True)
        client.promote_due()

    thread = later(work)
    done = ask_batch(dsn, how, batch_id)
    thread.join(LONG)
    assert (done.total, done.succeeded, done.failed) == (2, 1, 1)
    assert done.finished_at is not None
    (after,) = client.list_jobs(queue="later", details=True).jobs
    assert (after.task, after.args) == ("after", {"x": 1})
    assert client.batch_status()[0].status == "failed"
    client.discard([job.id for job in client.list_jobs(states=["failed"]).jobs])
    assert ask_batch(dsn, how, batch_id) == done
    with pytest.raises(pgq.InvalidArgument, match="batch 4711 does not exist"):
        ask_batch(dsn, how, 4711, 1)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["blocking", "async"])
def test_it_is_no_rival_of_serializable_transactions(
    how: str, dsn: str, conn: psycopg.Connection, connect: Connect
) -> None:
    set_default(conn, "default_transaction_isolation", "serializable")
    job_id = pgq.Client(conn).enqueue("t")
    settling = connect(autocommit=False)
    finish(settling)
    answers: list[pgq.rows.JobResult] = []
    waiter = later(lambda: answers.extend(ask(dsn, how, [job_id])))
    while not somebody_listens(conn, [job_id]):
        assert waiter.is_alive()
        time.sleep(0.01)
    settling.commit()  # if both were serializable, one of the two would fail
    waiter.join(LONG)
    assert [each.state for each in answers] == ["succeeded"]
