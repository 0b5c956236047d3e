"""How many jobs a worker ends in a second, while it has some."""

from __future__ import annotations

import time
from typing import Final

# A sample is so many ends, or at a claim as many as there were in so many seconds.
_SAMPLE_ENDS: Final = 50
_SAMPLE_SECONDS: Final = 0.1
_WEIGHT: Final = 0.2


class Throughput:
    """Measures while the worker has jobs; the time in which it has none does not count.

    It shows what a handler's own time does not: how much of the processor others leave.
    """

    def __init__(self) -> None:
        self.seconds_per_job = 0.0  # as good as unknown at first
        self._ends = 0
        self._seconds = 0.0
        self._since: float | None = None

    def took_over(self) -> None:
        """Note that the worker has got jobs."""
        now = time.monotonic()
        self._pause(now)
        self._since = now
        if self._ends and self._seconds >= _SAMPLE_SECONDS:
            self._note()

    def ended(self, *, was_last: bool) -> None:
        """Note that a job has ended; `was_last`: the worker has no other."""
        self._ends += 1
        if was_last or self._ends >= _SAMPLE_ENDS:
            now, since = time.monotonic(), self._since
            self._pause(now)
            if not was_last:
                self._since = since and now
            if self._ends >= _SAMPLE_ENDS:
                self._note()

    def _pause(self, now: float) -> None:
        if self._since is not None:
            self._seconds += now - self._since
            self._since = None

    def _note(self) -> None:
        # Times are averaged and not rates: what takes long counts by how long it takes.
        sample = self._seconds / self._ends
        weight = _WEIGHT if self.seconds_per_job else 1.0
        self.seconds_per_job += weight * (sample - self.seconds_per_job)
        self._ends, self._seconds = 0, 0.0
