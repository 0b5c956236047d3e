"""Databases of a Postgres that lasts as long as this process."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Final

import psycopg

_turn: Final = threading.Lock()
_known: Final[dict[int, tuple[str, str, ExitStack]]] = {}
_PREFIX: Final = "pgq_memory"


def new_database() -> str:
    """Return the DSN of a new database with pgq in it; it is dropped when the process ends."""
    # Here, because it imports alembic, which no worker needs.
    from pgq.testing.databases import database, install

    with _turn:
        # A child of fork has its own: the one above it ends that one's.
        if os.getpid() not in _known:
            stack = ExitStack()
            server = os.environ.get("PGQ_TEST_DSN") or stack.enter_context(_server())
            atexit.register(partial(_end, os.getpid(), stack))
            template, dsn = stack.enter_context(database(server, prefix=_PREFIX))
            install(server, dsn)
            _known[os.getpid()] = (server, template, stack)
        server, template, stack = _known[os.getpid()]
        return stack.enter_context(database(server, template, _PREFIX))[1]


@contextmanager
def _server() -> Generator[str, None, None]:
    from pgq import embedded

    with embedded.start(None) as server:
        yield server.dsn


def _end(process: int, stack: ExitStack) -> None:
    if os.getpid() == process:
        with suppress(psycopg.OperationalError):  # the server has gone before
            stack.close()
