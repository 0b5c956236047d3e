"""A worker in this process, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar

import pgq

T = TypeVar("T")
PATIENCE = 20.0


def wait_for(look: Callable[[], T], what: str = "") -> T:
    """Look again and again until the answer is true; return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s in vain {what}"
        time.sleep(0.01)
    return found


class Running:
    """The handle of a running worker."""

    def __init__(self, worker: pgq.Worker) -> None:
        self._worker = worker
        self._ended: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Call the worker's stop() in its loop."""
        self._loop.call_soon_threadsafe(self._worker.stop)

    def wait(self) -> None:
        """Wait for its end; raises what run() raised."""
        self._ended.result(PATIENCE)

    @property
    def has_ended(self) -> bool:
        return self._ended.done()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._worker.run())
        except BaseException as error:  # noqa: BLE001 (the test must see it)
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


@contextmanager
def running(dsn: str, registry: pgq.Registry, **options: Any) -> Generator[Running, None, None]:
    """Run a worker until the end of the block, then stop it and wait."""
    options = {"lease": 2, "poll_interval": 0.2, **options}
    handle = Running(pgq.Worker(dsn, registry=registry, **options))
    try:
        yield handle
    finally:
        if not handle.has_ended:
            handle.stop()
        handle.wait()


def drain(dsn: str, registry: pgq.Registry, **options: Any) -> None:
    """Run a worker until there is nothing to do."""
    asyncio.run(pgq.Worker(dsn, registry=registry, drain=True, **options).run())


def finished(client: pgq.Client, job_id: int) -> pgq.rows.Job:
    """Wait for the end of a job."""

    def look() -> pgq.rows.Job | None:
        job = client.job(job_id)
        return job if job and job.finished_at else None

    return wait_for(look, f"for job {job_id}: {client.job(job_id)}")
