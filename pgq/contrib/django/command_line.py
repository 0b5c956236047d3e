"""The command line of pgq under manage.py: the project's database, schema and options."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from pgq.config.load import provide
from pgq.contrib.django.installations import DEFAULT, LABEL, Installation, installation, schemas
from pgq.contrib.django.options import worker_table
from pgq.errors import MigrationError
from pgq.schema.advance import revision_of
from pgq.schema.migrate import head

# What Django's own command line has read before any command runs.
_OF_DJANGO = ("--settings", "--pythonpath")
_SWITCHES = ("--no-color", "--force-color", "--traceback", "--skip-checks")


def split(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the backend alias that was named before the command, and the rest without Django's."""
    left = [*arguments]
    kept: list[str] = []
    alias = DEFAULT
    while left:
        word = left.pop(0)
        name, is_joined, value = word.partition("=")
        if name in _OF_DJANGO or (name == "--backend" and not kept):
            given = value if is_joined else left.pop(0) if left else ""
            alias = given if name == "--backend" else alias
        elif word not in _SWITCHES:
            kept.append(word)
    return alias, kept


def choose(alias: str = DEFAULT) -> Installation:
    """Let commands of this process work with a backend alias, unless their options say otherwise.

    Processes that they start find it in their environment.
    """
    try:
        chosen = installation(alias)
        provide(worker_table(alias), f"TASKS[{alias!r}]")
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    if connections[chosen.database].vendor != "postgresql":
        raise CommandError(f"the database {chosen.database!r} is no Postgres")
    os.environ["PGQ_DSN"] = chosen.dsn
    os.environ["PGQ_SCHEMA"] = chosen.schema
    # Another folder's manage.py may have been named, and its folder alone is where apps are found.
    folders = [sys.path[0], *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, folders)))
    return chosen


def check_migrated(chosen: Installation) -> str:
    """Return the revision of the schema, which is the newest; CommandError where it is not."""
    try:
        with connections[chosen.database].cursor() as cursor:
            found = revision_of(cursor.connection, chosen.schema)
    except MigrationError as error:
        raise CommandError(f"{error.message}\n{error.hint or ''}".rstrip()) from error
    newest = head()
    if found is None or found < newest:
        where = "" if chosen.database == DEFAULT else f" --database {chosen.database}"
        raise CommandError(
            f"schema {chosen.schema} is {f'at revision {found}' if found else 'not installed'}, "
            f"the newest is {newest}\nHint: manage.py migrate {LABEL}{where}",
            returncode=1,
        )
    return found


def forget_migrations(chosen: Installation) -> None:
    """Let the migrations run again once the last schema of the database is gone."""
    connection = connections[chosen.database]
    connection.ensure_connection()
    if all(revision_of(connection.connection, each.schema) is None
           for each in schemas(chosen.database)):  # fmt: skip
        recorder = MigrationRecorder(connection)
        if recorder.has_table():
            recorder.migration_qs.filter(app=LABEL).delete()
