"""Outcomes that the database does not take: each is its own job's matter, and holds up no other."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgq
from pgq.rows import Outcome as Settlement
from pgq.values import JsonText
from pgq.worker.outcome import Failed, Released, Snoozed, Succeeded
from pgq.worker.refused import instead_of
from pgq.worker.settle_calls import Ended
from pgq.worker.settler import Settler
from tests.conftest import Connect
from tests.servers import Databases, install
from tests.worker.breaking import accept, refuse
from tests.worker.running import finished, running, wait_for


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task("echo")
    async def echo(n: int) -> int:
        return n

    @made.task("fails")
    async def fails(text: str) -> None:
        raise ValueError(text)

    return made


@pytest.mark.slow
@pytest.mark.parametrize("code", ["22003", "54000", "XX000"])
def test_a_refused_result_fails_its_job_and_no_other(
    code: str, dsn: str, registry: pgq.Registry, conn: psycopg.Connection, client: pgq.Client
) -> None:
    refuse(conn, "new.result = '3'", code)
    ids = [client.enqueue("echo", [n], max_attempts=1) for n in range(6)]
    with running(dsn, registry):
        jobs = [finished(client, job_id) for job_id in ids]
    assert [job.result for job in jobs] == [0, 1, 2, None, 4, 5]
    assert [job.state for job in jobs] == ["succeeded"] * 3 + ["failed"] + ["succeeded"] * 2
    assert jobs[3].errors
    assert jobs[3].errors[-1]["type"] == "InvalidResult"
    assert "refused on purpose" in jobs[3].errors[-1]["message"]
    assert client.verify() == []


@pytest.mark.slow
def test_a_refused_failure_is_told_in_plain_characters(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection, client: pgq.Client
) -> None:
    refuse(conn, "new.errors::text ~ '[^ -~]'", "22P05")
    ids = [client.enqueue("fails", [text], max_attempts=1) for text in ("a", "\U0001f600", "b")]
    with running(dsn, registry):
        jobs = [finished(client, job_id) for job_id in ids]
    messages = [job.errors[-1]["message"] for job in jobs if job.errors]
    assert messages == ["a", "\\U0001f600", "b"]
    assert {job.state for job in jobs} == {"failed"}


@pytest.mark.slow
def test_an_outcome_that_is_refused_to_the_last_is_kept_and_said(
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = client.enqueue("echo", [3], max_attempts=1)
    refuse(conn, f"new.id = {refused}", "22003")
    with running(dsn, registry), caplog.at_level(logging.INFO, "pgq"):
        wait_for(lambda: "outcomes.kept" in caplog.text)
        for n in range(3):
            assert finished(client, client.enqueue("echo", [n])).state == "succeeded"
        accept(conn)
        assert finished(client, refused).state == "failed"
        wait_for(lambda: "outcomes.delivered" in caplog.text)
    assert caplog.text.count("job.outcome_refused") == 3
    assert caplog.text.count("outcomes.kept") == 1


@pytest.mark.slow
def test_what_is_refused_to_the_last_does_not_keep_a_worker_from_leaving(
    dsn: str, registry: pgq.Registry, conn: psycopg.Connection, client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    refused = client.enqueue("echo", [3], max_attempts=1)
    refuse(conn, f"new.id = {refused}", "22003")
    with running(dsn, registry):
        wait_for(lambda: "outcomes.kept" in caplog.text)
        began = time.monotonic()
    assert time.monotonic() - began < 20
    accept(conn)


@pytest.mark.slow
def test_an_emoji_harms_nobody_in_a_latin1_database(databases: Databases) -> None:
    admin = databases.admin()
    admin.execute("create database pgq_test_latin1 encoding 'LATIN1' locale 'C' template template0")
    try:
        dsn = databases.dsn("pgq_test_latin1")
        install(dsn)
        registry = pgq.Registry()

        @registry.task("t", context=True)
        async def handle(context: pgq.Context, n: int) -> Any:
            context.progress("\U0001f600")
            if n == 1:
                raise ValueError("\U0001f600")
            return "\U0001f600" if n == 2 else n

        with running(dsn, registry) as worker, pgq.Client(dsn) as client:
            ids = [client.enqueue("t", [n], max_attempts=1) for n in range(4)]
            jobs = [finished(client, job_id) for job_id in ids]
            assert not worker.has_ended
        assert [jobs[0].state, jobs[3].state] == ["succeeded", "succeeded"]
        assert jobs[1].state == "failed"
        assert jobs[1].errors
        assert "\\U0001f600" in jobs[1].errors[-1]["message"]
    finally:
        admin.execute("drop database pgq_test_latin1 with (force)")


@pytest.mark.slow
def test_results_too_big_for_the_server_fail_alone(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("big")
    async def big(size: int) -> list[str]:
        # As jsonb a string may hold 268,435,455 bytes.
        return ["é" * size]

    with running(dsn, registry, lease=60) as worker:
        # A character is two bytes, and six as JSON.
        ids = [client.enqueue("big", [1000], max_attempts=1)]
        ids += [client.enqueue("big", [70_000_000], max_attempts=1)]
        ids += [client.enqueue("echo", [1])]
        jobs = [finished(client, job_id) for job_id in ids]
        assert not worker.has_ended
    assert [job.state for job in jobs] == ["succeeded", "failed", "succeeded"]


@pytest.mark.slow
def test_refused_progress_is_dropped_with_one_warning(
    dsn: str,
    registry: pgq.Registry,
    conn: psycopg.Connection,
    client: pgq.Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    conn.execute(
        "alter table pgq.running add constraint small check (progress is distinct from '7')"
    )

    @registry.task("tells", context=True)
    async def tells(context: pgq.Context) -> None:
        for value in (7, 8):
            context.progress(value)
            await asyncio.sleep(1)

    with running(dsn, registry) as worker:
        job_id = client.enqueue("tells")
        wait_for(lambda: getattr(client.job(job_id), "progress", None) == 8)
        assert finished(client, job_id).state == "succeeded"
        assert not worker.has_ended
    assert caplog.text.count("call=set_progress") >= 1
    assert caplog.text.count("call.failed") == 1


@pytest.mark.slow
def test_rows_that_a_hanging_session_holds_keep_only_their_own_outcomes(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
) -> None:
    go = asyncio.Event()

    @registry.task("waits")
    async def waits() -> None:
        await go.wait()

    with running(dsn, registry, lease=4) as worker:
        held = client.enqueue("waits")
        hanging = connect(autocommit=False)
        wait_for(
            lambda: (
                hanging.execute(
                    "select from pgq.running where job_id = %s for update", [held]
                ).rowcount
            )
        )
        worker._loop.call_soon_threadsafe(go.set)
        wait_for(lambda: "sqlstate=57014" in caplog.text or "no answer" in caplog.text)
        for n in range(5):
            assert finished(client, client.enqueue("echo", [n])).result == n
        hanging.rollback()
        assert finished(client, held).state == "succeeded"
    assert client.verify() == []


@pytest.mark.parametrize(("answer", "level"), [("lost", "WARNING"), ("already", "INFO")])
def test_thrown_away_work_is_said_as_a_warning(
    answer: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pgq")
    settler = Settler(lambda: 1)
    job = pgq.rows.ClaimedJob(
        **(dict.fromkeys(pgq.rows.ClaimedJob._fields) | {"job_id": 1, "claim_id": 2})
    )
    settler.add(job, Succeeded(None))
    settler.answered(settler.batch(), [[Settlement(1, answer)]])
    (line,) = [line for line in caplog.records if line.name == "pgq.jobs"]
    assert line.levelname == level
    assert ("thrown_away=succeeded" in line.getMessage()) is (answer == "lost")


def test_what_is_settled_instead_keeps_what_was_decided() -> None:
    error = ValueError("no é")
    assert instead_of(Succeeded(JsonText("1")), error) == Failed(
        "the outcome was refused: no \\xe9", "InvalidResult"
    )
    assert isinstance(instead_of(Snoozed(timedelta(1)), error), Failed)
    assert instead_of(Released(), error) is None
    first = instead_of(Failed("é" * 1000, "é", "trace", final=True), error)
    assert first == Failed("\\xe9" * 125, "\\xe9", final=True)
    assert first
    second = instead_of(first, error)
    assert second == Failed("", "Refused", final=True)
    assert second
    assert instead_of(second, error) is None


def test_a_batch_is_bounded_in_what_it_holds() -> None:
    settler = Settler(lambda: 1)
    job: Any = None
    for size in (1, 20 << 20, 1, 1):
        settler._pending.append(Ended(job, Succeeded(JsonText("x" * size)), 0.0))
    assert [len(group) for group in settler.batch()] == [1]
    settler._pending.popleft()
    assert [len(group) for group in settler.batch()] == [1]
    settler._pending.popleft()
    assert [len(group) for group in settler.batch()] == [2]


def test_a_large_outcome_has_a_call_of_its_own() -> None:
    settler = Settler(lambda: 1)
    job: Any = None
    for size in (1, 5 << 20, 1):
        settler.add(job, Succeeded(JsonText("x" * size)))
    assert [len(group) for group in settler.batch()] == [2]
    assert [ended.size for ended in settler.aside.kept] == [5 << 20]
    assert settler.is_waiting and settler.aside.retry_at <= time.monotonic()


@pytest.mark.slow
def test_no_dsn_is_in_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    registry = pgq.Registry()
    registry.task("t")(lambda: None)
    dsn = make_conninfo("", host="/nowhere", user="u", password="secret")
    with pytest.raises(psycopg.OperationalError):
        asyncio.run(pgq.Worker(dsn, registry=registry, schema_timeout=0.1).run())
    assert "secret" not in caplog.text
