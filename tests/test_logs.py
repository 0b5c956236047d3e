"""What a worker logs of jobs and of itself, and how it is printed."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.logs import JsonLines, TextLines, log_event
from tests.worker.running import drain, running, wait_for

SECRET = "s3cret-argument"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    kept: list[logging.LogRecord] = []
    handler, logger = logging.Handler(), logging.getLogger("pgq")
    handler.emit = kept.append  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield kept
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


def told(records: list[logging.LogRecord], job_id: int) -> list[tuple[str, str]]:
    """The events of a job, with their levels."""
    return [
        (vars(each)["event"], each.levelname)
        for each in records
        if vars(each).get("job_id") == job_id
    ]


def fields(records: list[logging.LogRecord], event: str) -> dict[str, Any]:
    """The attributes of the one record of an event."""
    (found,) = [vars(each) for each in records if vars(each).get("event") == event]
    return found


@pytest.mark.slow
def test_a_job_that_succeeds_leaves_two_lines(
    dsn: str, registry: pgq.Registry, client: pgq.Client, records: list[logging.LogRecord]
) -> None:
    registry.task("t")(lambda password: None)
    job_id = client.enqueue("t", {"password": SECRET}, queue="mail", max_attempts=3)
    drain(dsn, registry, name="w")
    assert told(records, job_id) == [("job.started", "DEBUG"), ("job.succeeded", "DEBUG")]
    for event in ("job.started", "job.succeeded"):
        found = fields(records, event)
        assert found["name"] == "pgq.jobs"
        assert found["task"] == "t" and found["queue"] == "mail" and found["worker"] == "w"
        assert (found["attempt"], found["max_attempts"]) == (1, 3)
    assert 0 <= fields(records, "job.succeeded")["duration"] < 60
    said = [each.getMessage() for each in records]
    assert (
        f"job.started job_id={job_id} task=t queue=mail attempt=1 max_attempts=3 worker=w" in said
    )
    assert not any(SECRET in line for line in said)


@pytest.mark.slow
def test_failures_are_told_by_what_becomes_of_the_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client, records: list[logging.LogRecord]
) -> None:
    @registry.task("t", context=True)
    def fail(context: pgq.Context) -> None:
        if context.headers.get("cancel"):
            raise pgq.Cancel("of no use")
        if context.headers.get("snooze") and context.attempt == 1:
            context.snooze(3600)
        raise ValueError("two\nlines")

    once = client.enqueue("t", max_attempts=1)
    twice = client.enqueue("t", max_attempts=2, backoff=3600)
    cancelled = client.enqueue("t", headers={"cancel": True})
    snoozed = client.enqueue("t", headers={"snooze": True})
    drain(dsn, registry)
    assert told(records, once)[1:] == [("job.failed", "ERROR")]
    assert told(records, twice)[1:] == [("job.retried", "WARNING")]
    assert told(records, cancelled)[1:] == [("job.cancelled", "INFO")]
    assert told(records, snoozed)[1:] == [("job.snoozed", "DEBUG")]
    failed = fields(records, "job.failed")
    assert (failed["error_type"], failed["error"]) == ("ValueError", "two\nlines")
    assert fields(records, "job.retried")["run_at"] == client.job(twice).run_at  # type: ignore[union-attr]
    (line,) = [each.getMessage() for each in records if "job.failed" in each.getMessage()]
    assert r'error="two\nlines"' in line and "\n" not in line


@pytest.mark.slow
def test_a_failed_job_leads_to_its_page(
    dsn: str, registry: pgq.Registry, client: pgq.Client, records: list[logging.LogRecord]
) -> None:
    @registry.task("t")
    def fail() -> None:
        raise ValueError("no")

    job_id = client.enqueue("t", max_attempts=1)
    client.enqueue("t", max_attempts=2, backoff=3600)
    drain(dsn, registry, web_url="https://pgq.example.com/tools/")
    assert fields(records, "job.failed")["url"] == f"https://pgq.example.com/tools/j/{job_id}"
    assert "url" not in fields(records, "job.retried")


@pytest.mark.slow
def test_a_worker_tells_of_its_life(
    dsn: str, registry: pgq.Registry, client: pgq.Client, records: list[logging.LogRecord]
) -> None:
    registry.task("t")(lambda: None)
    with running(dsn, registry, queues=["a", "b"], concurrency=3, name="w", lease=1):
        wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
        (worker,) = client.worker_status()
        client.order_worker(worker.id, "pause")
        wait_for(lambda: any("worker.paused" in each.getMessage() for each in records))
    registered = fields(records, "worker.registered")
    assert (registered["worker"], registered["queues"]) == ("w", "a,b")
    assert (registered["worker_id"], registered["concurrency"]) == (worker.id, 3)
    for event in ("worker.paused", "worker.stopping", "worker.stopped"):
        assert fields(records, event)["worker_id"] == worker.id


@pytest.mark.slow
def test_a_lost_job_is_told(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    records: list[logging.LogRecord],
) -> None:
    @registry.task("t")
    async def handle(waits: bool) -> None:
        # As if the worker had been silent for too long.
        with pgq.Client(dsn) as own:
            (worker,) = own.worker_status()
            own.deregister_worker(worker.id)
        if waits:
            await asyncio.sleep(60)

    heard = client.enqueue("t", {"waits": True}, max_attempts=1)
    drain(dsn, registry, heartbeat_interval=0.1)
    assert told(records, heard) == [("job.started", "DEBUG"), ("job.lost", "WARNING")]
    late = client.enqueue("t", {"waits": False}, max_attempts=1)
    drain(dsn, registry)
    assert told(records, late)[1:] == [("job.lost", "WARNING")]


@pytest.mark.slow
def test_a_lost_connection_is_told_without_its_dsn(
    dsn: str,
    registry: pgq.Registry,
    client: pgq.Client,
    conn: psycopg.Connection,
    records: list[logging.LogRecord],
) -> None:
    registry.task("t")(lambda: None)
    with running(f"{dsn} password={SECRET}", registry):
        wait_for(lambda: [each.status for each in client.worker_status()] == ["idle"])
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'pgq worker' and datname = current_database()"
        )
        wait_for(lambda: any("connection.failed" in each.getMessage() for each in records))
    assert fields(records, "connection.failed")["session"] == "worker"
    assert not any(SECRET in str(vars(each)) for each in records)


def test_nothing_is_computed_for_a_level_that_is_off() -> None:
    computed = 0

    class Costly:
        def __str__(self) -> str:
            nonlocal computed
            computed += 1
            return "costly"

    log_event(logging.INFO, "job.started", task=Costly())
    assert computed == 0
    log_event(logging.WARNING, "job.started", task=Costly())
    assert computed == 1


def test_values_are_one_word_or_in_quotes(caplog: pytest.LogCaptureFixture) -> None:
    given = {
        "a": 'say "x"',
        "b": "k=v",
        "c": "",
        "d": "\u2028",
        "e": "ü",
        "f": 0.1234567,
        "g": None,
    }
    log_event(logging.ERROR, "event", **given)
    said = caplog.records[-1].getMessage()
    assert said == r'event a="say \"x\"" b="k=v" c="" d="\u2028" e=ü f=0.123457'


def test_json_lines_hold_the_fields(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("pgq")
    log_event(logging.ERROR, "job.failed", job_id=7, level="x", at=pgq.NewJob, a={1})
    try:
        raise ValueError("wrong")
    except ValueError:
        logger.exception("other %s", "words", extra={"trace": "abc", ("odd", "key"): 1})
    first, second = [json.loads(JsonLines().format(each)) for each in caplog.records]
    assert (first["event"], first["job_id"], first["level"]) == ("job.failed", 7, "error")
    assert first["at"] == str(pgq.NewJob) and first["a"] == "{1}"
    assert first.keys() == {"time", "level", "logger", "message", "event", "job_id", "at", "a"}
    assert (second["message"], second["trace"]) == ("other words", "abc")
    assert "ValueError: wrong" in second["traceback"]


def test_text_lines_hold_time_and_level(caplog: pytest.LogCaptureFixture) -> None:
    log_event(logging.WARNING, "worker.lost", worker_id=3)
    assert TextLines().format(caplog.records[-1]).endswith(" WARNING worker.lost worker_id=3")


def test_all_of_pgq_logs_events() -> None:
    """A line without an event is nothing that a program can look for."""
    package = Path(pgq.__file__).parent
    foreign = re.compile(r"getLogger\(|\blog(ging|ger)?\.(debug|info|warning|error|exception)\(")
    for path in sorted(package.rglob("*.py")):
        if path.name != "logs.py" and "sql" not in path.parts:
            assert not foreign.search(path.read_text()), path
