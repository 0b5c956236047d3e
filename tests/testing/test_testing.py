"""pgq.testing: running jobs inside a test, without a worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

import pgq
from pgq.testing import (
    assert_enqueued,
    assert_enqueued_async,
    assert_not_enqueued,
    drain,
    drain_async,
    inline,
)
from tests.conftest import Connect
from tests.servers import Databases


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


@pytest.mark.slow
def test_jobs_and_the_jobs_that_they_enqueue(
    connect: Connect, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    session = connect(autocommit=False)
    client = pgq.Client(session)
    client.enqueue("first", [1])
    client.enqueue("unknown")
    ran = drain(client, registry)
    assert [(job.task, job.state, job.result) for job in ran] == [
        ("first", "succeeded", 1),
        ("second", "succeeded", 20),
    ]
    session.rollback()
    assert pgq.Client(conn).list_jobs().jobs == []


def test_a_failure_is_raised_with_its_traceback(dsn: str, registry: pgq.Registry) -> None:
    with pgq.Client(dsn) as client:
        client.enqueue("bad", backoff=0)
        with pytest.raises(AssertionError, match=r"ValueError: no\n(.|\n)*in bad"):
            drain(client, registry)


def test_failures_can_be_looked_at_instead(dsn: str, registry: pgq.Registry) -> None:
    with pgq.Client(dsn) as client:
        client.enqueue(registry.get("bad"))  # type: ignore[arg-type]
        ran = drain(client, registry, raise_errors=False)
        assert [(job.attempt, job.state) for job in ran] == [(1, "ready"), (2, "failed")]
        client.enqueue("first", {"wrong": 1})
        assert drain(client, registry, raise_errors=False)[0].state == "failed"


def test_jobs_without_end_are_noticed(dsn: str) -> None:
    registry = pgq.Registry()
    with pgq.Client(dsn) as client:

        @registry.task
        def again() -> None:
            client.enqueue("again")

        client.enqueue("again")
        with pytest.raises(AssertionError, match="5 jobs were run"):
            drain(client, registry, max_jobs=5)


def test_draining_inside_an_event_loop(dsn: str) -> None:
    async def test() -> None:
        registry = pgq.Registry()

        @registry.task(context=True)
        async def outer(context: pgq.Context) -> None:
            context.progress(0.5)
            async with context.transaction() as connection:
                await pgq.AsyncClient(connection).enqueue("inner", {"n": 1})
                context.result = "outer"

        @registry.task
        def inner(n: int) -> int:
            return n

        async with pgq.AsyncClient(dsn) as client:
            await client.enqueue("outer")
            ran = await drain_async(client, registry)
            assert [(job.task, job.state, job.result) for job in ran] == [
                ("outer", "succeeded", "outer"),
                ("inner", "succeeded", 1),
            ]
            await client.enqueue("inner", {"wrong": 1})
            with pytest.raises(AssertionError, match="ArgsMismatch"):
                await drain_async(client, registry)

    asyncio.run(test())


def test_what_is_enqueued(dsn: str, registry: pgq.Registry) -> None:
    with pgq.Client(dsn) as client:
        client.enqueue("first", [1], queue="mail", headers={"tenant": "a", "trace": "x"})
        last = client.enqueue("first", [2])
        assert assert_enqueued(client, "first").id == last
        task = registry.get("first")
        assert task is not None
        assert_enqueued(client, task, [1], queue="mail", headers={"tenant": "a"}, state="ready")
        assert_enqueued(client, task.job(2), count=1)
        assert_enqueued(client, "first", count=2)
        assert_not_enqueued(client, "first", [3])
        assert_not_enqueued(client, "first", headers={"tenant": "b"})
        with pytest.raises(AssertionError, match=r"no such job(.|\n)*args=\[1\]"):
            assert_enqueued(client, "first", [3])
        with pytest.raises(AssertionError, match="2 such job of task 'first', 1 wanted"):
            assert_enqueued(client, "first", count=1)
        with pytest.raises(AssertionError, match="there is such a job"):
            assert_not_enqueued(client, "first", [2])
        with pytest.raises(pgq.InvalidArgument, match="a job has no tenant"):
            assert_enqueued(client, "first", tenant="a")


def test_what_is_enqueued_asked_async(dsn: str) -> None:
    async def test() -> None:
        async with pgq.AsyncClient(dsn) as client:
            job_id = await client.enqueue("first", [1])
            assert (await assert_enqueued_async(client, "first", [1])).id == job_id

    asyncio.run(test())


@pytest.mark.slow
def test_inline_runs_jobs_where_they_are_enqueued(
    connect: Connect, registry: pgq.Registry, conn: psycopg.Connection
) -> None:
    session = connect(autocommit=False)
    client = pgq.Client(session)
    with inline(registry):
        job_id = client.enqueue("first", [1])
        assert [job.state for job in client.list_jobs(details=True).jobs] == [
            "succeeded",
            "succeeded",
        ]
        result = client.result(job_id)
        assert result is not None and result.result == 1
        later = client.enqueue("second", {"n": 1}, delay=60)
        assert assert_enqueued(client, "second", state="scheduled").id == later
        with pytest.raises(AssertionError, match="ValueError: no"):
            client.enqueue(registry.get("bad"))  # type: ignore[arg-type]
    client.enqueue("second", {"n": 2})
    assert_enqueued(client, "second", {"n": 2}, state="ready")
    session.rollback()
    assert pgq.Client(conn).list_jobs().jobs == []


def test_inline_inside_an_event_loop(dsn: str, registry: pgq.Registry) -> None:
    async def test() -> None:
        async with pgq.AsyncClient(dsn) as client:
            with inline(registry):
                await client.enqueue("second", {"n": 1})
            assert (await assert_enqueued_async(client, "second", state="succeeded")).result == 10

    asyncio.run(test())


PROGRAM = """
    import pgq

    @pgq.task
    def add(a: int, b: int) -> int:
        return a + b

    @pgq.task
    def later() -> None: ...
"""
TESTS = """
    import psycopg
    import pytest
    import pgq
    import program

    def test_drain(pgq_dsn, pgq_client, pgq_assert_enqueued, pgq_drain):
        with psycopg.connect(pgq_dsn) as connection:
            pgq.Client(connection).enqueue(program.add.job(1, 2))
        pgq_assert_enqueued(program.add, state="ready")
        assert [job.result for job in pgq_drain()] == [3]

    def test_every_test_has_its_own_database(pgq_client):
        assert pgq_client.list_jobs().jobs == []

    def test_travel(pgq_client, pgq_drain, pgq_travel):
        pgq_client.enqueue(program.later, delay="1 hour")
        assert pgq_drain() == []
        pgq_travel("1 hour")
        assert [job.task for job in pgq_drain()] == ["later"]

    @pytest.mark.usefixtures("pgq_inline")
    def test_inline(pgq_client):
        job_id = pgq_client.enqueue(program.add.job(1, 2))
        assert pgq_client.result(job_id).result == 3

    def test_that_fails(pgq_assert_enqueued):
        pgq_assert_enqueued("add")
"""


@pytest.mark.slow
def test_the_plugin_in_another_project(
    pytester: pytest.Pytester,
    databases: Databases,
    empty_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(pgq.__file__).parents[1]))
    pytester.makepyfile(program=PROGRAM, test_program=TESTS)
    before = names_of(databases)
    result = pytester.runpytest_subprocess(
        "-p", "pgq.testing.pytest_plugin", "-p", "no:cacheprovider", f"--pgq-dsn={empty_dsn}"
    )
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*no such job of task 'add'; there are: none"])
    assert names_of(databases) == before


def names_of(databases: Databases) -> set[str]:
    query = "select datname from pg_database where datname like 'pgq_test_%'"
    return {name for (name,) in databases.admin().execute(query)}


@pytest.mark.slow
def test_a_handler_of_many_jobs_gets_them_one_by_one(dsn: str, registry: pgq.Registry) -> None:
    @registry.task("t", batch_size=10, context=True)
    def handle(contexts: list[pgq.Context], items: list[int]) -> list[int | Exception]:
        assert len(contexts) == 1 and contexts[0].together == contexts
        return [ValueError("no") if items == [1] else items[0]]

    with pgq.Client(dsn) as client:
        for args in ([0], [1], [], [3]):
            client.enqueue("t", args, max_attempts=1)
        ran = pgq.testing.drain(client, registry, raise_errors=False)
    assert [(job.state, job.result) for job in ran] == [
        ("succeeded", 0),
        ("failed", None),
        ("failed", None),
        ("succeeded", 3),
    ]
