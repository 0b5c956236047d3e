# Written by generate.py from waiting_async.py: change that one.
"""Waiting for the end of jobs: told by a notification where there is one, and asking anyway."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg

from pgq.calls.call import Call
from pgq.client.awaited import Awaited, listen
from pgq.client.connections import open_own
from pgq.client.send import send

T = TypeVar("T")
Run = Callable[[Call[Any]], Any]


def waited(awaited: Awaited[T], run: Run, dsn: str | None, schema: str) -> T:
    """Wait; `run` sends calls, `dsn` is where a connection of its own may be opened."""
    awaited.note(run(awaited.look()))
    if awaited.is_over() or awaited.left() <= 0 or dsn is None:
        _ask(awaited, run, None)
        return awaited.answer()
    own = open_own(dsn)
    with own.connection as connection:
        if own.is_direct:
            connection.execute(listen(schema))
        listening = connection if own.is_direct else None
        _ask(awaited, lambda call: send(connection, call, schema), listening)
    return awaited.answer()


def _ask(awaited: Awaited[Any], run: Run, listening: psycopg.Connection[Any] | None) -> None:
    if listening is not None:
        run(awaited.registration())
        awaited.note(run(awaited.look()))
    while not awaited.is_over():
        pause_ends = time.monotonic() + awaited.pause()
        while (left := pause_ends - time.monotonic()) > 0 and not awaited.is_over():
            if listening is None:
                time.sleep(left)
                continue
            heard = list(listening.notifies(timeout=left, stop_after=1))
            if look := awaited.look_at(heard):
                awaited.note(run(look))
        awaited.note(run(awaited.look()))
