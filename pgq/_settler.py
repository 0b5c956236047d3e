"""Outcomes on their way to the database: collected, sent in batches, kept until answered."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import psycopg

from pgq import calls
from pgq._call import Call
from pgq._outcome import Failed, Outcome, Released, Snoozed, Succeeded
from pgq._report import first_line, type_of
from pgq._session import Session
from pgq.errors import InvalidArgument, InvalidJob
from pgq.job import ClaimedJob
from pgq.job import Outcome as Settlement
from pgq.logs import job_log, log_job

# Above five hundred jobs a call gets no cheaper per job.
_LARGEST: Final = 500
# How long (seconds) an outcome may wait for company.
_GATHER: Final = 0.005

# The database read an outcome and did not accept it: it will not do so later either.
REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, InvalidJob, InvalidArgument)

# What a failure is called in the log, by where the job stands after it.
_FAILURES: Final = {
    "cancelled": (logging.INFO, "job.cancelled"),
    "scheduled": (logging.WARNING, "job.retried"),
    "ready": (logging.WARNING, "job.retried"),
}


class Ended(NamedTuple):
    """A job whose run has ended, and how."""

    job: ClaimedJob
    outcome: Outcome
    since: float
    seconds: float = 0.0


class Settler:
    """Keeps outcomes, oldest first; one leaves only when the database has answered for it."""

    def __init__(
        self,
        enough: Callable[[], int],
        *,
        worker: str = "",
        report: Callable[[BaseException, str], None] | None = None,
        told: Callable[[ClaimedJob, Outcome, Any], None] | None = None,
    ) -> None:
        """Settle at once when there are `enough()` outcomes, else after a few milliseconds.

        `worker` is for the log; `report` is told of outcomes that the database refuses, and `told`
        of each that it took, with its answer.
        """
        self._enough = enough
        self._pending: deque[Ended] = deque()
        self._worker = worker
        self._report = report
        self._told = told

    def __len__(self) -> int:
        return len(self._pending)

    def claim_ids(self) -> set[int]:
        """Return the claims that outcomes are kept for."""
        return {ended.job.claim_id for ended in self._pending}

    def add(self, job: ClaimedJob, outcome: Outcome, seconds: float = 0.0) -> None:
        """Keep an outcome until it is settled; `seconds` is how long the run took."""
        self._pending.append(Ended(job, outcome, time.monotonic(), seconds))

    def due_at(self) -> float | None:
        """Return when (monotonic) to settle; None: there is nothing to."""
        if not self._pending:
            return None
        enough = min(self._enough(), _LARGEST)
        return 0.0 if len(self._pending) >= enough else self._pending[0].since + _GATHER

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
        level = job_log.getEffectiveLevel()
        for group, answer in zip(groups, answers, strict=True):
            if isinstance(group[0].outcome, Succeeded):
                if not answer and self._told is None and level > logging.DEBUG:
                    continue
                answer = _in_place(group, answer)
            for ended, settled in zip(group, answer, strict=True):
                self._log(ended, settled, level)
                if self._told is not None:
                    self._told(ended.job, ended.outcome, settled)
                waits = waits or getattr(settled, "state", None) == "scheduled"
                waits = waits or settled.outcome == "refused"
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
                self._log_refused(ended, error)
                if self._report is not None:
                    self._report(error, "settle")
                if (instead := _instead_of(ended.outcome, error)) is not None:
                    self.add(ended.job, instead, ended.seconds)
            else:
                self.answered([[ended]], [answer])

    def _log(self, ended: Ended, settled: Any, enabled: int) -> None:
        """Log what became of a job; most succeed, and that nobody wants to read."""
        job, outcome = ended.job, ended.outcome
        if settled.outcome == "lost":
            level, event = logging.WARNING, "job.lost"
        elif settled.outcome == "already":
            # A commit that nobody answered was done, or somebody else ended the job.
            level, event = logging.INFO, "job.already_settled"
        elif settled.outcome == "refused":
            # Its result cannot be stored: the attempt failed, and says why among the job's errors.
            level, event = logging.ERROR, "job.outcome_refused"
        elif isinstance(outcome, Failed):
            level, event = _FAILURES.get(settled.state, (logging.ERROR, "job.failed"))
        else:
            level, event = logging.DEBUG, f"job.{type(outcome).__name__.lower()}"
        if level < enabled:
            return
        failure = outcome if isinstance(outcome, Failed) else None
        log_job(
            level,
            event,
            job,
            max_attempts=job.max_attempts,
            worker=self._worker,
            duration=None if isinstance(outcome, Released) else round(ended.seconds, 6),
            run_at=getattr(settled, "run_at", None),
            error_type=failure and failure.error_type,
            error=failure and failure.message,
        )

    def _log_refused(self, ended: Ended, error: Exception) -> None:
        log_job(
            logging.ERROR,
            "job.outcome_refused",
            ended.job,
            worker=self._worker,
            error_type=type_of(error),
            error=first_line(error),
        )


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
    call = calls.complete_batch(ids, claim_ids, results if any(results) else None)
    # Those that are ok, nearly all, need not travel.
    return replace(call, template=f"{call.template} where outcome <> 'ok'")


def _in_place(group: list[Ended], answer: list[Settlement]) -> list[Settlement]:
    """Return an answer to every completion, from those that are not ok."""
    others = {settled.job_id: settled for settled in answer}
    ids = [ended.job.job_id for ended in group]
    return [others.get(job_id) or Settlement(job_id, "ok") for job_id in ids]


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
