"""Outcomes on their way to the database: collected, sent in batches, kept until answered."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import psycopg

from pgq import calls
from pgq._call import Call
from pgq._outcome import Failed, Outcome, Released, Snoozed, Succeeded
from pgq._session import Session, first_line
from pgq.errors import InvalidArgument, InvalidJob
from pgq.job import ClaimedJob

log = logging.getLogger("pgq")

# Above five hundred jobs a call gets no cheaper per job.
_LARGEST: Final = 500
# How long (seconds) an outcome may wait for company.
_GATHER: Final = 0.005

# The database read an outcome and did not accept it: it will not do so later either.
REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, InvalidJob, InvalidArgument)


class Ended(NamedTuple):
    """A job whose run has ended, and how."""

    job: ClaimedJob
    outcome: Outcome
    since: float


class Settler:
    """Keeps outcomes, oldest first; one leaves only when the database has answered for it."""

    def __init__(self, enough: int) -> None:
        """Settle at once when there are `enough` outcomes, else after a few milliseconds."""
        self._enough = min(enough, _LARGEST)
        self._pending: deque[Ended] = deque()

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, job: ClaimedJob, outcome: Outcome) -> None:
        """Keep an outcome until it is settled."""
        self._pending.append(Ended(job, outcome, time.monotonic()))

    def due_at(self) -> float | None:
        """Return when (monotonic) to settle; None: there is nothing to."""
        if not self._pending:
            return None
        return 0.0 if len(self._pending) >= self._enough else self._pending[0].since + _GATHER

    def batch(self) -> list[list[Ended]]:
        """Return the oldest outcomes, at most 500, grouped by the call that settles them."""
        groups: dict[type[Outcome], list[Ended]] = {}
        for ended in list(self._pending)[:_LARGEST]:
            groups.setdefault(type(ended.outcome), []).append(ended)
        return list(groups.values())

    def answered(self, groups: list[list[Ended]], answers: Sequence[list[Any]]) -> bool:
        """Forget the outcomes of `batch`; return whether a job now waits for a time to come."""
        for _ in range(sum(map(len, groups))):
            self._pending.popleft()
        waits = False
        for group, answer in zip(groups, answers, strict=True):
            for ended, settled in zip(group, answer, strict=True):
                _report(ended, settled)
                waits = waits or getattr(settled, "state", None) == "scheduled"
        return waits

    async def settle_singly(self, session: Session) -> None:
        """Settle the oldest outcomes one by one, because one of them was refused.

        What is refused again is settled as a failure that says so.
        """
        for _ in range(min(len(self._pending), _LARGEST)):
            ended = self._pending[0]
            try:
                answer = await session.try_call(settle_call([ended]))
            except REFUSED as error:
                self._pending.popleft()
                log.error("outcome refused job_id=%d error=%s", ended.job.job_id, first_line(error))
                if (instead := _instead_of(ended.outcome, error)) is not None:
                    self.add(ended.job, instead)
            else:
                self.answered([[ended]], [answer])


def settle_call(group: list[Ended]) -> Call[Any]:
    """Return the call that settles outcomes of one kind."""
    kind = type(group[0].outcome)
    return _CALLS[kind](
        [ended.job.job_id for ended in group],
        [ended.job.claim_id for ended in group],
        [ended.outcome for ended in group],
    )


def _complete(ids: list[int], claim_ids: list[int], ends: list[Succeeded]) -> Call[Any]:
    results = [end.result for end in ends]
    return calls.complete_batch(ids, claim_ids, results if any(results) else None)


def _fail(ids: list[int], claim_ids: list[int], ends: list[Failed]) -> Call[Any]:
    return calls.fail_batch(
        ids,
        claim_ids,
        messages=[end.message for end in ends],
        error_types=[end.error_type for end in ends],
        tracebacks=[end.traceback for end in ends],
        final=[end.final for end in ends],
        retry_in=[end.retry_in for end in ends],
        cancel=[end.cancel for end in ends] if any(end.cancel for end in ends) else None,
    )


def _snooze(ids: list[int], claim_ids: list[int], ends: list[Snoozed]) -> Call[Any]:
    return calls.snooze_batch(ids, claim_ids, [end.delay for end in ends])


def _release(ids: list[int], claim_ids: list[int], _ends: list[Released]) -> Call[Any]:
    return calls.release_batch(ids, claim_ids)


_CALLS: Final[dict[type[Outcome], Callable[[list[int], list[int], list[Any]], Call[Any]]]] = {
    Succeeded: _complete,
    Failed: _fail,
    Snoozed: _snooze,
    Released: _release,
}


def _instead_of(outcome: Outcome, error: Exception) -> Failed | None:
    """Return the failure to settle instead of a refused outcome; None: there is none left."""
    if isinstance(outcome, Failed):
        return None if outcome.error_type == "Refused" else Failed("", "Refused")
    return Failed(f"the outcome was refused: {first_line(error)}", "InvalidResult")


def _report(ended: Ended, settled: Any) -> None:
    job, outcome = ended.job, ended.outcome
    if settled.outcome == "lost":
        log.warning("settle lost job_id=%d task=%s attempt=%d", job.job_id, job.task, job.attempt)
    elif isinstance(outcome, Failed):
        log.warning(
            "job %s job_id=%d task=%s attempt=%d/%d error=%s run_at=%s: %s",
            "cancelled" if settled.state == "cancelled" else "failed",
            job.job_id,
            job.task,
            job.attempt,
            job.max_attempts,
            outcome.error_type,
            settled.run_at,
            outcome.message,
        )
    elif log.isEnabledFor(logging.DEBUG):
        kind = type(outcome).__name__.lower()
        log.debug("job %s job_id=%d task=%s attempt=%d", kind, job.job_id, job.task, job.attempt)
