"""Several databases as the pages ask them: all at the same time, and none waits for another.

Each sample then has the label `database`, and `pgq_database_up` says which of them answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg

from pgq.contrib.metrics.questions import stats_of
from pgq.contrib.metrics.source import DatabaseBusy, Source
from pgq.errors import InvalidArgument, PgqError
from pgq.lib.report import first_line
from pgq.logs import log_event
from pgq.reports import MetricSeries

if TYPE_CHECKING:
    from pgq.client.clients import Client

T = TypeVar("T")

NO_ANSWER: Final = "the database does not answer; the log says why"
_UP: Final = "pgq_database_up"
_UP_HELP: Final = "Whether the database answered, of several that are asked."
_AT_A_TIME: Final = 16
_WORST: Final = ("ok", "warn", "fail")


class Sources:
    """Databases by their names, each asked like a `Source`."""

    def __init__(self, databases: Mapping[str, tuple[str, str]]) -> None:
        """Take each database's DSN and schema, by the name that the label has."""
        if not databases:
            raise InvalidArgument("no database is named", "Pass {'name': (dsn, schema)}.")
        self._sources = {name: Source(*where) for name, where in databases.items()}

    def ask_each(self, question: Callable[[Client], T]) -> dict[str, T | None]:
        """Return what each answers, None of one that does not, which the log names."""

        def ask(name: str) -> T | None:
            try:
                return self._sources[name].ask(question)
            except (psycopg.Error, PgqError, DatabaseBusy) as error:
                log_event(
                    logging.WARNING, "metrics.failed", database=name,
                    error=first_line(error) or type(error).__name__,
                )  # fmt: skip
                return None

        with ThreadPoolExecutor(min(_AT_A_TIME, len(self._sources))) as threads:
            return dict(zip(self._sources, threads.map(ask, self._sources), strict=True))


def series_of_all(found: Mapping[str, list[MetricSeries] | None]) -> list[MetricSeries]:
    """Return the series of several databases, each with the label `database`."""
    up = [
        MetricSeries(_UP, "gauge", _UP_HELP, {"database": name}, rows is not None, None, None)
        for name, rows in found.items()
    ]
    return up + [
        row._replace(labels={"database": name, **row.labels})
        for name, rows in found.items()
        for row in rows or ()
    ]


def stats_of_all(sources: Sources) -> dict[str, Any]:
    """Return what /stats.json shows of several databases."""
    found = [
        {"database": name, **(said or {"status": "fail", "no_answer": NO_ANSWER})}
        for name, said in sources.ask_each(stats_of).items()
    ]
    status = max((each["status"] for each in found), key=_WORST.index)
    return {"at": datetime.now(UTC), "status": status, "databases": found}
