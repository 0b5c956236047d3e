"""What a worker must do when a claim, its registration, its sessions or its process end."""

from __future__ import annotations

import signal
from typing import Final

from pgq.conformance.checks import check
from pgq.conformance.stand import LEASE, PATIENCE, Stand

# Seconds: a lease, what a worker may take to notice, and a slow machine.
_RESCUED: Final = LEASE + 2 * PATIENCE


@check("Given up by mistake, it registers again, and does not settle what it has lost.")
def registers_again(stand: Stand) -> None:
    """Give it up while it runs a job."""
    worker = stand.worker()
    held = stand.enqueue("sleep", {"seconds": 3}, max_attempts=3, backoff="0 seconds")
    stand.begun(held)
    stand.client.report_lost_worker(worker.id, "only a test")
    (job,) = stand.ended([held], _RESCUED)
    stand.check(job.state == "succeeded", f"the job is {job.state}")
    stand.check(job.attempt == 2, f"the job took {job.attempt} attempts, not 2")
    stand.check(stand.worker().id != worker.id, "it is registered under its former id")
    stand.succeeds()


@check("It connects again after its sessions were cut, and every job ends.")
def connects_again(stand: Stand) -> None:
    """Cut all sessions but ours, twice."""
    stand.worker()
    held = [
        stand.enqueue("sleep", {"seconds": 2}, max_attempts=5, backoff="0 seconds")
        for _ in range(2)
    ]
    stand.begun(held[0])
    for _ in range(2):
        stand.cut_sessions()
        stand.succeeds(_RESCUED)
    jobs = stand.ended(held, _RESCUED)
    stand.check({job.state for job in jobs} == {"succeeded"}, "a job did not succeed")


@check("Told to stop, it finishes what runs, signs off, and ends with 0.")
def obeys_stop(stand: Stand) -> None:
    """Give the order while a job runs."""
    worker = stand.worker()
    held = stand.enqueue("sleep", {"seconds": 2})
    stand.begun(held)
    stand.client.order_worker(worker.id, "stop")
    _left(stand, held)


@check("At SIGTERM it claims nothing more, finishes what runs, signs off, and ends with 0.")
def ends_at_sigterm(stand: Stand) -> None:
    """Send the signal while some jobs run and many wait."""
    stand.worker()
    held = stand.enqueue("sleep", {"seconds": 2})
    stand.begun(held)
    waiting = [stand.enqueue("sleep", {"seconds": 2}) for _ in range(30)]
    stand.signal(signal.SIGTERM)
    _left(stand, held)
    states = {stand.job(each).state for each in waiting}
    stand.check(states <= {"ready", "succeeded"}, f"jobs that waited are {states}")
    stand.check("ready" in states, "it began all jobs that waited")
    tried = [each for each in waiting if stand.job(each).attempt and _is_ready(stand, each)]
    stand.check(not tried, "a job that it handed back counts an attempt")


@check("After kill -9 a new worker runs the lost jobs again, as the next attempt.")
def rescues(stand: Stand) -> None:
    """Kill it while a job runs, and start another one."""
    stand.worker()
    held = stand.enqueue("sleep", {"seconds": 4}, max_attempts=3, backoff="0 seconds")
    stand.begun(held)
    stand.kill()
    stand.start()
    (job,) = stand.ended([held], _RESCUED)
    stand.check(job.state == "succeeded", f"it is {job.state}")
    stand.check(job.attempt == 2, f"it took {job.attempt} attempts, not 2")


def _left(stand: Stand, held: int) -> None:
    code = stand.has_ended(PATIENCE)
    stand.check(code == 0, f"the process ended with {code}")
    stand.check(not stand.is_registered(), "it is still registered")
    found = stand.job(held)
    stand.check(found.state == "succeeded", f"the job that ran is {found.state}")
    stand.check(found.attempt == 1, f"the job that ran took {found.attempt} attempts")


def _is_ready(stand: Stand, id: int) -> bool:  # noqa: A002 (the column's name)
    return stand.job(id).state == "ready"
