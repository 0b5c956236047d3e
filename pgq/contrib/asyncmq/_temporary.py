"""Databases of a Postgres that lasts as long as this process."""

from __future__ import annotations

import atexit
import os
import secrets
import threading
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgq.lib.connect import connect

_turn: Final = threading.Lock()
_known: Final[dict[int, tuple[str, str, ExitStack]]] = {}
# As for the plugin of pytest. Roles belong to the whole server, which other runs may share.
_ROLES_LOCK: Final = 7405


def new_database() -> str:
    """Return the DSN of a new database with pgq in it; it is dropped when the process ends."""
    with _turn:
        # A child of fork has its own: the one above it ends that one's.
        if os.getpid() not in _known:
            stack = ExitStack()
            server = os.environ.get("PGQ_TEST_DSN") or stack.enter_context(_server())
            atexit.register(partial(_end, os.getpid(), stack))
            _known[os.getpid()] = (server, _installed(server, stack), stack)
        server, template, stack = _known[os.getpid()]
        return make_conninfo(server, dbname=stack.enter_context(_database(server, template)))


@contextmanager
def _server() -> Generator[str, None, None]:
    from pgq import embedded

    with embedded.start(None) as server:
        yield server.dsn


def _end(process: int, stack: ExitStack) -> None:
    if os.getpid() == process:
        with suppress(psycopg.OperationalError):  # the server has gone before
            stack.close()


def _installed(server: str, stack: ExitStack) -> str:
    """Return the name of a database that others are copies of."""
    from pgq.schema.migrate import install_script

    name = stack.enter_context(_database(server, "template1"))
    with closing(connect(server)) as admin, admin.transaction():
        admin.execute("select pg_catalog.pg_advisory_xact_lock(%s::bigint)", (_ROLES_LOCK,))
        dsn = make_conninfo(server, dbname=name)
        with closing(connect(dsn, autocommit=True)) as connection:
            connection.execute(install_script().encode())
    return name


@contextmanager
def _database(server: str, template: str) -> Generator[str, None, None]:
    name = f"pgq_memory_{secrets.token_hex(6)}"
    with closing(connect(server, autocommit=True)) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(*map(sql.Identifier, (name, template)))
        )
    try:
        yield name
    finally:
        with closing(connect(server, autocommit=True)) as admin:
            admin.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )
