"""Which database a command works with, and its connection to it."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pgq.cli.failures import NoDatabase, WrongCall, database_of, rights_hint
from pgq.cli.options import read_chosen
from pgq.cli.output import clean

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.errors import Diagnostic

    from pgq.client.clients import Client

# Any of these says that libpq knows a database without being told.
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGUSER")

_CONNECT_SECONDS = "10"


def find_dsn(dsn: str | None) -> str:
    """Return the DSN to connect with, empty where libpq's variables name the database.

    WrongCall where nothing names one, where the configuration names a variable that is not set, or
    where the DSN cannot be read.
    """
    if dsn:
        database_of(dsn)
        return dsn
    context = click.get_current_context(silent=True)
    if context is not None and (unset := read_chosen(context)[1].get("dsn")):
        raise WrongCall(unset, "set it, or PGQ_DSN, or give --dsn")
    if any(os.environ.get(name) for name in LIBPQ_VARIABLES):
        return ""
    raise WrongCall(
        "no database is named",
        "set PGQ_DSN, give --dsn or write pgq.toml, as in "
        "PGQ_DSN=postgresql://me@localhost/app; or let "
        "`pgq dev` start a Postgres of your own, which prints its PGQ_DSN",
    )


@contextmanager
def open_client(dsn: str | None, schema: str) -> Generator[Client, None, None]:
    """Connect and yield a client on this one connection, in autocommit mode.

    WrongCall as in `find_dsn`; psycopg.OperationalError where the database is not reached in 10 s;
    NoDatabase names the grant that is missing.
    """
    from psycopg.errors import InsufficientPrivilege

    from pgq.client.clients import Client
    from pgq.lib.connect import connect

    defaults = {"fallback_application_name": "pgq"}
    if "PGCONNECT_TIMEOUT" not in os.environ:
        defaults["connect_timeout"] = _CONNECT_SECONDS
    with connect(find_dsn(dsn), defaults, autocommit=True) as connection:
        connection.add_notice_handler(_tell)
        try:
            yield Client(connection, schema=schema, actor=_person())
        except InsufficientPrivilege as error:
            row = connection.execute("select current_user::text").fetchone()
            hint = error.diag.message_hint or _other_owner_hint(connection, schema)
            hint = hint or rights_hint(row and row[0])
            raise NoDatabase(error.diag.message_primary or str(error), hint) from error


def client_by_itself(dsn: str, schema: str, name: str) -> Client:
    """Return a client that opens its connection when it needs one, and again after it broke.

    `name` is what the server calls the session.
    """
    from pgq.client.clients import Client
    from pgq.lib.connect import conninfo

    defaults = {"fallback_application_name": name}
    if "PGCONNECT_TIMEOUT" not in os.environ:
        defaults["connect_timeout"] = _CONNECT_SECONDS
    return Client(conninfo(dsn, **defaults), schema=schema, actor=_person())


def _person() -> str | None:
    """Return who runs this command, as the operating system says."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else None


def _other_owner_hint(connection: Connection[Any], schema: str) -> str | None:
    """Say which object of the schema belongs to another role than the rest, if one does."""
    from psycopg import DatabaseError

    from pgq.schema.names import Names, function_script

    body = function_script("_foreign_owned_objects").split("$$")[1]
    try:
        row = connection.execute(Names(schema).apply(body).encode()).fetchone()
    except (DatabaseError, ValueError):
        return None
    return row and f"{row[0]} belongs to {row[1]}: as a superuser: pgq migrate --repair"


def _tell(notice: Diagnostic) -> None:
    """Say what the schema has to say besides its answer, with its hint, like an error's."""
    for word, text in (("Note", notice.message_primary), ("Hint", notice.message_hint)):
        if text:
            click.echo(f"{word}: {clean(text)}", err=True)
