"""Connections that break, and calls whose outcome is unknown."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

import pgq
from pgq.values import JsonText
from pgq.worker import outcome
from pgq.worker.session import Session
from tests.worker.running import finished, running, wait_for


def cut_all_others(conn: psycopg.Connection) -> int:
    return len(
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and application_name like 'pgq %'"
        ).fetchall()
    )


@pytest.mark.slow
def test_a_job_goes_on_while_every_connection_is_cut(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    @registry.task("t")
    async def handle() -> str:
        runs.append(1)
        begun.set()
        await asyncio.to_thread(go_on.wait)
        return "done"

    with running(dsn, registry):
        job_id = client.enqueue("t")
        assert begun.wait(10)
        assert cut_all_others(conn) >= 2
        go_on.set()
        job = finished(client, job_id)
        assert (job.result, job.attempt, len(runs)) == ("done", 1, 1)
        wait_for(
            lambda: conn.execute(
                "select from pgq.workers as worker"
                " join pg_stat_activity as session on session.pid = worker.backend_pid"
            ).fetchall()
        )
        finished(client, client.enqueue("t"))


@pytest.mark.slow
def test_a_claim_whose_commit_was_not_answered_is_handed_back(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    @registry.task("t")
    async def handle() -> None:
        pass

    original = Session.try_together
    cut = 0

    async def lose_answers(self: Session, calls: Sequence[Any], **options: Any) -> list[Any]:
        nonlocal cut
        answers = await original(self, calls, **options)
        if answers[-1] and isinstance(answers[-1][0], pgq.rows.ClaimedJob) and cut < 3:
            cut += 1
            raise psycopg.OperationalError("cut")
        return answers

    monkeypatch.setattr(Session, "try_together", lose_answers)
    ids = [client.enqueue("t") for _ in range(5)]
    with running(dsn, registry, lease=1, concurrency=2):
        jobs = [finished(client, job_id) for job_id in ids]
    assert cut == 3
    assert {(job.state, job.attempt) for job in jobs} == {("succeeded", 1)}
    assert client.verify() == []


@pytest.mark.slow
def test_a_settle_whose_commit_was_not_answered_is_repeated(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    @registry.task("good")
    async def good() -> str:
        return "result"

    @registry.task("bad")
    async def bad() -> None:
        raise ValueError

    original = Session.try_together
    cut: list[Any] = []

    async def lose_answers(self: Session, calls: Sequence[Any], **options: Any) -> list[Any]:
        answers = await original(self, calls, **options)
        if answers[0] and not isinstance(answers[0][0], pgq.rows.ClaimedJob) and len(cut) < 3:
            cut.append(answers[0])
            raise psycopg.OperationalError("cut")
        return answers

    monkeypatch.setattr(Session, "try_together", lose_answers)
    with running(dsn, registry, lease=1, concurrency=1, prefetch=0):
        jobs = [
            finished(client, client.enqueue("good")),
            finished(client, client.enqueue("bad", max_attempts=1)),
        ]
    assert len(cut) == 3
    assert [(job.state, job.result, job.attempt) for job in jobs] == [
        ("succeeded", "result", 1),
        ("failed", None, 1),
    ]


@pytest.mark.slow
def test_one_outcome_that_the_database_refuses_does_not_hold_up_the_others(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    @registry.task("t")
    async def handle(n: int) -> int:
        return n

    def unchecked(value: int, _what: str) -> JsonText:
        return JsonText('"\\u0000"' if value == 3 else value)

    monkeypatch.setattr(outcome, "json_text", unchecked)
    ids = [client.enqueue("t", [n], max_attempts=1) for n in range(6)]
    with running(dsn, registry):
        jobs = [finished(client, job_id) for job_id in ids]
    assert [job.result for job in jobs] == [0, 1, 2, None, 4, 5]
    assert jobs[3].state == "failed"
    assert jobs[3].errors
    assert jobs[3].errors[0]["type"] == "InvalidResult"
    assert "Unicode escape" in jobs[3].errors[0]["message"]


@pytest.mark.slow
def test_what_ran_when_a_worker_left_at_once_is_lost_though_a_claim_was_not_answered(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    @registry.task("t")
    async def handle() -> None:
        begun.set()
        await asyncio.sleep(60)

    original = Session.try_together
    cut = threading.Event()

    async def lose_answers(self: Session, calls: Sequence[Any], **options: Any) -> list[Any]:
        answers = await original(self, calls, **options)
        if begun.is_set():
            cut.set()
            raise psycopg.OperationalError("cut")
        return answers

    monkeypatch.setattr(Session, "try_together", lose_answers)
    job_id = client.enqueue("t", backoff="1 hour")
    with running(dsn, registry) as worker:
        assert begun.wait(10)
        assert cut.wait(10)
        worker.stop()
        worker.stop()  # the second time at once
        worker.wait()
    job = client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt) == ("scheduled", 1)
