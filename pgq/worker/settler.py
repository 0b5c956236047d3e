"""Outcomes on their way to the database: collected, sent in batches, kept until answered."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from pgq.logs import job_log, log_job
from pgq.rows import ClaimedJob
from pgq.worker.outcome import Continued, Failed, Released, RunOutcome, Succeeded
from pgq.worker.refused import Aside
from pgq.worker.session import Session
from pgq.worker.settle_calls import Ended, in_place, settle_call
from pgq.worker.trouble import Report
from pgq.worker.verdicts import Verdict, is_lost, verdict_of

# Above five hundred jobs a call gets no cheaper per job; above so many characters it gets slow.
_LARGEST: Final = 500
_LONGEST: Final = 16 << 20
# An outcome of so many characters may take longer than an exchange may, so it has one alone.
_ALONE: Final = 4 << 20
# How long (seconds) an outcome may wait for company.
_GATHER: Final = 0.005

# What a failure is called in the log, by where the job stands after it.
_FAILURES: Final = {
    "cancelled": (logging.INFO, "job.cancelled"),
    "scheduled": (logging.WARNING, "job.retried"),
    "ready": (logging.WARNING, "job.retried"),
}


class Settler:
    """Keeps outcomes, oldest first; one leaves only when the database has answered for it.

    Those that the database does not take, and the largest, are set aside, where they hold up no
    others: they are sent alone, again at growing intervals, and one that is refused becomes a
    failure of its job.
    """

    def __init__(
        self,
        enough: Callable[[], int],
        *,
        worker: str = "",
        report: Report | None = None,
        settled: Callable[[ClaimedJob, RunOutcome, Any], None] | None = None,
        web_url: str | None = None,
    ) -> None:
        """Settle at once when there are `enough()` outcomes, else after a few milliseconds.

        `worker` is for the log; `report` gets the outcomes that the database refuses, and
        `settled` each that it took, with its answer. `web_url` is where the dashboard is.
        """
        self.aside = Aside(worker, report)
        self._enough = enough
        self._pending: deque[Ended] = deque()
        self._worker = worker
        self._web_url = web_url
        self._settled = settled

    @property
    def is_waiting(self) -> bool:
        """Whether there are outcomes that may still be told."""
        return bool(self._pending) or self.aside.is_waiting

    def claim_ids(self) -> set[int]:
        """Return the claims that outcomes are kept for."""
        return {ended.job.claim_id for kept in (self._pending, self.aside.kept) for ended in kept}

    def add(self, job: ClaimedJob, outcome: RunOutcome, seconds: float = 0.0) -> None:
        """Keep an outcome until it is settled; `seconds` is how long the run took."""
        ended = Ended(job, outcome, time.monotonic(), seconds)
        (self.aside.keep if ended.size > _ALONE else self._pending.append)(ended)

    def due_at(self) -> float | None:
        """Return when (monotonic) to settle; None: there is nothing to."""
        if not self._pending:
            return None
        enough = min(self._enough(), _LARGEST)
        return 0.0 if len(self._pending) >= enough else self._pending[0].since + _GATHER

    @property
    def is_news(self) -> bool:
        """Whether an outcome that has just been added changes when to settle."""
        waiting = len(self._pending)
        return self.aside.is_waiting or waiting == 1 or waiting >= min(self._enough(), _LARGEST)

    def batch(self) -> list[list[Ended]]:
        """Return the oldest outcomes, at most 500, grouped by the call that settles them."""
        groups: dict[object, list[Ended]] = {}
        room = _LONGEST
        for ended in list(self._pending)[:_LARGEST]:
            room -= ended.size
            if room < 0 and groups:
                break
            kind = type(ended.outcome)
            groups.setdefault(ended if kind is Continued else kind, []).append(ended)
        return list(groups.values())

    def answered(self, groups: list[list[Ended]], answers: Sequence[list[Any]]) -> bool:
        """Forget the outcomes of `batch`; return whether a job now waits for a time to come."""
        for _ in range(sum(map(len, groups))):
            self._pending.popleft()
        return self._note(groups, answers)

    def set_aside(self, groups: list[list[Ended]]) -> None:
        """Keep the outcomes of `batch` apart, since they may be what a call fails by."""
        for _ in range(sum(map(len, groups))):
            self.aside.keep(self._pending.popleft())

    async def settle_singly(self, session: Session, groups: list[list[Ended]]) -> None:
        """Settle the outcomes of `batch` one by one, because one of them was refused.

        Raises what breaks the connection; all that is left then is kept.
        """
        for _ in range(sum(map(len, groups))):
            ended = self._pending[0]
            try:
                answer = await session.try_call(settle_call([ended]))
            except Exception as error:
                if is_lost(error):
                    raise
                if verdict_of(error) is Verdict.REFUSE:
                    self.aside.replace(ended, error)
                self.aside.keep(self._pending.popleft())
            else:
                self.answered([[ended]], [answer])

    async def retry(self, session: Session) -> bool:
        """Try what was set aside; return whether a job waits for a time now.

        Raises what breaks the connection.
        """
        return await self.aside.retry(
            session, lambda ended, answers: self._note([[ended]], answers)
        )

    def _note(self, groups: list[list[Ended]], answers: Sequence[list[Any]]) -> bool:
        waits = False
        level = job_log.getEffectiveLevel()
        for group, answer in zip(groups, answers, strict=True):
            if isinstance(group[0].outcome, Succeeded):
                if not answer and self._settled is None and level > logging.DEBUG:
                    continue
                answer = in_place(group, answer)
            for ended, settled in zip(group, answer, strict=True):
                self._log(ended, settled, level)
                if self._settled is not None:
                    self._settled(ended.job, ended.outcome, settled)
                waits = waits or getattr(settled, "state", None) == "scheduled"
                waits = waits or settled.outcome == "refused"
        return waits

    def _log(self, ended: Ended, settled: Any, enabled: int) -> None:
        """Log what became of a job; most succeed, and that nobody wants to read."""
        job, outcome = ended.job, ended.outcome
        thrown_away = None
        if settled.outcome == "lost":
            level, event = logging.WARNING, "job.lost"
            thrown_away = type(outcome).__name__.lower()
        elif settled.outcome == "already":
            # A commit that nobody answered was done.
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
        leads = self._web_url is not None and event == "job.failed"
        log_job(
            level,
            event,
            job,
            max_attempts=job.max_attempts,
            worker=self._worker,
            thrown_away=thrown_away,
            duration=None if isinstance(outcome, Released) else round(ended.seconds, 6),
            run_at=getattr(settled, "run_at", None),
            error_type=failure and failure.error_type,
            error=failure and failure.message,
            url=f"{self._web_url}/j/{job.job_id}" if leads else None,
        )
