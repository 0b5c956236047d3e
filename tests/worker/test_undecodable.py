"""A job that cannot be read fails by its claim, and its neighbours run."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgq
from pgq.testing import drain as drain_inline
from tests.calls.test_columns import POISONS, plant
from tests.worker.running import drain

Poison = pytest.mark.parametrize("args", POISONS, ids=["long", "deep"])


@pytest.fixture
def ran(registry: pgq.Registry) -> list[Any]:
    seen: list[Any] = []
    registry.task("work")(lambda *args: seen.append(args))
    return seen


@pytest.mark.slow
@Poison
def test_its_neighbours_run(
    dsn: str,
    conn: psycopg.Connection,
    client: pgq.Client,
    registry: pgq.Registry,
    ran: list[Any],
    args: str,
) -> None:
    before = client.enqueue("work", [1], max_attempts=1)
    poison = plant(conn, args)
    after = client.enqueue("work", [2], max_attempts=1)
    drain(dsn, registry, concurrency=3)
    assert sorted(ran) == [(1,), (2,)]
    states = {each.id: (each.state, each.attempt) for each in client.list_jobs(details=True).jobs}
    assert states == {
        before: ("succeeded", 1),
        poison: ("failed", 1),
        after: ("succeeded", 1),
    }
    result = client.result(poison)
    assert result is not None and result.error is not None
    assert result.error["type"] == "UndecodableJob"
    assert "args cannot be read" in result.error["message"]
    assert "Error" in result.error["message"]


@pytest.mark.slow
def test_headers_that_cannot_be_read_fail_a_job_for_good(
    dsn: str, conn: psycopg.Connection, client: pgq.Client, registry: pgq.Registry, ran: list[Any]
) -> None:
    poison = plant(conn, "[]")
    conn.execute(
        "update pgq.jobs set max_attempts = 9, headers = jsonb_build_object('n', %s::jsonb)",
        (POISONS[0],),
    )
    drain(dsn, registry)
    job = client.job(poison)
    assert job is not None and job.errors is not None
    assert (ran, job.state, job.attempt) == ([], "failed", 1)
    assert "headers cannot be read" in job.errors[0]["message"]


@pytest.mark.slow
def test_drain_for_tests_fails_it_too(
    conn: psycopg.Connection, client: pgq.Client, registry: pgq.Registry, ran: list[Any]
) -> None:
    plant(conn, POISONS[0])
    client.enqueue("work", [1])
    jobs = drain_inline(client, registry, raise_errors=False)
    assert [job.state for job in jobs] == ["failed", "succeeded"]
    assert ran == [(1,)]
