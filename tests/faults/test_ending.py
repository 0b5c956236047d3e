"""Handlers that would end their process: those that cannot, and those that are lost runs."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Workshop
from tests.faults.test_supervisor import Fleet, errors_of, fleet, once

__all__ = ["fleet", "once"]
MODULE = "tests.faults.ending:registry"

# The process goes on; what becomes of its job.
HARMLESS = {
    "exits_in_a_task": ("failed", "SystemExit"),
    "interrupts_in_a_task": ("failed", "KeyboardInterrupt"),
    "exits_in_callbacks": ("succeeded", ""),
    "cancels_all": ("failed", "asyncio.exceptions.CancelledError"),
    "stops_the_loop": ("failed", "RuntimeError"),
    "raises_at_an_alarm": ("succeeded", ""),
}
# The process ends; each run is lost, and counts.
DEADLY = [
    "ends_at_an_alarm", "ends_at_an_alarm_in_a_thread", "exits_at_once",
    "exits_at_once_in_a_thread", "closes_all_files", "closes_all_files_in_a_thread",
]  # fmt: skip


@pytest.mark.parametrize("mode", ["process", "async"])
@pytest.mark.parametrize("task", HARMLESS)
def test_its_process_goes_on(fleet: Fleet, workshop: Workshop, task: str, mode: str) -> None:
    worker = fleet.start("--mode", mode, "-c", 5, modules=(MODULE,))
    before = fleet.wait_for_workers(1)
    beside = workshop.enqueue("neighbour", 3, max_attempts=1)
    workshop.wait_for(lambda: workshop.count("pgq.running") == 3, "the neighbours' start")
    job_id = workshop.client.enqueue(task, max_attempts=1)
    workshop.wait_until_done()
    job = workshop.client.job(job_id)
    assert job is not None
    state, error = HARMLESS[task]
    assert (job.state, job.attempt, [each["type"] for each in job.errors or ()]) == (
        state, 1, [error] * (state == "failed")
    ), fleet.said()  # fmt: skip
    assert fleet.workers() == before, fleet.said()
    for found in map(workshop.client.job, beside):
        assert found is not None and (found.state, found.attempt) == ("succeeded", 1)
    worker.terminate()
    assert worker.wait(20) == 0, fleet.said()
    assert workshop.client.verify() == []


@pytest.mark.parametrize("task", DEADLY)
def test_each_run_that_ends_the_process_is_lost_and_counts(
    fleet: Fleet, workshop: Workshop, task: str
) -> None:
    supervisor = fleet.start("--mode", "process", "-c", 3, "--lease", "3s", modules=(MODULE,))
    fleet.wait_for_workers(1)
    (job_id,) = workshop.enqueue(task, 1, max_attempts=2, backoff=0)
    beside = workshop.enqueue("neighbour", 3)
    workshop.wait_until_done()
    job = workshop.client.job(job_id)
    assert job is not None
    assert (job.state, job.attempt) == ("failed", 2), fleet.said()
    assert [error["type"] for error in errors_of(workshop, job_id)] == ["WorkerLost"] * 2
    for found in map(workshop.client.job, beside):
        assert found is not None and found.state == "succeeded"
    supervisor.terminate()
    assert supervisor.wait(20) == 0
    assert workshop.client.verify() == []
