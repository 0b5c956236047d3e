"""A database with something to do each action to, in a queue of one's own and in another's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pgq

MINE, OTHERS = "mail", "billing"


class World:
    """Makes what an action is done to; what it returns is sent with it."""

    def __init__(self, client: pgq.Client) -> None:
        self.client = client
        self._count = count()

    def failed(self, queue: str) -> int:
        """Return a job that is out of attempts."""
        job = self.client.enqueue("send", queue=queue, max_attempts=1)
        for claimed in self.client.claim_batch([queue], batch_size=1000):
            self.client.fail_batch([claimed.job_id], [claimed.claim_id], ["no"])
        return job

    def scheduled(self, queue: str) -> int:
        return self.client.enqueue("send", {"to": "x"}, queue=queue, delay=timedelta(hours=1))

    def worker(self, queue: str) -> int:
        return self.client.register_worker("w", [queue], lease=timedelta(minutes=5))

    def schedule(self, queue: str) -> str:
        name = f"daily {next(self._count)}"
        self.client.schedule(name, "send", every=timedelta(days=1), queue=queue)
        return name

    def semaphore(self, queue: str) -> str:
        key = f"gate {next(self._count)}"
        self.client.enqueue("send", queue=queue, concurrency_key=key, concurrency_limit=2)
        self.client.promote_due()
        return key

    def key(self, queue: str) -> str:
        key = f"one {next(self._count)}"
        self.client.enqueue("send", queue=queue, unique_key=key)
        return key

    def operation(self, queue: str) -> int:
        self.failed(queue)
        started = self.client.bulk_start("retry", queue=queue)
        assert started.id is not None
        return started.id


Make = Callable[[World, str], dict[str, Any]]


def _bulk(make: Callable[[World, str], int], state: str, **more: Any) -> Make:
    def values(world: World, queue: str) -> dict[str, Any]:
        up_to = make(world, queue)
        return {"filters": f"queue={queue}&state={state}", "up_to_id": up_to, **more}

    return values


# What to send with each action, by its name.
SENT: Final[dict[str, Make]] = {
    "retry": lambda world, queue: {"id": world.failed(queue)},
    "run_now": lambda world, queue: {"id": world.scheduled(queue)},
    "reprioritise": lambda world, queue: {"id": world.scheduled(queue), "priority": 7},
    "cancel": lambda world, queue: {"id": world.scheduled(queue)},
    "discard": lambda world, queue: {"id": world.scheduled(queue)},
    "enqueue_again": lambda world, queue: {"id": world.failed(queue)},
    "enqueue": lambda world, queue: {"task": "send", "queue": queue, "args": '{"a": 1}'},
    "bulk_retry": _bulk(World.failed, "failed"),
    "bulk_run_now": _bulk(World.scheduled, "scheduled"),
    "bulk_reprioritise": _bulk(World.scheduled, "scheduled", priority=3),
    "bulk_cancel": _bulk(World.scheduled, "scheduled"),
    "bulk_discard": _bulk(World.scheduled, "scheduled"),
    "bulk_stop": lambda world, queue: {"operation": world.operation(queue)},
    "pause_queue": lambda world, queue: {"queue": queue, "duration": "10m"},
    "resume_queue": lambda world, queue: (world.client.pause_queue(queue), {"queue": queue})[1],
    "clear_queue": lambda world, queue: (
        world.client.enqueue("send", queue=queue),
        {"queue": queue, "proof": queue},
    )[1],
    "configure_queue": lambda world, queue: {"queue": queue, "max_running": 5},
    "add_mark": lambda world, queue: {"label": "deploy 7"},
    "pause_task": lambda world, queue: {"task": "send", "duration": "10m"},
    "resume_task": lambda world, queue: (world.client.pause_task("send"), {"task": "send"})[1],
    "configure_semaphore": lambda world, queue: {
        "concurrency_key": world.semaphore(queue),
        "max_slots": 3,
    },
    "release_semaphore": lambda world, queue: {"concurrency_key": world.semaphore(queue)},
    "release_unique_key": lambda world, queue: {"unique_key": world.key(queue)},
    "close_batch": lambda world, queue: {"batch": world.client.create_batch()},
    "pause_worker": lambda world, queue: {"worker": world.worker(queue)},
    "resume_worker": lambda world, queue: {"worker": world.worker(queue)},
    "stop_worker": lambda world, queue: {"worker": world.worker(queue)},
    "give_up_worker": lambda world, queue: {"worker": world.worker(queue)},
    "run_schedule": lambda world, queue: {"schedule": world.schedule(queue)},
    "pause_schedule": lambda world, queue: {"schedule": world.schedule(queue)},
    "resume_schedule": lambda world, queue: {"schedule": world.schedule(queue)},
    "delete_schedule": lambda world, queue: {"schedule": world.schedule(queue)},
}
