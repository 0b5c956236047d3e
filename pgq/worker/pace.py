"""When a worker claims next: at once, in a moment, or when it is woken."""

from __future__ import annotations

import math
import time
from typing import Final

from pgq.lib.backoff import Backoff

_SHORTEST_POLL: Final = 0.05
# How long (seconds) until the next claim after one that found something, but less than there was
# room for. Until a claim finds nothing, nobody notifies: a stream of jobs needs no wake-ups.
SOON: Final = 0.003
# How long (seconds) after a claim that came short a worker asks what else there is: blocked jobs,
# while it was not idle, or the next token of a rate limit. A trickle asks once for many claims.
_ASK_AGAIN: Final = 0.05


class Pace:
    """Decides by what claims find and what is heard meanwhile. Times are monotonic, in seconds."""

    def __init__(self, poll_interval: float) -> None:
        self.claim_at = 0.0
        self.hints = 0
        self._polls = Backoff(_SHORTEST_POLL, poll_interval)
        self._is_idle = False

    def hint(self) -> None:
        """Note that somebody told of ready jobs."""
        self.hints += 1
        self.look()

    def look(self) -> None:
        """Claim at once, and poll often again."""
        self.claim_at = 0.0
        self._polls.reset()

    def claimed(self, found: int, size: int, hints: int) -> float:
        """Note what a claim of `size` found, and how many hints there were before it.

        Return when to promote, at the latest.
        """
        now, was_idle, is_hinted = time.monotonic(), self._is_idle, self.hints != hints
        self._is_idle = not found
        if found:
            self._polls.reset()
        ask_at = now + _ASK_AGAIN if found < size and self._polls.is_fresh else math.inf
        if 0 < found < size and not is_hinted:
            self.claim_at = now + SOON
        elif was_idle and not found and not is_hinted:
            self.claim_at = now + self._polls.next()
        else:
            # One more look also when it has just become idle: what came before nobody told of.
            self.claim_at = 0.0
        return ask_at
