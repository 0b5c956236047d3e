"""Phases of real jobs: each test drives one through the SQL functions and reads its story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

import pgq
from pgq.contrib.web.charts import timeline
from pgq.contrib.web.charts.stories import lengths, story
from tests.contrib.web.charts.drawings import assert_drawing
from tests.servers import Travel


def kinds(client: pgq.Client, job_id: int, now: datetime | None = None) -> list[str]:
    """Return the kinds of a job's phases, which must follow one another."""
    job = client.job(job_id)
    assert job is not None
    phases = story(job, now or datetime.now(UTC))
    for before, after in pairwise(phases):
        assert before.end == after.start
    if phases:
        assert phases[0].start == job.created_at
        assert phases[-1].end == (job.finished_at or phases[-1].end)
    assert_drawing(timeline("x", "Job", phases))
    return [phase.kind for phase in phases]


def fail(conn: psycopg.Connection, error_type: str = "Bang") -> None:
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array['no'], array[%s])"
        " from pgq.claim_batch('{q}')",
        [error_type],
    )


def test_waits_and_runs(client: pgq.Client, conn: psycopg.Connection, travel: Travel) -> None:
    job = client.enqueue("t", queue="q", max_attempts=2, backoff="60")
    assert job is not None
    assert kinds(client, job) == ["ready"]
    travel("1 minute")
    fail(conn)
    there = datetime.now(UTC) + timedelta(minutes=10)
    assert kinds(client, job, there) == ["ready", "failed", "backoff"]
    travel("2 minutes")
    conn.execute("select pgq.promote_due()")
    conn.execute("select from pgq.claim_batch('{q}')")
    found = kinds(client, job, there)
    assert found[:3] == ["ready", "failed", "backoff"] and found[-1] == "running"
    row = client.job(job)
    assert row is not None
    phase = story(row, there)[-1]
    assert phase.is_open and phase.what == "attempt 2 is running"
    conn.execute("select pgq.complete_batch(array[job_id], array[claim_id]) from pgq.running")
    assert kinds(client, job)[-1] == "succeeded"
    ended = client.job(job)
    assert ended is not None
    waited, ran = lengths(ended, there)
    assert waited is not None and ran is not None


def test_the_last_failure_ends_the_story(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = client.enqueue("t", queue="q", max_attempts=1)
    assert job is not None
    fail(conn)
    assert kinds(client, job)[-1] == "failed"
    found = client.job(job)
    assert found is not None
    assert story(found, datetime.now(UTC))[-1].what == "attempt 1 failed: Bang"


def test_a_lost_run_is_told_apart(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = client.enqueue("t", queue="q", max_attempts=1)
    assert job is not None
    fail(conn, "WorkerLost")
    assert kinds(client, job)[-1] == "lost"


def test_cancelled_while_it_waited(client: pgq.Client, travel: Travel) -> None:
    job = client.enqueue("t", queue="q")
    assert job is not None
    travel("1 minute")
    client.cancel([job])
    assert kinds(client, job) == ["cancelled"]


def test_scheduled_and_blocked_go_on(client: pgq.Client) -> None:
    parent = client.enqueue("t", queue="q", delay="1h")
    assert parent is not None
    child = client.enqueue("t", queue="q", depends_on=[parent])
    assert child is not None
    assert kinds(client, parent) == ["scheduled"]
    assert kinds(client, child) == ["blocked"]


def test_failures_that_are_not_kept(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = client.enqueue("t", queue="q", max_attempts=30, backoff="0")
    assert job is not None
    for _ in range(12):
        conn.execute("select pgq.promote_due()")
        fail(conn)
    found = client.job(job)
    assert found is not None and found.errors is not None and len(found.errors) == 10
    assert story(found, datetime.now(UTC))[0].what == "attempts before 3, not kept"


@pytest.mark.parametrize("errors", [[{}], [{"failed_at": "soon"}], [{"failed_at": "2030-01-01"}]])
def test_errors_of_any_shape(client: pgq.Client, errors: list[dict[str, str]]) -> None:
    job = client.enqueue("t", queue="q")
    assert job is not None
    found = client.job(job)
    assert found is not None
    assert story(found._replace(errors=errors), datetime.now(UTC))
