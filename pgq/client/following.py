# Written by generate.py from following_async.py: change that one.
"""Following how jobs and runs end: woken by a notification if there is one, and asking anyway."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from pgq.calls.call import Call
from pgq.calls.events import follow_outcomes, outcomes_since
from pgq.client.connections import open_own
from pgq.reports import JobEvent
from pgq.schema.names import Names

Run = Callable[[Call[Any]], Any]

# How much less often to ask while notifications come.
_CALM: Final = 5


def followed(
    run: Run, dsn: str | None, schema: str, cursor: int | None, every: float
) -> Generator[JobEvent, None, None]:
    """Yield outcomes; `run` sends calls, `dsn` is where a connection may be opened to listen.

    Asks less often once it has heard a notification, until something has come without one: then
    they do not reach it, or are turned off.
    """
    place: int = run(follow_outcomes()) if cursor is None else cursor
    with _ear(dsn, schema) as listening:
        is_told = False
        was_woken = True
        while True:
            found: list[JobEvent] = run(outcomes_since(place))
            yield from found

            if found:
                place = found[-1].next_cursor
                is_told = is_told and was_woken
                continue
            pause = every * _CALM if is_told else every
            was_woken = _woken(listening, pause)
            is_told = is_told or was_woken


@contextmanager
def _ear(dsn: str | None, schema: str) -> Generator[psycopg.Connection[Any] | None, None, None]:
    """Lend a connection that is told of outcomes; None through a pooler, or without a DSN."""
    if dsn is None:
        yield None
        return
    own = open_own(dsn)
    with own.connection as connection:
        if not own.is_direct:
            connection.close()
            yield None
            return
        channel = sql.Identifier(Names(schema).outcomes_channel)
        connection.execute(sql.SQL("listen {}").format(channel))
        yield connection


def _woken(listening: psycopg.Connection[Any] | None, pause: float) -> bool:
    """Wait so many seconds, or until a notification comes; say whether one came."""
    if listening is None:
        time.sleep(pause)
        return False
    return bool(list(listening.notifies(timeout=pause, stop_after=1)))
