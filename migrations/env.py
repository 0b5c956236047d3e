"""Alembic's environment: every run comes through here, of alembic's command line and ours.

On the command line the DSN is PGQ_DSN or libpq's variables; the names are `-x schema=NAME` and
`-x role_prefix=PREFIX`, or PGQ_SCHEMA and PGQ_ROLE_PREFIX.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from alembic import context
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from pgq.schema import migrate
from pgq.schema.names import SQL, Names, read_script


def names_of_command_line() -> Names:
    given = context.get_x_argument(as_dictionary=True)
    try:
        return Names(
            given.get("schema") or os.environ.get("PGQ_SCHEMA") or "pgq",
            given.get("role_prefix") or os.environ.get("PGQ_ROLE_PREFIX"),
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def configure(names: Names, **target: Any) -> None:
    context.configure(
        version_table=migrate.VERSION_TABLE,
        version_table_schema=names.schema,
        names=names,
        **target,
    )


def print_script(names: Names) -> None:
    configure(names, dialect_name="postgresql")
    with context.begin_transaction():
        output = context.get_context().impl.static_output
        output(migrate.BEGIN_SCRIPT)
        output(migrate.check_script(names))
        if context.get_starting_revision_argument() is None:
            output(names.apply(read_script(SQL / "schema.sql")))
        else:
            output(migrate.lock_script(names))
        context.run_migrations()


def migrate_database(names: Names) -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        connection = migrate.connect(os.environ.get("PGQ_DSN", ""), context.config.print_stdout)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: migrate.begin(connection), poolclass=NullPool
    )
    with engine.connect() as bind:
        configure(names, connection=bind)
        with context.begin_transaction():
            migrate.begin(connection)
            # `alembic current` and its like only look: they must not make a schema.
            only_looks = context.get_context().opts.get("dont_mutate")
            if not only_looks:
                migrate.prepare(connection, names)
            context.run_migrations()
            if not only_looks:
                migrate.renew_grants(connection, names)


def main() -> None:
    names = context.config.attributes.get("names") or names_of_command_line()
    try:
        if context.is_offline_mode():
            print_script(names)
        else:
            migrate_database(names)
    except (migrate.MigrationError, psycopg.Error, DBAPIError) as error:
        if context.config.cmd_opts is None:
            raise
        told = migrate.explained(error)
        raise CommandError(f"{told}\n  {told.hint}" if told.hint else str(told)) from error


main()
