"""A worker says when the server may run out of sessions."""

from __future__ import annotations

import logging

import psycopg
import pytest

import pgq
from tests.sql.calls import register
from tests.worker.running import drain

EVENT = "worker.connections_short"


def events(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if getattr(record, "event", None) == EVENT]


@pytest.mark.parametrize(("context", "others", "warnings"), [
    (True, 100_000, 1),
    (False, 100_000, 0),
    (True, 1, 0),
])  # fmt: skip
def test_handlers_that_may_open_too_many_sessions(
    dsn: str,
    conn: psycopg.Connection,
    registry: pgq.Registry,
    caplog: pytest.LogCaptureFixture,
    context: bool,
    others: int,
    warnings: int,
) -> None:
    if context:
        registry.task("work", context=True)(lambda _: None)
    else:
        registry.task("work")(lambda: None)
    register(conn, concurrency=others)
    with caplog.at_level(logging.WARNING, "pgq"):
        drain(dsn, registry)
    assert len(events(caplog)) == warnings
    if warnings:
        assert "may_be=" in events(caplog)[0].getMessage()


@pytest.mark.slow
def test_a_schema_that_cannot_say_is_no_reason_to_stop(
    dsn: str,
    conn: psycopg.Connection,
    registry: pgq.Registry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry.task("work")(lambda: None)
    conn.execute("drop function pgq.connection_budget cascade")
    with pgq.Client(dsn) as client:
        job_id = client.enqueue("work")
        drain(dsn, registry)
        job = client.job(job_id)
    assert job and job.state == "succeeded"
    assert events(caplog) == []
