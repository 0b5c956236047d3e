"""What an operator may tell a worker, and what it does about it; SQL has the list, too."""

from __future__ import annotations

import logging
from typing import Literal, Protocol

from pgq.logs import log_event

Instruction = Literal["pause", "resume", "stop"]


class Obedient(Protocol):
    """A worker that runs."""

    worker_id: int
    paused: bool
    stopping: bool

    def stop(self) -> None:
        """Finish what runs and leave."""

    def wake(self) -> None:
        """Look again whether there is work."""


def obey(worker: Obedient, standing: set[str]) -> None:
    """Do what the orders that stand say; none: nothing was told, or the order was taken back.

    A heartbeat brings them again for as long as they stand, so what was done is not done twice.
    """
    if "stop" in standing and not worker.stopping:
        log_event(logging.INFO, "worker.told_to_stop", worker_id=worker.worker_id)
        worker.stop()
    if worker.paused != ("pause" in standing):
        worker.paused = not worker.paused
        event = "worker.paused" if worker.paused else "worker.resumed"
        log_event(logging.INFO, event, worker_id=worker.worker_id)
        worker.wake()
