"""Claims whose answer was lost: the worker holds their jobs, but does not run them."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable
from typing import Final

from pgq.calls import jobs as calls
from pgq.logs import log_event
from pgq.worker.session import Session

# How long (seconds) until it asks again: the server may still be at work on a claim.
_PAUSE: Final = 1.0


class Unanswered:
    """Has such jobs handed back; `due_at` (monotonic) says when to call `release`.

    It takes the session that claims, so that no other claim is under way meanwhile.
    """

    def __init__(self, session: Session, patience: float) -> None:
        """`patience` (seconds): for how long after it was sent a claim is likely to be committed.

        After that it looks as seldom as that: a server process that was frozen, and runs again
        long afterwards, still does what it was asked.
        """
        self.due_at = math.inf
        self._session = session
        self._patience = patience
        self._until = 0.0

    def note(self) -> None:
        """Note that a claim may have been made whose answer nobody got."""
        self._until = time.monotonic() + self._patience
        self.due_at = 0.0

    async def release(self, worker_id: int, known: Iterable[int]) -> None:
        """Hand back what the worker holds under other claims than the `known` ones."""
        call = calls.release_unanswered(worker_id, known)
        released = await self._session.try_call(call, what="release_unanswered")
        now = time.monotonic()
        self.due_at = now + (_PAUSE if now < self._until else self._patience)
        if released:
            log_event(logging.INFO, "claims.released", worker_id=worker_id, jobs=released)
