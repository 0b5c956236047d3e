"""Progress that handlers note faster than anybody writes it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

import pgq
from pgq.worker.engine import Engine
from tests.worker.running import finished, running, wait_for


@pytest.mark.slow
def test_ten_threads_that_note_progress_all_the_time_hold_nothing_up(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: Any
) -> None:
    go_on = threading.Event()
    engines: list[Engine] = []
    gaps: list[float] = []
    noted = 0
    init = Engine.__init__

    def remember(self: Engine, *args: Any) -> None:
        init(self, *args)
        engines.append(self)

    monkeypatch.setattr(Engine, "__init__", remember)

    @registry.task("busy", context=True)
    def busy(context: pgq.Context) -> None:
        nonlocal noted
        while not go_on.is_set():
            for step in range(100):
                context.progress(step)
            noted += 100
        context.progress("the last")

    @registry.task("watch")
    async def watch() -> None:
        last = time.monotonic()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    with running(dsn, registry, concurrency=11, lease=60):
        watching = client.enqueue("watch")
        ids = client.enqueue_many([pgq.NewJob("busy")] * 10)
        wait_for(lambda: noted > 1000)
        time.sleep(2)
        held = len(engines[0].progress)
        with pgq.Client(dsn) as other:
            wait_for(lambda: other.job(ids[0].id).progress is not None)  # type: ignore[union-attr]
        go_on.set()
        for each in ids:
            finished(client, each.id)
        finished(client, watching)
    assert held <= 10
    assert max(gaps) < 12  # mostly for the interpreter, which ten threads want


@pytest.mark.slow
def test_the_last_value_is_the_one_that_is_written(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    go_on = threading.Event()

    @registry.task("t", context=True)
    def handle(context: pgq.Context) -> None:
        for step in range(1000):
            context.progress({"step": step})
        go_on.wait(20)

    job_id = client.enqueue("t")

    def last() -> Any:
        job = client.job(job_id)
        return job and job.progress == {"step": 999}

    with running(dsn, registry):
        wait_for(last)
        go_on.set()
        assert finished(client, job_id).state == "succeeded"
