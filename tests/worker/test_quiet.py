"""A worker without work asks the server little."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import pytest

import pgq
from tests.worker.running import running, wait_for

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
    with running(dsn, registry, lease=30, poll_interval=2):
        idle = "select idle from pgq.workers"
        wait_for(lambda: conn.execute(idle).fetchone() == (True,), "until it is idle")
        time.sleep(2)
        sent.clear()
        time.sleep(_SECONDS)
        told = list(sent)
    # One call of each of three kinds in one or two seconds, a heartbeat in five.
    assert 2 <= len(told) <= 4.5 * _SECONDS, told
    assert not {"begin isolation level read committed", "commit"} & set(told)
