"""Phases of real jobs: each test drives one through the SQL functions and reads its story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg

import pgq
from pgq.contrib.web.charts import Phase, timeline
from pgq.contrib.web.charts.stories import lengths, story
from pgq.job_rows import JobStatus
from tests.contrib.web.charts.drawings import assert_drawing
from tests.servers import Travel

LATER = timedelta(hours=1)


def told(client: pgq.Client, job_id: int) -> list[Phase]:
    """Return a job's phases as seen in an hour; they must follow one another."""
    job = found(client, job_id)
    phases = story(job, client.job_attempts(job_id), datetime.now(UTC) + LATER)
    for before, after in pairwise(phases):
        assert before.end == after.start
    assert phases[0].start == job.created_at
    assert phases[-1].is_open or phases[-1].end == job.finished_at
    assert_drawing(timeline("x", "Job", phases))
    return phases


def kinds(client: pgq.Client, job_id: int) -> list[str]:
    return [phase.kind for phase in told(client, job_id)]


def found(client: pgq.Client, job_id: int) -> JobStatus:
    job = client.job_state(job_id)
    assert job is not None
    return job


def enqueued(client: pgq.Client, **options: object) -> int:
    made: int | None = client.enqueue("t", queue="q", **options)  # type: ignore[arg-type]
    assert made is not None
    return made


def fail(conn: psycopg.Connection, error_type: str = "Bang") -> None:
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array['no'], array[%s])"
        " from pgq.claim_batch('{q}')",
        [error_type],
    )


def test_waits_and_runs(client: pgq.Client, conn: psycopg.Connection, travel: Travel) -> None:
    job = enqueued(client, max_attempts=2, backoff="60")
    assert kinds(client, job) == ["ready"]
    travel("1 minute")
    fail(conn)
    assert kinds(client, job) == ["ready", "failed", "backoff"]
    travel("2 minutes")
    conn.execute("select pgq.promote_due()")
    conn.execute("select from pgq.claim_batch('{q}')")
    phases = told(client, job)
    assert [phase.kind for phase in phases] == ["ready", "failed", "backoff", "ready", "running"]
    assert phases[-1].is_open and phases[-1].what == "attempt 2 is running"
    conn.execute("select pgq.complete_batch(array[job_id], array[claim_id]) from pgq.running")
    assert kinds(client, job)[-1] == "succeeded"
    waited, ran = lengths(found(client, job), datetime.now(UTC))
    assert waited is not None and ran is not None


def test_the_last_failure_ends_the_story(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = enqueued(client, max_attempts=1)
    fail(conn)
    assert told(client, job)[-1].what == "attempt 1 failed with Bang"


def test_a_lost_run_is_told_apart(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = enqueued(client, max_attempts=1)
    fail(conn, "WorkerLost")
    assert kinds(client, job)[-1] == "lost"


def test_cancelled_while_it_waited(client: pgq.Client, travel: Travel) -> None:
    job = enqueued(client)
    travel("1 minute")
    client.cancel([job])
    assert kinds(client, job) == ["cancelled"]
    assert lengths(found(client, job), datetime.now(UTC)) == (None, None)


def test_what_waits_goes_on(client: pgq.Client) -> None:
    parent = enqueued(client, delay="1h")
    child = enqueued(client, depends_on=[parent])
    assert kinds(client, parent) == ["scheduled"]
    assert kinds(client, child) == ["blocked"]
    assert told(client, child)[-1].is_open


def test_failures_that_are_not_kept(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = enqueued(client, max_attempts=30, backoff="0")
    for _ in range(12):
        conn.execute("select pgq.promote_due()")
        fail(conn)
    phases = told(client, job)
    assert phases[0].what == "attempts before 3, which are not kept"
    assert [phase.kind for phase in phases].count("failed") == 10


def test_a_clock_that_is_behind(client: pgq.Client, conn: psycopg.Connection) -> None:
    job = enqueued(client)
    conn.execute("select from pgq.claim_batch('{q}')")
    phases = story(found(client, job), client.job_attempts(job), datetime(2000, 1, 1, tzinfo=UTC))
    assert phases[-1].kind == "running" and phases[-1].length == 0
