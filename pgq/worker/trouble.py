"""Errors that go on: logged at once, then at growing intervals, and once when they are over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from pgq.lib.report import first_line, type_of
from pgq.logs import log_event
from pgq.worker.verdicts import code_of

Report = Callable[[BaseException, str], None]
"""Takes an error of the infrastructure, and where it was met."""

# When (minutes after it began) it is said again; afterwards once an hour.
_MINUTES: Final = (1, 2, 5, 10, 20, 30, 60)


class Trouble:
    """One thing that fails or works; `where` names it in reports of errors."""

    def __init__(self, failed: str, over: str, where: str, report: Report | None = None) -> None:
        """`failed` and `over` are the events that are logged."""
        self.since: float | None = None
        self._events = failed, over
        self._where = where
        self._report = report
        self._said: set[tuple[str, str | None]] = set()
        self._count = 0
        self._again_at = 0.0

    def failed(self, error: BaseException, level: int = logging.WARNING, **fields: Any) -> None:
        """Note that it failed; an error of a kind that was not said yet is said at once."""
        now = time.monotonic()
        if self.since is None:
            self.since = now
        kind = type_of(error), code_of(error)
        self._count += 1
        if kind in self._said and now < self._again_at:
            return
        self._said.add(kind)
        lasting = now - self.since
        self._again_at = self.since + _next_after(lasting)
        log_event(
            level,
            self._events[0],
            **fields,
            error_type=type_of(error),
            sqlstate=code_of(error),
            error=first_line(error),
            lasting=round(lasting, 1) if lasting >= 1 else None,
        )
        if self._report is not None:
            self._report(error, self._where)

    def over(self, **fields: Any) -> None:
        """Note that it works."""
        if self.since is None:
            return
        log_event(
            logging.INFO,
            self._events[1],
            **fields,
            after=round(time.monotonic() - self.since, 1),
            failures=self._count,
        )
        self.since = None
        self._said.clear()
        self._count = 0


def _next_after(lasting: float) -> float:
    """Return how long (seconds) after its beginning an error is logged again."""
    for minutes in _MINUTES:
        if lasting < minutes * 60:
            return minutes * 60.0
    return (lasting // 3600 + 1) * 3600
