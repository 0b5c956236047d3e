"""Handlers in processes of their own: reused, killed, and their end is that of one job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.lib.processes import is_gone
from tests.sources import CHECKOUT
from tests.worker import isolated_tasks as tasks
from tests.worker.running import drain, finished, running, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


def run(client: pgq.Client, dsn: str, *jobs: Any) -> list[pgq.rows.Job]:
    """Enqueue jobs, run them in one worker, and return them."""
    ids = [created.id for created in client.enqueue_many(jobs)]
    drain(dsn, tasks.registry, concurrency=2)
    found = [client.job(each) for each in ids]
    assert all(found)
    return [job for job in found if job]


def last_error(job: pgq.rows.Job) -> tuple[str, str]:
    assert job.errors
    return job.errors[-1]["type"], job.errors[-1]["message"]


def begun(file: Path) -> int:
    """Return the process that wrote its id there."""
    wait_for(lambda: file.exists() and file.read_text())
    return int(file.read_text())


def test_processes_are_others_and_are_reused(client: pgq.Client, dsn: str) -> None:
    jobs = run(
        client,
        dsn,
        *[tasks.process_id.job(n=n) for n in range(6)],
        tasks.process_id_async.job(text="ünï"),
        tasks.Tasks.run.job(),
    )
    assert {job.state for job in jobs} == {"succeeded"}
    assert [job.result["args"] for job in jobs[:6]] == [{"n": n} for n in range(6)]
    assert jobs[6].result["args"] == {"text": "ünï"}
    pids = {job.result["pid"] for job in jobs[:7]} | {jobs[7].result}
    assert len(pids) <= 2
    assert os.getpid() not in pids
    wait_for(lambda: all(map(is_gone, pids)))


def test_the_timeout_kills(client: pgq.Client, dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    job, after = run(client, dsn, tasks.hang_too_long.job(str(file)), tasks.process_id.job())
    assert (job.state, after.state) == ("failed", "succeeded")
    assert last_error(job)[0] == "JobTimeout"
    wait_for(lambda: is_gone(begun(file)))


def test_a_cancel_kills(client: pgq.Client, dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    job_id = client.enqueue(tasks.hang.job(str(file)))
    with running(dsn, tasks.registry):
        pid = begun(file)
        client.cancel(job_id)
        assert finished(client, job_id).state == "cancelled"
        wait_for(lambda: is_gone(pid))


def test_a_worker_that_must_leave_kills_and_hands_back(
    client: pgq.Client, dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / "begun"
    job_id = client.enqueue(tasks.hang.job(str(file)))
    with running(dsn, tasks.registry, shutdown_timeout=2.0) as worker:
        pid = begun(file)
        worker.stop()
        worker.wait()
    wait_for(lambda: is_gone(pid))
    job = client.job(job_id)
    assert job
    assert job.state in ("ready", "failed")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_memory_is_limited(client: pgq.Client, dsn: str) -> None:
    small, large, again = run(
        client, dsn, tasks.eat.job(10**6), tasks.eat.job(10**9), tasks.eat.job(10**6)
    )
    assert (small.result, again.result) == (10**6, 10**6)
    assert last_error(large) == ("MemoryError", "needed more than 64000000 bytes")


def test_processor_time_is_limited(client: pgq.Client, dsn: str) -> None:
    (job,) = run(client, dsn, tasks.burn.job())
    assert last_error(job) == ("CpuTimeExceeded", "used more than 1 s of processor time")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exit", "ended itself, with code 3"),
        ("SIGSEGV", "was killed by SIGSEGV"),
        ("SIGKILL", "was killed (SIGKILL), as the kernel does when memory runs out"),
    ],
)
def test_a_death_is_the_failure_of_one_job(
    client: pgq.Client, dsn: str, how: str, said: str
) -> None:
    dead, after = run(client, dsn, tasks.die.job(how), tasks.process_id.job())
    assert last_error(dead) == ("ProcessDied", f"the process of the handler {said}")
    assert (dead.state, after.state) == ("failed", "succeeded")


def test_errors_are_those_of_the_handler(client: pgq.Client, dsn: str) -> None:
    final, result, ended = run(
        client, dsn, *[tasks.fail.job(how) for how in ("final", "result", "ended")]
    )
    assert (final.state, last_error(final)) == ("failed", (f"{tasks.__name__}.NotWorthIt", "ünï"))
    assert final.errors
    assert "isolated_tasks.py" in final.errors[-1]["traceback"]
    assert result.attempt == 1
    assert last_error(result)[0] == "InvalidResult"
    assert last_error(ended) == ("SystemExit", "ended")
    assert (result.state, ended.state) == ("scheduled", "scheduled")


def test_progress_is_seen_while_it_runs(client: pgq.Client, dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "go on"
    job_id = client.enqueue(tasks.report.job(str(file)))
    with running(dsn, tasks.registry):
        wait_for(lambda: (job := client.job(job_id)) and job.progress == {"half": True})
        file.touch()
        assert finished(client, job_id).state == "succeeded"


def test_a_transaction_completes_the_job(
    client: pgq.Client, conn: psycopg.Connection, dsn: str
) -> None:
    conn.execute("create table effects (job_id bigint)")
    done, failed, later = run(
        client,
        dsn,
        tasks.complete.job(fails=False),
        tasks.complete.job(fails=True),
        tasks.complete_async.job(),
    )
    assert (done.state, done.result, later.state) == ("succeeded", {"seen": 1}, "succeeded")
    assert last_error(failed) == ("ValueError", "in the transaction")
    assert conn.execute("select job_id from effects order by job_id").fetchall() == [
        (done.id,),
        (later.id,),
    ]


def test_a_context_puts_off_and_knows_the_parents(client: pgq.Client, dsn: str) -> None:
    parents = [tasks.process_id.job(n=n) for n in (1, 2)]
    child = tasks.sum_of_parents.job().after(*parents)
    *_, summed, put_off = run(client, dsn, *parents, child, tasks.put_off.job())
    assert summed.result == 3
    assert (put_off.state, put_off.attempt) == ("scheduled", 0)


def test_it_goes_on_after_jobs_that_it_enqueues(client: pgq.Client, dsn: str) -> None:
    (whole,) = run(client, dsn, tasks.go_on.job(count=4))
    assert (whole.state, whole.result, whole.errors) == ("succeeded", 6, None)


def test_middleware_is_around_it(client: pgq.Client, dsn: str) -> None:
    seen: list[str] = []

    async def watch(context: pgq.Context, call_next: Any) -> Any:
        seen.append(context.task)
        return await call_next()

    job_id = client.enqueue(tasks.process_id.job())
    with running(dsn, tasks.registry, middleware=[watch]):
        assert finished(client, job_id).state == "succeeded"
    assert seen == ["process_id"]


def test_children_end_with_a_worker_that_is_killed(
    client: pgq.Client, dsn: str, tmp_path: Path
) -> None:
    file = tmp_path / "begun"
    client.enqueue(tasks.hang.job(str(file)))
    command = [sys.executable, "-m", "pgq", "worker", "tests.worker.isolated_tasks:registry"]
    worker = subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, "PGQ_DSN": dsn})
    try:
        pid = begun(file)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_for(lambda: is_gone(pid))
    finally:
        worker.kill()
        worker.wait()


def test_a_handler_that_is_not_there_any_more_fails_the_job(
    client: pgq.Client, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.process_id.handler, "__qualname__", "gone")
    (job,) = run(client, dsn, tasks.process_id.job())
    kind, said = last_error(job)
    assert kind == "AttributeError"
    assert said.startswith("tests.worker.isolated_tasks has no gone in a new process: ")
