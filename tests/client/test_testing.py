"""pgq.testing: running jobs inside a test, without a worker."""

from __future__ import annotations

import psycopg
import pytest

import pgq
from pgq.testing import run_jobs
from tests.conftest import Connect


@pytest.fixture
def registry() -> pgq.Registry:
    made = pgq.Registry()

    @made.task(context=True)
    def first(context: pgq.Context, n: int) -> int:
        context.progress(n)
        with context.transaction() as connection:
            pgq.Client(connection).enqueue("second", {"n": n + 1})
            context.result = n
        return 0

    @made.task
    async def second(n: int) -> int:
        return n * 10

    @made.task(max_attempts=2, backoff=0)
    async def bad() -> None:
        raise ValueError("no")

    return made


def test_jobs_and_the_jobs_that_they_enqueue(
    connect: Connect, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    session = connect(autocommit=False)
    client = pgq.Client(session)
    client.enqueue("first", [1])
    client.enqueue("unknown")
    ran = run_jobs(client, registry)
    assert [(job.task, job.state, job.result) for job in ran] == [
        ("first", "succeeded", 1),
        ("second", "succeeded", 20),
    ]
    session.rollback()
    assert pgq.Client(conn).jobs() == []


def test_a_failure_is_raised_with_its_traceback(dsn: str, registry: pgq.Registry) -> None:
    with pgq.Client(dsn) as client:
        client.enqueue("bad", backoff=0)
        with pytest.raises(AssertionError, match=r"ValueError: no\n(.|\n)*in bad"):
            run_jobs(client, registry)


def test_failures_can_be_looked_at_instead(dsn: str, registry: pgq.Registry) -> None:
    with pgq.Client(dsn) as client:
        client.enqueue(registry.get("bad"))  # type: ignore[arg-type]
        ran = run_jobs(client, registry, raise_errors=False)
        assert [(job.attempt, job.state) for job in ran] == [(1, "ready"), (2, "failed")]
        client.enqueue("first", {"wrong": 1})
        assert run_jobs(client, registry, raise_errors=False)[0].state == "failed"


def test_jobs_without_end_are_noticed(dsn: str) -> None:
    registry = pgq.Registry()
    with pgq.Client(dsn) as client:

        @registry.task
        def again() -> None:
            client.enqueue("again")

        client.enqueue("again")
        with pytest.raises(AssertionError, match="5 jobs were run"):
            run_jobs(client, registry, max_jobs=5)
