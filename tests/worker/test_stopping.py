"""What stops a job or a worker: timeouts, cancels, operators' orders, stop()."""

from __future__ import annotations

import asyncio
import threading
import time

import psycopg
import pytest

import pgq
from pgq.processes.group import Crew
from pgq.worker import executor
from tests.servers import Travel
from tests.worker.running import Running, drain, finished, running, wait_for


def last_error(job: pgq.rows.Job) -> str:
    assert job.errors
    return str(job.errors[-1]["type"])


@pytest.mark.slow
def test_an_async_handler_is_cancelled_at_its_timeout(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    stopped = threading.Event()

    @registry.task("t", timeout=0.2)
    async def handle() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise

    with running(dsn, registry):
        job = finished(client, client.enqueue("t", timeout=0.2, max_attempts=1))
        assert stopped.wait(5)
    assert (job.state, last_error(job)) == ("failed", "JobTimeout")


@pytest.mark.slow
def test_a_thread_cannot_be_stopped_but_its_job_fails_in_time_and_its_slot_stays_busy(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    go_on = threading.Event()
    saw: list[bool] = []

    @registry.task("stuck", context=True)
    def stuck(context: pgq.Context) -> str:
        go_on.wait(20)
        saw.append(context.cancelled)
        return "too late"

    @registry.task("quick")
    async def quick() -> None:
        pass

    with running(dsn, registry, concurrency=1, prefetch=0):
        job = finished(client, client.enqueue("stuck", timeout=0.2, max_attempts=1))
        assert (job.state, last_error(job)) == ("failed", "JobTimeout")
        waiting = client.enqueue("quick")
        time.sleep(0.3)
        assert client.result(waiting).state == "ready"  # type: ignore[union-attr]
        go_on.set()
        finished(client, waiting)
    assert saw == [True]
    assert client.job(job.id) == job


@pytest.mark.slow
def test_a_worker_whose_threads_all_hang_gives_up(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_HANGS_AFTER", 0.3)
    go_on = threading.Event()

    @registry.task("stuck", max_attempts=1)
    def stuck() -> None:
        go_on.wait(20)

    @registry.task("quick")
    async def quick() -> None:
        pass

    ids = [client.enqueue("stuck", timeout=0.2, max_attempts=1) for _ in range(2)]
    worker = Running(pgq.Worker(dsn, registry=registry, concurrency=2, lease=2))
    with pytest.raises(pgq.errors.WorkerStuck, match=r"stuck \(2\)"):
        worker.wait()
    assert {last_error(finished(client, job_id)) for job_id in ids} == {"JobTimeout"}
    assert client.worker_status() == []
    left = client.enqueue("quick")
    go_on.set()
    assert client.result(left).state == "ready"  # type: ignore[union-attr]


@pytest.mark.slow
def test_threads_that_are_merely_late_are_waited_for(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_HANGS_AFTER", 1.0)
    hanging = threading.Event()

    @registry.task("stuck")
    def stuck() -> None:
        hanging.wait(20)

    @registry.task("late")
    def late() -> None:
        time.sleep(0.3)

    @registry.task("quick")
    async def quick() -> None:
        pass

    with running(dsn, registry, concurrency=2, prefetch=0) as worker:
        stuck_id = client.enqueue("stuck", timeout=0.1, max_attempts=1)
        for _ in range(5):  # past the second after which a late thread counts as hanging
            late_id = client.enqueue("late", timeout=0.1, max_attempts=1)
            assert last_error(finished(client, late_id)) == "JobTimeout"
            finished(client, client.enqueue("quick"))
        assert last_error(finished(client, stuck_id)) == "JobTimeout"
        assert not worker.has_ended
        # The one that hangs does not delay the end either, because its job has ended.
        worker.stop()
        worker.wait()
    hanging.set()


@pytest.mark.slow
def test_a_thread_that_hangs_does_not_hold_up_draining(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_HANGS_AFTER", 0.3)
    go_on = threading.Event()

    @registry.task("stuck")
    def stuck() -> None:
        go_on.wait(20)

    job_id = client.enqueue("stuck", timeout=0.2, max_attempts=1)
    drain(dsn, registry, concurrency=2)
    assert last_error(finished(client, job_id)) == "JobTimeout"
    go_on.set()


@pytest.mark.slow
def test_a_worker_that_was_told_to_stop_is_never_stuck(
    dsn: str, registry: pgq.Registry, client: pgq.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_HANGS_AFTER", 0.3)
    go_on = threading.Event()
    begun = threading.Event()

    @registry.task("stuck")
    def stuck() -> None:
        begun.set()
        go_on.wait(20)

    client.enqueue("stuck", timeout=0.3, max_attempts=1)
    with running(dsn, registry, concurrency=1) as worker:
        assert begun.wait(20)
        worker.stop()
        worker.wait()
    go_on.set()


@pytest.mark.slow
def test_a_job_that_the_database_timed_out_is_stopped(
    dsn: str, registry: pgq.Registry, client: pgq.Client, travel: Travel
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    @registry.task("t")
    async def handle() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise

    with running(dsn, registry, lease=3600, heartbeat_interval=0.2):
        job_id = client.enqueue("t", timeout=50, max_attempts=1)
        assert begun.wait(20)
        travel("90 seconds")
        job = finished(client, job_id)
        assert stopped.wait(20)
    assert (job.state, last_error(job)) == ("failed", "JobTimeout")
    assert job.errors
    assert "its worker did not end it" in job.errors[0]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("is_async", [True, False])
def test_cancelling_a_running_job(
    dsn: str, registry: pgq.Registry, client: pgq.Client, is_async: bool
) -> None:
    begun = threading.Event()

    if is_async:

        @registry.task("t")
        async def handle() -> None:
            begun.set()
            await asyncio.sleep(60)
    else:

        @registry.task("t", context=True)
        def handle_in_thread(context: pgq.Context) -> None:
            begun.set()
            while not context.cancelled:
                time.sleep(0.01)
            raise RuntimeError("stopped")

    with running(dsn, registry, lease=1):
        job_id = client.enqueue("t")
        assert begun.wait(10)
        assert client.cancel([job_id]) == [(job_id, "requested")]
        job = finished(client, job_id)
    assert (job.state, job.attempt) == ("cancelled", 1)
    assert client.verify() == []


@pytest.mark.slow
def test_cancelling_a_prefetched_job(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    go_on = threading.Event()

    @registry.task("t")
    async def handle(n: int) -> None:
        await asyncio.to_thread(go_on.wait)

    with running(dsn, registry, concurrency=1, prefetch=0, lease=1):
        first, second = client.enqueue("t", [1]), client.enqueue("t", [2])
        wait_for(lambda: client.result(first).state == "running")  # type: ignore[union-attr]
        assert client.cancel([second]) == [(second, "cancelled")]
        go_on.set()
        assert finished(client, first).state == "succeeded"


@pytest.mark.slow
def test_a_lost_job_is_stopped(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    stopped = threading.Event()

    @registry.task("t")
    async def handle() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    with running(dsn, registry, lease=1):
        job_id = client.enqueue("t", max_attempts=1)
        row = wait_for(lambda: conn.execute("select claim_id from pgq.running").fetchone())
        client.fail_batch([job_id], [row[0]], ["taken away"])
        assert stopped.wait(10)
    assert client.result(job_id).error["message"] == "taken away"  # type: ignore[union-attr,index]


@pytest.mark.slow
def test_a_worker_that_was_given_up_registers_again_and_goes_on(
    dsn: str, registry: pgq.Registry, client: pgq.Client, conn: psycopg.Connection
) -> None:
    @registry.task("t")
    async def handle() -> None:
        pass

    with running(dsn, registry, lease=1):
        first = wait_for(client.worker_status)[0].id
        client.deregister_worker(first)
        wait_for(lambda: [each for each in client.worker_status() if each.id != first])
        finished(client, client.enqueue("t"))
        assert len(client.worker_status()) == 1
    assert client.worker_status() == []


@pytest.mark.slow
def test_pause_and_resume_a_worker(dsn: str, registry: pgq.Registry, client: pgq.Client) -> None:
    @registry.task("t")
    async def handle() -> None:
        pass

    with running(dsn, registry, lease=1):
        worker_id = wait_for(client.worker_status)[0].id
        finished(client, client.enqueue("t"))
        client.order_worker(worker_id, "pause")
        waiting = client.enqueue("t")
        time.sleep(0.5)
        assert client.result(waiting).state == "ready"  # type: ignore[union-attr]
        client.order_worker(worker_id, "resume")
        finished(client, waiting)


@pytest.mark.slow
def test_an_order_to_stop_lets_running_jobs_end(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @registry.task("t")
    def handle() -> None:
        begun.set()
        go_on.wait(20)

    with running(dsn, registry, lease=1) as worker:
        job_id = client.enqueue("t")
        assert begun.wait(10)
        client.order_worker(client.worker_status()[0].id, "stop")
        time.sleep(0.4)
        assert not worker.has_ended
        go_on.set()
        worker.wait()
    assert client.result(job_id).state == "succeeded"  # type: ignore[union-attr]
    assert client.worker_status() == []


@pytest.mark.slow
def test_stopping_hands_back_what_has_not_begun(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    go_on = threading.Event()

    @registry.task("short")
    async def short() -> None:
        pass

    @registry.task("long")
    async def long() -> None:
        await asyncio.to_thread(go_on.wait)

    with running(dsn, registry, concurrency=1, prefetch=5) as worker:
        # Short jobs first: only then it claims ahead.
        client.enqueue_many([pgq.NewJob("short")] * 200)
        wait_for(
            lambda: (
                not client.list_jobs(states=["ready"]).jobs
                and not client.list_jobs(states=["running"]).jobs
            )
        )
        client.enqueue_many([pgq.NewJob("long")] * 6)
        wait_for(lambda: len(client.list_jobs(states=["running"]).jobs) > 1)
        worker.stop()
        wait_for(lambda: len(client.list_jobs(states=["running"]).jobs) == 1)
        assert {job.attempt for job in client.list_jobs(states=["ready"]).jobs} == {0}
        go_on.set()
        worker.wait()
    assert len(client.list_jobs(states=["ready"]).jobs) == 5
    assert client.verify() == []


@pytest.mark.slow
def test_jobs_do_not_wait_long_behind_a_busy_worker(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    go_on = threading.Event()

    @registry.task("short")
    async def short() -> None:
        pass

    @registry.task("long")
    async def long() -> None:
        await asyncio.to_thread(go_on.wait)

    with running(dsn, registry, concurrency=1, prefetch=5):
        client.enqueue_many([pgq.NewJob("short")] * 200)
        wait_for(
            lambda: (
                not client.list_jobs(states=["ready"]).jobs
                and not client.list_jobs(states=["running"]).jobs
            )
        )
        client.enqueue_many([pgq.NewJob("long")] * 6)
        wait_for(lambda: len(client.list_jobs(states=["running"]).jobs) > 1)
        wait_for(lambda: len(client.list_jobs(states=["running"]).jobs) == 1)
        time.sleep(0.3)
        assert len(client.list_jobs(states=["running"]).jobs) == 1
        go_on.set()


@pytest.mark.slow
def test_a_second_stop_cancels_and_counts_the_run_as_lost(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    @registry.task("t")
    async def handle() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    with running(dsn, registry) as worker:
        job_id = client.enqueue("t", backoff="1 hour")
        assert begun.wait(10)
        worker.stop()
        worker.stop()
        worker.wait()
    assert stopped.is_set()
    job = client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt, last_error(job)) == ("scheduled", 1, "WorkerLost")
    assert client.worker_status() == []


@pytest.mark.slow
def test_shutdown_timeout_is_a_second_stop(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    @registry.task("t")
    def handle() -> None:
        begun.set()
        go_on.wait(60)
        ended.set()

    with running(dsn, registry, shutdown_timeout=0.3):
        client.enqueue("t")
        assert begun.wait(10)
    assert not ended.is_set()
    go_on.set()


@pytest.mark.parametrize("at_once", [False, True])
def test_a_stop_before_the_start_counts(
    dsn: str, registry: pgq.Registry, client: pgq.Client, at_once: bool
) -> None:
    registry.task("t")(lambda: None)
    worker = pgq.Worker(dsn, registry=registry)
    worker.stop(at_once=at_once)
    asyncio.run(asyncio.wait_for(worker.run(), 30))
    assert client.worker_status() == client.list_past_workers() == []


def test_workers_of_a_crew_that_is_stopped_while_it_begins_do_not_begin(
    dsn: str, registry: pgq.Registry, client: pgq.Client
) -> None:
    registry.task("t")(lambda: None)

    async def run() -> None:
        crew = Crew([pgq.Worker(dsn, registry=registry) for _ in range(2)])
        # Before the workers' own tasks have their first turn, as a signal may come.
        asyncio.get_running_loop().call_soon(crew.stop)
        await asyncio.wait_for(crew.run(), 30)

    asyncio.run(run())
    assert client.worker_status() == client.list_past_workers() == []
