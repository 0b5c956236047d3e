"""How long to wait before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Delays in seconds that double from `first` up to `cap`, each shortened at random.

    shortest: to which part of it at most.
    """

    def __init__(self, first: float, cap: float, shortest: float = 0.5) -> None:
        self._shortest = shortest
        self._first = min(first, cap)
        self._cap = cap
        self._next = self._first

    def next(self) -> float:
        """Return the next delay."""
        delay = self._next * random.uniform(self._shortest, 1.0)
        self._next = min(self._next * 2, self._cap)
        return delay

    @property
    def is_fresh(self) -> bool:
        """Whether the next delay is the first one."""
        return self._next == self._first

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._next = self._first
