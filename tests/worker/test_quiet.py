"""A worker without work asks the server little."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

import pgq
from pgq.worker import heartbeat
from tests.worker.running import finished, running, wait_for

_SECONDS = 4.0


@pytest.mark.slow
def test_an_idle_worker_sends_few_statements(
    dsn: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = pgq.Registry()

    @registry.task
    async def work() -> None: ...

    sent: list[str] = []
    execute = psycopg.AsyncClientCursor.execute

    async def note(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        sent.extend(query.decode().split("; "))
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.AsyncClientCursor, "execute", note)
    # The steps with long periods, which are due once after the install, go by a third session.
    monkeypatch.setattr(heartbeat, "_KEPT", 0.5)
    with running(dsn, registry, lease=30, poll_interval=2):
        idle = "select idle from pgq.workers"
        wait_for(lambda: conn.execute(idle).fetchone() == (True,), "until it is idle")
        wait_for(lambda: any(".maintain(" in statement for statement in sent))
        time.sleep(2)
        sent.clear()
        time.sleep(_SECONDS)
        told = list(sent)
        sessions = conn.execute(
            "select array_agg(application_name order by application_name) from pg_stat_activity"
            " where datname = current_database() and application_name like 'pgq %'"
        ).fetchone()
    # One statement each 1.6 to 2 s does all: who adds a call to it finds it here.
    assert 2 <= len(told) <= 3, told
    assert all(".idle_turn(" in statement for statement in told), told
    assert sessions == (["pgq listener", "pgq worker"],)


@pytest.mark.slow
def test_a_busy_worker_opens_its_third_session_and_an_idle_one_gives_it_up(
    dsn: str, conn: psycopg.Connection, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_KEPT", 1.0)
    monkeypatch.setattr(heartbeat, "_NEXT_TURN", 0.2)
    registry = pgq.Registry()
    go_on = threading.Event()

    @registry.task
    def work() -> None:
        assert go_on.wait(30)

    count = "select count(*) from pg_stat_activity where application_name = 'pgq heartbeat'"
    count += " and datname = current_database()"
    with running(dsn, registry, lease=30, poll_interval=2):
        job_id = client.enqueue("work")
        try:
            wait_for(lambda: conn.execute(count).fetchone() == (1,), "until it maintains")
        finally:
            go_on.set()
        finished(client, job_id)
        wait_for(lambda: conn.execute(count).fetchone() == (0,), "until it is idle")


@pytest.mark.slow
def test_where_the_turn_fails_its_parts_go_alone(
    dsn: str, conn: psycopg.Connection, client: pgq.Client
) -> None:
    registry = pgq.Registry()

    @registry.task
    async def work() -> None: ...

    conn.execute(
        "create or replace function pgq._is_quiet() returns boolean"
        " language plpgsql as $$ begin raise 'out of order'; end $$"
    )
    with running(dsn, registry, lease=3, poll_interval=0.2):
        beat = "select heartbeat_at from pgq.workers"
        wait_for(lambda: conn.execute("select idle from pgq.workers").fetchone() == (True,))
        first = conn.execute(beat).fetchone()
        wait_for(lambda: conn.execute(beat).fetchone() != first, "for a heartbeat")
        assert finished(client, client.enqueue("work", delay=0.5)).state == "succeeded"
