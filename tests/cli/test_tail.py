"""tail: what a person sees of jobs as they end."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

import pgq as package
from pgq.cli.tail import _line
from pgq.reports import JobEvent
from tests.cli.conftest import Pgq, Process
from tests.sql.calls import claim_one, complete, enqueue, fail, scalar


def begun(conn: psycopg.Connection) -> None:
    deadline = time.monotonic() + 60
    while scalar(conn, "select followed_until = '-infinity' from pgq.settings"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(process: Process) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    said, counts = process.communicate(timeout=60)
    assert process.returncode == 0, counts
    return said, counts


def run_two(conn: psycopg.Connection) -> tuple[int, int]:
    enqueue(conn, "send", queue="mail")
    good = claim_one(conn)
    complete(conn, good)
    enqueue(conn, "sum\x1b[31m", queue="other", max_attempts=1)
    bad = claim_one(conn)
    fail(conn, bad, messages=["no\nway"], error_types=["Bad"], tracebacks=["Trace\n  deep"])
    conn.execute("select pgq.maintain()")
    return good.job_id, bad.job_id


@pytest.mark.slow
def test_a_line_for_each(pgq: Pgq, conn: psycopg.Connection) -> None:
    with pgq.start("tail") as process:
        begun(conn)
        good, bad = run_two(conn)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        _, counts = ended(process)
    time_of_day = r"\d\d:\d\d:\d\d"
    times = r"waited [\d.]+s  ran [\d.]+s"
    assert re.fullmatch(rf"{time_of_day} succeeded  {good}  send  mail  {times}\n", lines[0])
    assert re.fullmatch(
        rf"{time_of_day} failed     {bad}  sum\\x1b\[31m  other  {times}  Bad: no\n", lines[1]
    )
    assert all(len(line) <= 81 for line in lines)
    assert counts.startswith("succeeded 1, failed 1, cancelled 0")


@pytest.mark.parametrize("error", [None, "boom " * 40, "b"])
@pytest.mark.parametrize("queue", ["mail", "platform.billing.invoices" + "q" * 34 + "end"])
def test_a_line_of_a_terminal_of_80_columns(
    monkeypatch: pytest.MonkeyPatch, queue: str, error: str | None
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    task = "platform.billing.invoices" + "t" * 34 + "end"
    event = JobEvent(
        next_cursor=1,
        at=datetime(2030, 1, 1, tzinfo=UTC),
        outcome="succeeded" if error is None else "failed",
        job_id=1_234_567,
        queue=queue,
        task=task,
        attempt=1,
        waited=timedelta(hours=23, minutes=59),
        ran=timedelta(seconds=1),
        worker=None,
        error_type=error and "ValueError",
        error=error,
    )
    assert all(text in _line(event) for text in (task, queue, error or ""))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    line = _line(event)
    assert len(line) <= 80
    assert re.search(r" \w+\.\.\.\w+  ", line), line
    assert error is None or "  Val" in line
    assert queue != "mail" or "  mail  " in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--errors",), ["failed"]),
        (("-q", "mail"), ["succeeded"]),
        (("--task", "send", "--outcome", "failed"), []),
        (("--outcome", "failed", "--outcome", "succeeded"), ["succeeded", "failed"]),
    ],
)
def test_filters_and_json(
    pgq: Pgq, conn: psycopg.Connection, options: tuple[str, ...], expected: list[str]
) -> None:
    with pgq.start("tail", "--json", *options) as process:
        begun(conn)
        run_two(conn)
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in expected]
        left, _ = ended(process)
    assert [line["outcome"] for line in lines] == expected
    assert left == ""
    if "--errors" in options:
        assert lines[0]["traceback"] == "Trace\n  deep"
        assert (lines[0]["error_type"], lines[0]["error"]) == ("Bad", "no")


@pytest.mark.slow
def test_it_goes_on_after_its_session_was_ended(
    pgq: Pgq, conn: psycopg.Connection, client: package.Client
) -> None:
    with pgq.start("tail") as process:
        begun(conn)
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        run_two(conn)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        _, said = ended(process)
    assert [line.split()[1] for line in lines] == ["succeeded", "failed"]
    assert "no answer, trying again" in said


def test_without_statistics_it_says_what_to_do(pgq: Pgq, conn: psycopg.Connection) -> None:
    conn.execute("select pgq.configure(statistics => 'off')")
    assert "configure(statistics => 'on')" in pgq("tail", code=2).stderr
