"""What is copied runs, and finds the same jobs."""

from __future__ import annotations

import io
import json
import shlex
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from click.testing import CliRunner

import pgq
from pgq.cli import cli
from pgq.contrib.web import copies
from pgq.contrib.web.copies import Copies
from pgq.contrib.web.filters import Filters, When

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HOSTILE = "'; drop schema pgq; -- \\ \" $x `id` %s {0}\n:a -b"


def found_by(
    copied: Copies, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> list[list[int]]:
    """Return the ids that each of the copies finds."""
    by_sql = [row[0] for row in conn.execute(copied.sql.encode()) if row[0] is not None]
    monkeypatch.setenv("PGQ_DSN", conn.info.dsn)
    said = io.StringIO()
    with redirect_stdout(said):
        exec(copied.python, {})
    by_python = [int(line.split("=")[1].split(",")[0]) for line in said.getvalue().splitlines()]
    found = [by_sql, by_python]
    if copied.cli is not None:
        result = CliRunner().invoke(cli, [*shlex.split(copied.cli)[1:], "--json"])
        assert result.exit_code == 0, result.output
        shown = json.loads(result.stdout)
        jobs = shown.get("jobs", [shown])
        found.append([job["id"] for job in jobs])
    return found


@pytest.fixture
def jobs(client: pgq.Client, conn: psycopg.Connection) -> list[int | None]:
    """Three jobs: one of a hostile queue, one with keys, one that failed."""
    batch = client.create_batch()
    made = [
        client.enqueue("a", {"user": {"id": 10**25, "name": HOSTILE}}, queue=HOSTILE),
        client.enqueue("b", [1], queue="q", unique_key="k", partition_key="p", batch_id=batch,
                       concurrency_key="c", headers={"tenant": "acme", "n": 1}),
        client.enqueue("c", {"user": {"id": 7}}, queue="fails", max_attempts=1),
    ]  # fmt: skip
    conn.execute(
        "select pgq.fail_batch(array[job_id], array[claim_id], array['no'], array['Bang'])"
        " from pgq.claim_batch('{fails}')"
    )
    return made


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), [2, 1, 0]),
        (Filters(oldest=True, size=2), [0, 1]),
        (Filters(queue=HOSTILE), [0]),
        (Filters(args={"user": {"id": 10**25}}), [0]),
        (Filters(args={"user": {"name": HOSTILE}}), [0]),
        (Filters(args=[1]), [1]),
        (Filters(headers={"tenant": "acme"}), [1]),
        (Filters(headers={"n": 1}), [1]),
        (Filters(unique_key="k", partition_key="p", concurrency_key="c", task="b"), [1]),
        (Filters(states=("failed", "expired"), error_type="Bang"), [2]),
        (Filters(states=("failed",), finished_after=When(ago=timedelta(days=1))), [2]),
        (Filters(created_before=When(at=LONG_AGO)), []),
        (
            Filters(created_after=When(at=LONG_AGO), created_before=When(ago=timedelta(0))),
            [2, 1, 0],
        ),
        (Filters(finished_before=When(ago=timedelta(hours=1.5))), []),
    ],
)
def test_a_list(
    filters: Filters,
    expected: list[int],
    jobs: list[int],
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied = copies.of_list(filters)
    assert (copied.cli is None) == (filters.headers == {"n": 1})
    for found in found_by(copied, conn, monkeypatch):
        assert found == [jobs[n] for n in expected]


def test_a_place_in_a_list(
    jobs: list[int], conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = copies.of_list(Filters(before_id=jobs[2], after_id=jobs[0]))
    assert found_by(copied, conn, monkeypatch) == [[jobs[1]]] * 3


def test_all_filters_have_a_flag(
    jobs: list[int], conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Filters(batch_id=-1, worker_id=-1, fingerprint="x", error_type="-y", task="-t")
    assert found_by(copies.of_list(none), conn, monkeypatch) == [[]] * 3


def test_a_job(jobs: list[int], conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_by(copies.of_job(jobs[0]), conn, monkeypatch) == [[jobs[0]]] * 3


def test_another_schema_is_named() -> None:
    copied = copies.of_list(Filters(), schema="My jobs")
    assert '"My jobs".list_jobs(' in copied.sql
    assert copied.cli is not None and shlex.split(copied.cli)[-1] == "--schema=My jobs"
    assert "schema='My jobs'" in copied.python
