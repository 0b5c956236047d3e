"""The operation of Django's migrations that runs a revision of the schema."""

from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import CommandError
from django.db import router
from django.db.migrations.operations.base import Operation

from pgq.contrib.django.installations import LABEL, Installation, schemas
from pgq.errors import MigrationError
from pgq.logs import log_event
from pgq.schema.advance import advance, step_script


class RunRevision(Operation):
    """Brings the schemas of a database to a revision, and never further.

    It is no RunSQL, which takes a text apart at its semicolons. Where the revision is there
    already, it does nothing. There is no way back: to drop the schema and its jobs is
    for a person, who calls `manage.py pgq uninstall`.
    """

    reduces_to_sql = True
    reversible = False

    def __init__(self, revision: str) -> None:
        self.revision = revision

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Say how it was made, for those who write migrations."""
        return (type(self).__name__, [self.revision], {})

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model: the schema has none."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Run it in each schema of the database; `sqlmigrate` gets the text."""
        connection = schema_editor.connection
        for each in schemas_here(connection):
            if schema_editor.collect_sql:
                schema_editor.collected_sql.append(step_script(each.names, self.revision))
            else:
                bring(connection, each, self.revision)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Never called: it is not reversible."""
        raise NotImplementedError

    def describe(self) -> str:
        """Say what it does, in the list of `migrate --plan`."""
        return f"Bring the schema of pgq to revision {self.revision}"

    @property
    def migration_name_fragment(self) -> str:
        """What a file with it alone would be called."""
        return f"revision_{self.revision}"


def schemas_here(connection: Any) -> list[Installation]:
    """Return the schemas of a database that the project's routers allow to make there."""
    if connection.vendor == "postgresql" and router.allow_migrate(connection.alias, LABEL):
        return schemas(connection.alias)
    return []


def bring(connection: Any, each: Installation, revision: str) -> None:
    """Bring one schema to a revision, over a connection of Django's; CommandError if it fails."""
    connection.ensure_connection()
    try:
        notices = advance(connection.connection, each.names, revision)
    except MigrationError as error:
        hint = f"\nHint: {error.hint}" if error.hint else ""
        raise CommandError(f"pgq, schema {each.schema}: {error.message}{hint}") from error
    for notice in notices:
        log_event(logging.WARNING, "migration.notice", schema=each.schema, notice=notice)
