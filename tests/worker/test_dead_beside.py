"""A worker that starts reports workers of its machine whose processes are gone, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

import pgq
from pgq.lib.processes import is_gone, pid_space
from tests.worker.running import running, wait_for

SPACE = pid_space()
pytestmark = pytest.mark.skipif(SPACE is None, reason="only Linux tells where pids count")


@pytest.fixture
def unreaped() -> Iterator[int]:
    """A process that has ended, while its parent has not asked how."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


def ended() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_which_processes_are_gone(unreaped: int) -> None:
    assert is_gone(ended()) and is_gone(unreaped)
    assert not is_gone(os.getpid())
    assert not is_gone(1)  # another user's, perhaps


@pytest.mark.slow
def test_the_dead_are_reported_at_once(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection, unreaped: int
) -> None:
    @registry.task("other")
    def other() -> None:
        pass

    def enlist(pid: int, space: str | None) -> tuple[int, int]:
        worker_id = client.register_worker("w", ["*"], lease="1 day", pid=pid, pid_space=space)
        job_id = client.enqueue("t", max_attempts=1)
        (claimed,) = client.claim_batch(["*"], worker_id, tasks=["t"])
        assert claimed.job_id == job_id
        return worker_id, job_id

    gone = ended()
    dead = [enlist(gone, SPACE), enlist(unreaped, SPACE)]
    # This process; one that cannot be seen from here; one of who knows where.
    living = [enlist(os.getpid(), SPACE), enlist(gone, f"{SPACE}0"), enlist(gone, None)]
    with running(dsn, registry, lease=30, maintains=False):
        for worker_id, job_id in dead:
            job = wait_for(lambda it=job_id: (f := client.job(it)) and f.finished_at and f)  # type: ignore[misc]
            assert job.state == "failed"
            (error,) = job.errors
            assert error["type"] == "WorkerLost" and error["message"].startswith(
                f"worker {worker_id} (w) ended: its process "
            )
        for _, job_id in living:
            assert client.job(job_id).state == "running"  # type: ignore[union-attr]
    left = conn.execute("select id from pgq.workers order by id").fetchall()
    assert left == [(worker_id,) for worker_id, _ in living]
    assert client.verify() == []
