"""Outcomes that the database refused, and large ones: kept apart, so that they delay no others."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pgq.calls import jobs as calls
from pgq.lib.backoff import Backoff
from pgq.lib.report import first_line, type_of
from pgq.logs import log_job
from pgq.worker.outcome import Continued, Failed, Released, RunOutcome, Snoozed, Succeeded
from pgq.worker.session import Session
from pgq.worker.settle_calls import Ended, settle_call
from pgq.worker.trouble import Report, Trouble
from pgq.worker.verdicts import NoAnswer, Verdict, code_of, is_lost, verdict_of

# How many times an outcome may break a call in which it is alone, while others go through.
_MOST_TRIES: Final = 3
# An outcome of so many characters may be what the server has no memory or no time for.
_BIG: Final = 1 << 20
# How long (seconds) one that was set aside waits for its row; how many of a turn may fail.
_LOCK_WAIT: Final = 0.5
_MOST_IN_VAIN: Final = 3
# With so many set aside a worker claims nothing more.
_MOST_ASIDE: Final = 1000


class Aside:
    """Sends such outcomes again, alone, at growing intervals; `retry_at` (monotonic) says when.

    One that is refused becomes a failure of its job. The last resort, a failure without a text, is
    kept where even that is refused: it is said at growing intervals, and holds up no stop.
    """

    def __init__(self, worker: str, report: Report | None) -> None:
        self.retry_at = math.inf
        self.kept: deque[Ended] = deque()
        self._pauses = Backoff(0.25, 30.0)
        self._trouble = Trouble("outcomes.kept", "outcomes.delivered", "settle", report)
        self._worker = worker
        self._report = report

    @property
    def is_waiting(self) -> bool:
        """Whether there are outcomes that may still be told."""
        return any(not ended.is_hopeless for ended in self.kept)

    @property
    def is_full(self) -> bool:
        """Whether there are so many that no more jobs should be claimed."""
        return len(self.kept) >= _MOST_ASIDE

    def keep(self, ended: Ended) -> None:
        """Keep one, and send it soon."""
        self.kept.append(ended)
        self.retry_at = min(self.retry_at, time.monotonic())

    async def retry(self, session: Session, settled: Callable[[Ended, list[Any]], bool]) -> bool:
        """Try them one by one; `settled` is called with the answers about each that was taken.

        Return whether one of those calls did; raises what breaks the connection.
        """
        in_vain: list[Exception] = []
        found = False
        for _ in range(len(self.kept)):
            ended = self.kept[0]
            # The others have their turn before it has another one.
            self.kept.rotate(-1)
            try:
                answers = await self._settle(session, ended)
            except Exception as error:
                in_vain.append(error)
                if is_lost(error):
                    self._pause(error)
                    raise
                if len(in_vain) == _MOST_IN_VAIN:
                    break
            else:
                if answers:
                    self.kept.remove(ended)
                    found = settled(ended, answers) or found
        if in_vain:
            self._pause(in_vain[0])
        elif self.kept:
            self.retry_at = 0.0
        else:
            self.retry_at = math.inf
            self._pauses.reset()
            self._trouble.over()
        return found

    async def _settle(self, session: Session, ended: Ended) -> list[Any]:
        """Settle one alone; no answers: it was refused, and is replaced by another outcome.

        Raises what leaves it as it is.
        """
        was_answered = False
        try:
            if ended.tries:
                await session.try_call(calls.version())
                was_answered = True
            return await session.try_together([settle_call([ended])], lock_wait=_LOCK_WAIT)
        except Exception as error:
            if self._blame(ended, error, was_answered) and not is_lost(error):
                return []
            raise

    def _pause(self, error: Exception) -> None:
        self.retry_at = time.monotonic() + self._pauses.next()
        hint = "no more jobs are claimed until they are stored" if self.is_full else None
        self._trouble.failed(error, logging.ERROR, outcomes=len(self.kept), hint=hint)

    def _blame(self, ended: Ended, error: Exception, was_answered: bool) -> bool:
        """Replace an outcome where it is by it that a call alone with it fails; return whether."""
        big = ended.size > _BIG
        if verdict_of(error) is Verdict.REFUSE:
            return self.replace(ended, error)
        if is_lost(error):
            # It may be the network, unless a call just before went through; and a row that is
            # locked by a session that hangs looks like one that takes long.
            ended.tries += (was_answered or not ended.tries) and (
                big or not isinstance(error, NoAnswer)
            )
        else:
            code = code_of(error) or ""
            ended.tries += code == "XX000" or (big and code.startswith(("53", "57014")))
        if ended.tries <= _MOST_TRIES:
            return False
        ended.tries = 0
        return self.replace(ended, error)

    def replace(self, ended: Ended, error: Exception) -> bool:
        """Make of a refused outcome a failure that says so; false: it was the last one."""
        if ended.is_hopeless:
            return False
        log_job(
            logging.ERROR,
            "job.outcome_refused",
            ended.job,
            worker=self._worker,
            outcome=type(ended.outcome).__name__.lower(),
            error_type=type_of(error),
            sqlstate=code_of(error),
            error=first_line(error),
        )
        if self._report is not None:
            self._report(error, "settle")
        instead = instead_of(ended.outcome, error)
        if instead is None:
            ended.is_hopeless = True
            return False
        ended.outcome = instead
        return True


def instead_of(outcome: RunOutcome, error: Exception) -> Failed | None:
    """Return the failure to settle instead of a refused outcome; None: there is none left."""
    if isinstance(outcome, Released):
        return None
    if isinstance(outcome, Succeeded | Snoozed | Continued):
        return Failed(f"the outcome was refused: {_plain(first_line(error))}", "InvalidResult")
    if outcome.error_type == "Refused":
        return None
    fewer = Failed(
        _plain(outcome.message),
        _plain(outcome.error_type),
        final=outcome.final,
        retry_in=outcome.retry_in,
        cancel=outcome.cancel,
    )
    if fewer != outcome:
        return fewer
    return Failed("", "Refused", final=outcome.final, cancel=outcome.cancel)


def _plain(text: str) -> str:
    """Return the beginning of a text in characters that every encoding has."""
    return text[:500].encode("ascii", "backslashreplace").decode()[:500]
