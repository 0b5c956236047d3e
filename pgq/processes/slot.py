"""A slot of a supervisor: one worker process after the other runs in it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

from pgq.processes.child import Child
from pgq.processes.plan import ProcessPlan

# How long (seconds) a process may take to end by itself after its limit, or after SIGQUIT.
GRACE: Final = 10.0


class Slot:
    """A place for one process after the other, all with the same plan."""

    def __init__(self, plan: ProcessPlan) -> None:
        self.plan = plan
        self.child: Child | None = None
        self.leaving = asyncio.Event()
        self.changed = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []

    def stop(self, limit: float | None = None) -> None:
        """Stop in order; at once after `limit` seconds, by default the plan's, None: no limit."""
        if self.leaving.is_set():
            return
        self.leaving.set()
        self._send(signal.SIGTERM)
        if limit is not None:
            self._later(limit, self.stop_now)
        elif self.plan.shutdown_timeout is not None:
            # The process keeps to its limit by itself, unless it hangs.
            self._later(self.plan.shutdown_timeout + GRACE, self.kill)

    def stop_now(self) -> None:
        """Stop without waiting for jobs."""
        self.leaving.set()
        self._send(signal.SIGQUIT)
        self._later(GRACE, self.kill)

    def kill(self) -> None:
        """End the process."""
        self._send(signal.SIGKILL)

    def ended(self) -> None:
        """Forget the process, and what it was to be told."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _send(self, number: int) -> None:
        if self.child is not None:
            self.child.send(number)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))
