"""Bring a schema to a revision in somebody else's transaction, without alembic.

For a host whose own migrations decide when: the text of each revision is what alembic runs, and
`schema_version` says which have run, so both ways may take turns.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from pgq.errors import MigrationError
from pgq.schema import migrate
from pgq.schema.names import MIGRATIONS, SQL, Names, quote_identifier, read_script
from pgq.schema.start import (
    BEGIN_SCRIPT,
    KEEP_SETTINGS,
    RESTORE_SETTINGS,
    check_script,
    run_script,
)

# The catalog is asked first: an error would end the caller's transaction.
_HAS_VERSION: Final = """
select exists (
  select
  from pg_catalog.pg_class as c
  join pg_catalog.pg_attribute as a on a.attrelid = c.oid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = %s and c.relname = 'schema_version' and a.attname = 'version_num'
    and c.relkind = 'r'
)
"""

_IN_EXTENSION: Final = """
select exists (
  select
  from pg_catalog.pg_depend as d
  join pg_catalog.pg_class as c on c.oid = d.objid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where d.deptype = 'e' and d.classid = 'pg_catalog.pg_class'::regclass
    and n.nspname = %s and c.relname = 'schema_version'
)
"""


def advance(connection: psycopg.Connection[Any], names: Names, to: str) -> list[str]:
    """Run what a schema lacks of the revisions up to one; return what the server noted.

    Where the schema is that far, nothing is run and no right is needed but to look: alembic,
    psql or an extension may have installed it. The caller's transaction goes on afterwards with
    the settings that it had. Raises SchemaNotOurs, and MigrationError.
    """
    known_revision(to)
    notices: list[str] = []
    try:
        if (found := revision_of(connection, names.schema)) is not None and found >= to:
            return notices
        if found is not None and _is_in_extension(connection, names.schema):
            raise MigrationError(
                f"the schema {names.schema} belongs to an extension, at revision {found}",
                f"Update the extension to one of revision {to} (alter extension ... update), and "
                "run this again.",
            )
        with migrate.noticing(connection, notices.append):
            run_script(connection, KEEP_SETTINGS + BEGIN_SCRIPT)
            migrate.prepare(connection, names)
            _run_missing(connection, names, to)
            migrate.renew_grants(connection, names)
            run_script(connection, RESTORE_SETTINGS)
    except psycopg.Error as error:
        raise migrate.explained(error) from error
    return list(dict.fromkeys(notices))


def revision_of(connection: psycopg.Connection[Any], schema: str) -> str | None:
    """Return the revision that a schema is at, None where it is not installed.

    MigrationError where this user may not read it.
    """
    try:
        row = connection.execute(_HAS_VERSION, (schema,)).fetchone()
        if not (row and row[0]):
            return None
        row = run_script(connection, migrate.schema_revision_sql(schema)).fetchone()
    except psycopg.Error as error:
        raise migrate.explained(error) from error
    return None if row is None else str(row[0])


def step_script(names: Names, to: str) -> str:
    """Return the SQL of one revision, for a schema that is at the one before, to read or to run."""
    known_revision(to)
    first = to == migrate.revisions()[0]
    note = _noting(names, to, is_first=first)
    before = names.apply(read_script(SQL / "schema.sql")) if first else migrate.lock_script(names)
    return "\n".join(
        (KEEP_SETTINGS, BEGIN_SCRIPT, check_script(names), before, _text(names, to), note,
         RESTORE_SETTINGS)
    )  # fmt: skip


def known_revision(revision: str) -> None:
    """Raise MigrationError where this release does not know a revision."""
    if revision not in migrate.revisions():
        raise MigrationError(
            f"this release knows no revision {revision}, only {', '.join(migrate.revisions())}"
        )


def _run_missing(connection: psycopg.Connection[Any], names: Names, to: str) -> None:
    at = revision_of(connection, names.schema)
    for revision in migrate.revisions():
        if (at is not None and revision <= at) or revision > to:
            continue
        run_script(connection, _text(names, revision))
        run_script(connection, _noting(names, revision, is_first=at is None))
        at = revision


def _noting(names: Names, revision: str, *, is_first: bool) -> str:
    table = f"{quote_identifier(names.schema)}.{migrate.VERSION_TABLE}"
    if is_first:
        return f"insert into {table} (version_num) values ('{revision}');"
    return f"update {table} set version_num = '{revision}';"


def _text(names: Names, revision: str) -> str:
    (file,) = (MIGRATIONS / "versions").glob(f"{revision}_*.sql")
    return names.apply(read_script(file))


def _is_in_extension(connection: psycopg.Connection[Any], schema: str) -> bool:
    row = connection.execute(_IN_EXTENSION, (schema,)).fetchone()
    return bool(row and row[0])
