"""Handlers that enqueue jobs and run again when these have ended."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgq
import pgq.testing
from tests.worker.running import drain


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_a_job_goes_on_after_others(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    @registry.task("part")
    async def part(n: int) -> int:
        return n * n

    if is_async:

        @registry.task("whole", context=True)
        async def whole(context: pgq.Context, count: int) -> Any:
            done = await context.parent_results_async()
            if not done:
                context.continue_after(part.job(n) for n in range(count))
            return sum(each.result for each in done)

    else:

        @registry.task("whole", context=True)
        def whole_in_thread(context: pgq.Context, count: int) -> Any:
            if done := context.parent_results():
                return sum(each.result for each in done)
            raise pgq.ContinueAfter([part.job(n) for n in range(count)])

    ids = [client.enqueue("whole", {"count": count}, max_attempts=1) for count in (3, 4)]
    drain(dsn, registry)
    assert [job.result for job in client.results(ids)] == [5, 14]
    assert client.verify() == []


@pytest.mark.slow
def test_what_cannot_be_waited_for_fails_the_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    @registry.task("t", context=True)
    async def handle(context: pgq.Context, what: str) -> None:
        if what == "nothing":
            context.continue_after([])
        elif what == "words":
            context.continue_after([pgq.NewJob("x")], on_parent_failure="cry")  # type: ignore[arg-type]
        elif what == "a key":
            context.continue_after([pgq.NewJob("x", unique_key="k")])
        elif what == "no job":
            context.continue_after(["x"])  # type: ignore[list-item]
        raise pgq.ContinueAfter(5)  # type: ignore[arg-type]

    cases = ("nothing", "words", "a key", "no job", "no list")
    ids = [client.enqueue("t", {"what": what}, max_attempts=1) for what in cases]
    drain(dsn, registry)
    types = []
    for job_id in ids:
        job = client.job(job_id)
        assert job is not None and job.state == "failed" and job.errors
        types.append(job.errors[-1]["type"])
    assert types == ["InvalidResult", "InvalidResult", "InvalidResult", "InvalidJob", "TypeError"]
    assert client.list_jobs(states=["ready"]).jobs == []


@pytest.mark.slow
def test_in_tests(conn: psycopg.Connection, registry: pgq.Registry) -> None:
    part = registry.task("part")(lambda: 2)

    @registry.task("whole", context=True)
    def whole(context: pgq.Context) -> Any:
        done = context.parent_results()
        if not done:
            context.continue_after([part.job(), part.job()])
        return [each.result for each in done]

    client = pgq.Client(conn)
    job_id = client.enqueue("whole")
    pgq.testing.drain(client, registry)
    found = client.result(job_id)
    assert found is not None and found.result == [2, 2]
