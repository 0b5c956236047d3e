"""What a worker must do: a check for each promise of docs/worker-protocol.md, in an order in which
the simple ones come first. Those that end the process are in `ends`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pgq.conformance.stand import CONCURRENCY, LEASE, PATIENCE, QUEUE, TASKS, Stand


class Check(NamedTuple):
    """One promise: a name for the command line, the promise in words, and who looks."""

    name: str
    promise: str
    look: Callable[[Stand], None]


CHECKS: Final[list[Check]] = []
_ODD_ARGS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"text": "Ünï 🐘 \" ' \\ \n\t %s $1"},
    {"number": 9007199254740991, "half": 0.5, "minus": -1},
    {"nothing": None, "yes": True, "list": [1, [2, []]], "object": {"a": {"b": {}}}},
)
_MANY: Final = 300


def check(promise: str) -> Callable[[Callable[[Stand], None]], Callable[[Stand], None]]:
    """Make a function the check of a promise; its name is the function's."""

    def add(look: Callable[[Stand], None]) -> Callable[[Stand], None]:
        CHECKS.append(Check(look.__name__.replace("_", "-"), promise, look))
        return look

    return add


@check("It registers with the name, the queues, the concurrency and the lease that it is given.")
def registers(stand: Stand) -> None:
    """Look at its row."""
    found = stand.worker()
    stand.check(found.queues == QUEUE, f"its queues are {found.queues}")
    stand.check(found.concurrency == CONCURRENCY, f"its concurrency is {found.concurrency}")
    ((lease, tasks),) = stand.execute(
        "select extract(epoch from lease)::float8, tasks from {}.workers where id = %s", found.id
    )
    stand.check(lease == LEASE, f"its lease is {lease:g} s")
    stand.check(set(tasks or ()) >= set(TASKS), f"its tasks are {tasks}")


@check("A job succeeds at its first attempt, and its result is what the handler returned.")
def completes(stand: Stand) -> None:
    """Have odd arguments echoed."""
    stand.worker()
    jobs = stand.ended([stand.enqueue("echo", args) for args in _ODD_ARGS])
    for job, args in zip(jobs, _ODD_ARGS, strict=True):
        stand.check(job.state == "succeeded", f"a job with the args {args} is {job.state}")
        stand.check(job.attempt == 1, f"it took {job.attempt} attempts")
        stand.check(job.result == args, f"the args {args} came back as {job.result}")


@check("A failed attempt is retried, and the last one ends the job as failed, with its message.")
def fails(stand: Stand) -> None:
    """Fail twice."""
    stand.worker()
    args = {"message": "asked to, ünï"}
    (job,) = stand.ended([stand.enqueue("fail", args, max_attempts=2, backoff="0 seconds")])
    stand.check(job.state == "failed", f"it is {job.state}")
    stand.check(job.attempt == 2, f"it took {job.attempt} attempts")
    errors = job.errors or []
    stand.check(len(errors) == 2, f"it has {len(errors)} errors")
    last = errors[-1]
    stand.check(args["message"] in str(last.get("message")), f"its last error is {last}")
    stand.check(bool(last.get("type")), "its last error has no type")


@check("A job that fails does not harm the jobs that end at the same moment.")
def harms_no_neighbour(stand: Stand) -> None:
    """Mix good and bad jobs."""
    stand.worker()
    good, bad = [], []
    for place in range(20):
        good.append(stand.enqueue("echo", {"place": place}))
        bad.append(stand.enqueue("fail", {"message": "asked to"}))
    stand.check({job.state for job in stand.ended(good)} == {"succeeded"}, "a good job failed")
    stand.check({job.state for job in stand.ended(bad)} == {"failed"}, "a bad job did not fail")


@check("It runs as many jobs at once as its concurrency, and never more.")
def keeps_its_concurrency(stand: Stand) -> None:
    """Compare when the jobs began and ended."""
    stand.worker()
    ids = [stand.enqueue("sleep", {"seconds": 0.6}) for _ in range(3 * CONCURRENCY)]
    spans = [job.result for job in stand.ended(ids, PATIENCE + len(ids))]
    most = max(
        sum(other["began"] <= span["began"] < other["ended"] for other in spans) for span in spans
    )
    stand.check(most == CONCURRENCY, f"{most} jobs ran at once, of {CONCURRENCY}")


@check("It runs each of many jobs exactly once.")
def runs_each_once(stand: Stand) -> None:
    """Have some hundred jobs run."""
    stand.worker()
    jobs = stand.client.enqueue_many(
        stand.new_job("echo", {"place": place}) for place in range(_MANY)
    )
    for job in stand.ended([created.id for created in jobs], 2 * PATIENCE):
        stand.check(job.state == "succeeded", f"a job is {job.state}")
        stand.check(job.attempt == 1, f"a job took {job.attempt} attempts")


@check("It leaves jobs alone whose task it does not know.")
def leaves_unknown_tasks(stand: Stand) -> None:
    """Enqueue a job that only newer code could run, and one behind it."""
    stand.worker()
    unknown = stand.enqueue("unknown", priority=-1)
    stand.succeeds()
    stand.check(stand.job(unknown).state == "ready", f"it is {stand.job(unknown).state}")
    stand.check(stand.job(unknown).attempt == 0, "it was tried")


@check("A new job wakes an idle worker by a notification.")
def wakes_up(stand: Stand) -> None:
    """Enqueue a job when it sleeps until its next poll."""
    worker = stand.worker()
    stand.succeeds()
    stand.idle(worker.id)
    time.sleep(1.0)
    stand.succeeds(within=3.0)


@check("It promotes delayed jobs when they are due, and not earlier.")
def promotes_due_jobs(stand: Stand) -> None:
    """Delay a job while it is idle."""
    worker = stand.worker()
    stand.succeeds()
    stand.idle(worker.id)
    (job,) = stand.ended([stand.enqueue("echo", delay="2 seconds")], within=6.0)
    stand.check(job.state == "succeeded", f"it is {job.state}")
    assert job.claimed_at
    stand.check(job.claimed_at >= job.run_at, "it ran too early")


@check("It lets a job run when its last parent, or who held its semaphore, has ended.")
def unblocks(stand: Stand) -> None:
    """Make a chain, and three jobs under one key."""
    stand.worker()
    first = stand.enqueue("sleep", {"seconds": 0.2})
    chain = [first, stand.enqueue("echo", depends_on=[first])]
    keyed = [
        stand.enqueue("sleep", {"seconds": 0.2}, concurrency_key="one", concurrency_limit=1)
        for _ in range(3)
    ]
    jobs = stand.ended([*chain, *keyed])
    stand.check({job.state for job in jobs} == {"succeeded"}, "one of them did not succeed")
    spans = sorted((job.result["began"], job.result["ended"]) for job in jobs[2:])
    overlap = any(one[1] > next_one[0] for one, next_one in itertools.pairwise(spans))
    stand.check(not overlap, "two jobs of one key ran at once")


@check("It fires due schedules.")
def fires_schedules(stand: Stand) -> None:
    """Make a schedule of a tick each second."""
    stand.worker()
    stand.client.schedule(
        "conformance", "conformance.echo", every="1 second", queue=QUEUE, args={"from": "schedule"}
    )
    stand.until(
        lambda: stand.execute(
            "select from {}.all_jobs where state = 'succeeded' and args @> %s offset 1",
            '{"from": "schedule"}',
        ),
        "no two ticks were fired",
    )


@check("It does the maintenance.")
def maintains(stand: Stand) -> None:
    """Look whether the steps are due again later."""
    stand.worker()
    stand.execute("update {}.maintenance set due_at = '-infinity' returning step")
    stand.until(
        lambda: not stand.execute("select from {}.maintenance where due_at = '-infinity'"),
        "maintain() was not called",
    )


@check("Heartbeats keep a job that runs for longer than the lease.")
def sends_heartbeats(stand: Stand) -> None:
    """Let a job run for two leases."""
    stand.worker()
    (job,) = stand.ended([stand.enqueue("sleep", {"seconds": 2 * LEASE})], 2 * LEASE + PATIENCE)
    stand.check(job.state == "succeeded", f"it is {job.state}: {job.errors}")
    stand.check(job.attempt == 1, f"it took {job.attempt} attempts")


@check("It stops a running job that somebody cancels, which then ends as cancelled.")
def cancels(stand: Stand) -> None:
    """Cancel a long job."""
    stand.worker()
    long = stand.enqueue("sleep", {"seconds": 120})
    stand.begun(long)
    stand.client.cancel(long)
    (job,) = stand.ended([long])
    stand.check(job.state == "cancelled", f"it is {job.state}")
    stand.succeeds()


@check("It ends an attempt that runs for longer than its timeout.")
def keeps_timeouts(stand: Stand) -> None:
    """Let a job run for too long."""
    stand.worker()
    (job,) = stand.ended([stand.enqueue("sleep", {"seconds": 120}, timeout="1 second")])
    stand.check(job.state == "failed", f"it is {job.state}")
    stand.succeeds()


@check("It claims nothing while it is told to pause, and goes on when it may.")
def pauses(stand: Stand) -> None:
    """Give both orders."""
    worker = stand.worker()
    stand.client.order_worker(worker.id, "pause")
    time.sleep(LEASE)
    waiting = stand.enqueue("echo")
    time.sleep(1.0)
    found = stand.job(waiting).state
    stand.client.order_worker(worker.id, "resume")
    stand.check(found == "ready", f"a job is {found} while it is paused")
    stand.ended([waiting])
