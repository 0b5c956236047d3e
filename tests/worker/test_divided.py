"""Workers that leave a part of the work to others, and one whose server session is cut."""

from __future__ import annotations

import time

import psycopg
import pytest

import pgq
from tests.sql.calls import scalar
from tests.worker.running import finished, running, wait_for

NEVER_DONE = "select count(*) from pgq.maintenance where due_at = '-infinity'"


@pytest.fixture
def tasks(registry: pgq.Registry) -> pgq.Registry:
    @registry.task
    async def nothing() -> None: ...

    return registry


@pytest.mark.slow
def test_one_that_claims_nothing_does_all_the_rest(
    dsn: str, client: pgq.Client, conn: psycopg.Connection
) -> None:
    ready = client.enqueue("nothing")
    due = client.enqueue("nothing", delay=0.1)
    client.schedule("tick", "other", every=1)
    with running(dsn, pgq.Registry(), claims=False):
        wait_for(lambda: scalar(conn, NEVER_DONE) == 0, "maintenance")
        wait_for(lambda: scalar(conn, "select count(*) from pgq.ready") >= 3, "a due job, a tick")
    states = [job.state for job in (client.job(ready), client.job(due)) if job]
    assert states == ["ready", "ready"]


@pytest.mark.slow
def test_one_that_imports_nothing_leaves_declared_schedules_alone(
    dsn: str, client: pgq.Client, conn: psycopg.Connection
) -> None:
    declaring = pgq.Registry()

    @declaring.task(every=3600)
    async def tick() -> None: ...

    client.sync_schedules("python", declaring.schedules)
    with running(dsn, pgq.Registry(), claims=False, schedule_source=""):
        wait_for(lambda: scalar(conn, NEVER_DONE) == 0, "maintenance")
    assert scalar(conn, "select count(*) from pgq.schedules") == 1


@pytest.mark.slow
def test_one_that_does_not_maintain_still_runs_what_is_due(
    dsn: str, client: pgq.Client, tasks: pgq.Registry, conn: psycopg.Connection
) -> None:
    steps = scalar(conn, NEVER_DONE)
    with running(dsn, tasks, maintains=False):
        job_id = client.enqueue("nothing", delay=0.3)
        assert finished(client, job_id).state == "succeeded"
        time.sleep(1.3)  # a maintaining one would have begun by now
    assert scalar(conn, NEVER_DONE) == steps


def test_one_that_claims_nothing_needs_no_task_and_cannot_drain(dsn: str) -> None:
    pgq.Worker(dsn, registry=pgq.Registry(), claims=False)
    with pytest.raises(pgq.InvalidArgument, match="drain"):
        pgq.Worker(dsn, claims=False, drain=True)


@pytest.mark.slow
def test_the_database_hears_at_once_of_a_session_that_was_cut(
    dsn: str, tasks: pgq.Registry, conn: psycopg.Connection
) -> None:
    """Else it would take the worker, whose next heartbeat is far, for dead."""
    known = "select max(backend_pid) from pgq.workers where idle"
    with running(dsn, tasks, lease=3600, heartbeat_interval=1200):
        before = wait_for(lambda: scalar(conn, known), "until it is at work")
        conn.execute("select pg_terminate_backend(%s)", (before,))
        wait_for(lambda: scalar(conn, known) != before, "the new session")
        assert scalar(conn, "select count(*) from pgq.workers") == 1
