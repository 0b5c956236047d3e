"""Django's `flush`, which empties the queues of the database too.

Django empties the tables of models, and the queue's tables are none. TransactionTestCase calls
this command after each test; without it one test's jobs would be the next one's.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections

from pgq.contrib.django.installations import schemas
from pgq.schema.advance import revision_of
from pgq.testing.emptying import empty_script


class Command(flush.Command):
    """Adds a statement for each schema to those of Django's, in the same transaction."""

    def handle(self, **options: Any) -> None:
        """Run Django's command, with another list of statements."""
        theirs = flush.sql_flush

        def sql_flush(style: Any, connection: Any, *args: Any, **kwargs: Any) -> list[str]:
            return [*theirs(style, connection, *args, **kwargs), *statements(connection.alias)]

        # It asks its question first, and there is no other place between that and the deed.
        flush.sql_flush = sql_flush
        try:
            super().handle(**options)
        finally:
            flush.sql_flush = theirs


def statements(database: str) -> list[str]:
    """Return what empties the queues of a database."""
    connection = connections[database]
    if connection.vendor != "postgresql":
        return []
    connection.ensure_connection()
    return [
        empty_script(each.schema)
        for each in schemas(database)
        if revision_of(connection.connection, each.schema) is not None
    ]
