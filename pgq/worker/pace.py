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
# Some sessions whose commits come together every few milliseconds leave nothing between them. A
# worker that was idle for less than _PREMATURE seconds looks later instead, as long as it then
# finds more than one session could enqueue; else not again for a while. While nobody waits for the
# notifications of others, these sessions are several times as fast.
_PREMATURE: Final = 0.01
_LATER: Final = 0.012
_STREAM: Final = 1000  # jobs per second
_NOT_AGAIN: Final = 0.25


class Pace:
    """Decides by what claims find and what is heard meanwhile. Times are monotonic, in seconds."""

    def __init__(self, poll_interval: float) -> None:
        self.claim_at = 0.0
        self.hints = 0
        self._polls = Backoff(_SHORTEST_POLL, poll_interval, 0.8)
        self._is_idle = False
        self._idle_since = -math.inf
        self._soon = SOON
        self._later_from = -math.inf
        self._hints_before = 0

    def hint(self) -> None:
        """Note that somebody told of ready jobs."""
        self.hints += 1
        self.look()

    def look(self) -> None:
        """Claim at once, and poll often again."""
        self.claim_at = 0.0
        self._polls.reset()

    @property
    def is_idle(self) -> bool:
        """Whether the last claim found nothing."""
        return self._is_idle

    @property
    def expects_nothing(self) -> bool:
        """Whether the next claim is a mere poll: the last one found nothing, and nobody told."""
        return self._is_idle and self.claim_at > 0

    def claimed(self, found: int, size: int, hints: int) -> float:
        """Note what a claim of `size` found, and how many hints there were before it.

        Return when to promote, at the latest.
        """
        now, was_idle, is_hinted = time.monotonic(), self._is_idle, self.hints != hints
        self._is_idle = not found
        self._adapt(found, now, was_idle=was_idle, was_called=hints != self._hints_before)
        self._hints_before = hints
        if found:
            self._polls.reset()
        ask_at = now + _ASK_AGAIN if found < size and self._polls.is_fresh else math.inf
        if 0 < found < size and not is_hinted:
            self.claim_at = now + self._soon
        elif was_idle and not found and not is_hinted:
            self.claim_at = now + self._polls.next()
        else:
            # One more look also when it has just become idle: what came before nobody told of.
            self.claim_at = 0.0
        return ask_at

    def _adapt(self, found: int, now: float, *, was_idle: bool, was_called: bool) -> None:
        """Decide how soon to look again while there are jobs; `was_called`: by a notification."""
        if not found:
            if not was_idle:
                self._idle_since = now
        elif was_idle:
            if now - self._idle_since < _PREMATURE and now >= self._later_from:
                self._soon = _LATER
            return
        elif was_called or found >= _STREAM * self._soon:
            return
        if self._soon > SOON:
            self._soon, self._later_from = SOON, now + _NOT_AGAIN
