"""What somebody may do to rows of a list: each is a function of pgq, and a permission of Django's.

The permission of the verb `retry` of jobs is `pgq.retry_job`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pgq.client.clients import Client
from pgq.rows import BulkAction, Outcome

Did = Mapping[Any, str]
"""What became of each row, by its key."""


@dataclass(frozen=True)
class Verb:
    """One of the things to do. `asks`: what a page says before it is done.

    `bulk` is the operation that does it to all that match; `good`, the outcomes that were wanted;
    `fits` says of a row whether its page has a button for it.
    """

    name: str
    label: str
    run: Callable[[Client, list[Any]], Did]
    good: tuple[str, ...]
    asks: str | None = None
    bulk: BulkAction | None = None
    deletes: bool = False
    fits: Callable[[Any], bool] = lambda _row: True


def told(did: Did) -> str:
    """Say what became of the rows: `2 retried, 1 running`."""
    counted = Counter(did.values()).most_common()
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counted)


def _of_jobs(function: str) -> Callable[[Client, list[Any]], Did]:
    def run(client: Client, keys: list[Any]) -> Did:
        outcomes: Iterable[Outcome] = getattr(client, function)([int(each) for each in keys])
        return {each.job_id: each.outcome for each in outcomes}

    return run


def _one_by_one(act: Callable[[Client, Any], str]) -> Callable[[Client, list[Any]], Did]:
    return lambda client, keys: {key: act(client, key) for key in keys}


def _pause(client: Client, queue: str) -> str:
    client.pause_queue(queue)
    return "paused"


def _order(instruction: Any) -> Callable[[Client, Any], str]:
    def order(client: Client, worker_id: Any) -> str:
        return "told" if client.order_worker(int(worker_id), instruction) else "gone"

    return order


def _in(*states: str) -> Callable[[Any], bool]:
    return lambda job: job.state in states


def _is_paused(row: Any) -> bool:
    return bool(row.paused)


def _is_open(row: Any) -> bool:
    return not row.paused


JOBS: Final = (
    Verb(
        "retry",
        "Run again",
        _of_jobs("retry"),
        ("retried",),
        bulk="retry",
        fits=_in("failed", "cancelled", "expired"),
    ),
    Verb(
        "run",
        "Run now",
        _of_jobs("run_now"),
        ("promoted",),
        bulk="run_now",
        fits=_in("scheduled"),
    ),
    Verb(
        "cancel",
        "Cancel",
        _of_jobs("cancel"),
        ("cancelled", "requested"),
        asks="A waiting job is cancelled at once. Of a running one, the worker is asked to end it.",
        bulk="cancel",
        fits=_in("scheduled", "blocked", "ready", "running"),
    ),
    Verb(
        "discard",
        "Discard",
        _of_jobs("discard"),
        ("discarded",),
        asks="What is discarded is deleted for good, with its history. Running jobs stay.",
        bulk="discard",
        deletes=True,
        fits=lambda job: job.state != "running",
    ),
    Verb(
        "enqueue",
        "Enqueue a fresh copy",
        _one_by_one(lambda client, key: f"enqueued as {client.enqueue_again(int(key))}"),
        ("enqueued",),
    ),
)
QUEUES: Final = (
    Verb("pause", "Pause", _one_by_one(_pause), ("paused",), fits=_is_open),
    Verb(
        "resume",
        "Resume",
        _one_by_one(lambda client, key: "resumed" if client.resume_queue(key) else "not paused"),
        ("resumed", "not paused"),
        fits=_is_paused,
    ),
    Verb(
        "clear",
        "Clear ready jobs",
        _one_by_one(
            lambda client, key: f"{client.clear_queue(key, include_blocked=False):,} jobs deleted"
        ),
        ("jobs deleted",),
        asks="The jobs that are ready are deleted for good, 100,000 of a queue at most.",
        deletes=True,
    ),
)
WORKERS: Final = (
    Verb("pause", "Pause", _one_by_one(_order("pause")), ("told",)),
    Verb("resume", "Resume", _one_by_one(_order("resume")), ("told",)),
    Verb(
        "stop",
        "Stop",
        _one_by_one(_order("stop")),
        ("told",),
        asks="A worker that is told to stop ends its jobs, and leaves.",
    ),
)
SCHEDULES: Final = (
    Verb(
        "run",
        "Run now",
        _one_by_one(lambda client, key: f"enqueued as {client.run_schedule_now(key)}"),
        ("enqueued",),
    ),
    Verb(
        "pause",
        "Pause",
        _one_by_one(lambda client, key: "paused" if client.pause_schedule(key) else "was paused"),
        ("paused", "was paused"),
        fits=_is_open,
    ),
    Verb(
        "resume",
        "Resume",
        _one_by_one(lambda client, key: "resumed" if client.resume_schedule(key) else "not paused"),
        ("resumed", "not paused"),
        fits=_is_paused,
    ),
    Verb(
        "unschedule",
        "Unschedule",
        _one_by_one(lambda client, key: "unscheduled" if client.unschedule(key) else "gone"),
        ("unscheduled",),
        asks="The schedule is deleted. The jobs that it has enqueued stay.",
        deletes=True,
    ),
)
SEMAPHORES: Final = (
    Verb(
        "release",
        "Release all slots",
        _one_by_one(lambda client, key: f"released by {client.release_semaphore(key)} jobs"),
        ("released",),
        asks="Jobs that hold slots go on without: what the semaphore protects may run twice.",
    ),
)
OPERATIONS: Final = (
    Verb(
        "stop",
        "Stop or undo",
        _one_by_one(lambda client, key: client.bulk_stop(int(key))),
        ("stopped", "undone"),
        fits=lambda operation: operation.row.status in ("waiting", "running"),
    ),
)
