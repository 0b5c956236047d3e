"""Look at several databases at once: rows with the database in front, numbers summed up.

Each is asked in a thread of its own. One that does not answer holds up none of the others: the line
above the screen says so, and its rows are missing meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pgq.cli.failures import Failure, as_failure
from pgq.cli.output import clean
from pgq.cli.top.look import WORST, Looker, Overview, Seen

if TYPE_CHECKING:
    from pgq.cli.top.columns import Row
    from pgq.client.clients import Client

# Seconds for which a look waits: for the first one, and for one of many.
_FIRST: Final = 12.0
_AGAIN: Final = 3.0


@dataclass
class _Database:
    """One of them, and the look at it that is under way or was the last."""

    looker: Looker
    dsn: str
    _thread: threading.Thread | None = None
    _said: Seen | Exception | None = None

    def begin(self, screen: str) -> None:
        """Look at it, unless an earlier look has no answer yet."""
        if self._thread is None or not self._thread.is_alive():
            self._said = None
            self._thread = threading.Thread(target=self._look, args=(screen,), daemon=True)
            self._thread.start()

    def answer(self, screen: str, seconds: float) -> Seen | Failure:
        """Return what it shows, or why it shows nothing. Raises what nobody expected."""
        assert self._thread is not None
        self._thread.join(max(seconds, 0))
        said = self._said
        if isinstance(said, Exception):
            known = said if isinstance(said, Failure) else as_failure(said, self.dsn)
            if known is None:
                raise said
            return known
        if said is None or said.screen != screen:
            return Failure("it has not answered yet")
        return said

    def _look(self, screen: str) -> None:
        try:
            self._said = self.looker.look(screen)
        except Exception as error:  # noqa: BLE001 (`answer` sorts them)
            self._said = error


@dataclass(frozen=True)
class SeenOfAll(Seen):
    """What one look at several databases has found."""

    no_answer: Mapping[str, Failure]

    def as_record(self) -> dict[str, object]:
        """Return it for JSON."""
        away = {name: failure.message for name, failure in self.no_answer.items()}
        return {**super().as_record(), "no_answer": away}


@dataclass
class LookerAtAll:
    """Looks at several databases again and again, like a `Looker` at one."""

    databases: Sequence[_Database]
    wait: bool = True
    _looked: bool = field(default=False, init=False)

    @classmethod
    def of(cls, clients: Mapping[str, tuple[Client, str]], *, wait: bool) -> LookerAtAll:
        """Return one for clients, by the names of their databases, each with its DSN."""
        lookers = [
            _Database(Looker(client, name, wait), dsn) for name, (client, dsn) in clients.items()
        ]
        return cls(lookers, wait)

    def look(self, screen: str) -> SeenOfAll:
        """Return what there is to see. Raises a Failure if no database answers."""
        for each in self.databases:
            each.looker.wait = self.wait
            each.begin(screen)
        until = time.monotonic() + (_AGAIN if self._looked else _FIRST)
        seen: list[Seen] = []
        away: dict[str, Failure] = {}
        for each in self.databases:
            said = each.answer(screen, until - time.monotonic())
            if isinstance(said, Failure):
                away[each.looker.database] = said
            else:
                seen.append(said)
        if not seen:
            raise next(iter(away.values()))
        self._looked = True
        rows: list[Row] = [
            {"database": each.overview.database, **row} for each in seen for row in each.rows
        ]
        overview = summed_up([each.overview for each in seen], list(away))
        return SeenOfAll(seen[0].at, screen, overview, rows, away)

    def forget(self) -> None:
        """Ask for everything anew the next time: something was changed."""
        for each in self.databases:
            each.looker.forget()

    def client_of(self, row: Row) -> Client:
        """Return the client of a row's database."""
        return next(
            each.looker.client for each in self.databases if each.looker.database == row["database"]
        )


def summed_up(seen: Sequence[Overview], away: Sequence[str]) -> Overview:
    """Return the numbers of several databases as those of one."""

    def whole(number: Callable[[Overview], int | float]) -> int | float:
        return sum(map(number, seen))

    problems = [f"{clean(name)} does not answer" for name in away]
    problems += [f"{each.database}: {', '.join(each.problems)}" for each in seen if each.problems]
    latest = max(seen, key=lambda each: each.lag or timedelta(0))
    enqueued = [each.enqueued_a_second for each in seen if each.enqueued_a_second is not None]
    folded = [each.statistics_lag for each in seen if each.statistics_lag is not None]
    return Overview(
        database=f"{len(seen)} of {len(seen) + len(away)} databases",
        version=", ".join(sorted({each.version for each in seen})),
        health="fail" if away else max((each.health for each in seen), key=WORST.index),
        problems=problems,
        ready=int(whole(lambda each: each.ready)),
        estimated=any(each.estimated for each in seen),
        scheduled=int(whole(lambda each: each.scheduled)),
        blocked=int(whole(lambda each: each.blocked)),
        running=int(whole(lambda each: each.running)),
        slots=int(whole(lambda each: each.slots)),
        workers=int(whole(lambda each: each.workers)),
        ended_a_second=whole(lambda each: each.ended_a_second),
        failed_a_minute=int(whole(lambda each: each.failed_a_minute)),
        enqueued_a_second=sum(enqueued) if enqueued else None,
        lag=latest.lag,
        lag_queue=f"{latest.database}: {latest.lag_queue}" if latest.lag_queue else None,
        statistics_lag=max(folded, default=None),
    )
