"""Databases that last as long as a block, on a server where they may be made."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Final

from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgq.lib.connect import connect
from pgq.schema.migrate import install_script

# Any number is right. Roles belong to the whole server, which other runs may share.
_ROLES_LOCK: Final = 7405


@contextmanager
def database(
    server: str, template: str = "template1", prefix: str = "pgq_test"
) -> Generator[tuple[str, str], None, None]:
    """Make a database, yield its name and DSN, then drop it and end all sessions in it."""
    name = f"{prefix}_{secrets.token_hex(6)}"
    _run(server, "create database {} template {}", name, template)
    try:
        yield name, make_conninfo(server, dbname=name)
    finally:
        _run(server, "drop database if exists {} with (force)", name)


def install(server: str, dsn: str) -> None:
    """Install the schema in a database of this server."""
    with closing(connect(server)) as admin, admin.transaction():
        admin.execute("select pg_catalog.pg_advisory_xact_lock(%s::bigint)", (_ROLES_LOCK,))
        with closing(connect(dsn, autocommit=True)) as connection:
            connection.execute(install_script().encode())


def _run(server: str, statement: str, *names: str) -> None:
    with closing(connect(server, autocommit=True)) as admin:
        admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
