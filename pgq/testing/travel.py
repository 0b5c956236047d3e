"""Moving the clock of a test's database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from pgq.errors import InvalidArgument
from pgq.schema.names import quote_identifier


class Travel:
    """Shifts one database's clock for all its sessions: each call adds to the calls before.

    It replaces the function `_now` of the schema, on this connection and in its transaction. So
    only the schema's owner can do it. Use it only in databases for tests: there is no way back.
    """

    def __init__(self, connection: psycopg.Connection[Any], schema: str = "pgq") -> None:
        self._connection = connection
        self._clock = f"{quote_identifier(schema)}._now()"

    def __call__(self, shift: str | timedelta) -> None:
        """Move the clock by an interval in Postgres' words ("1 hour", "-2 days") or a timedelta.

        Raises InvalidArgument if the schema is not there.
        """
        definition, source = self._read()
        # The catalog prints the function's attributes before its body, whatever they are.
        attributes = definition.partition("\nAS $")[0]
        added = sql.SQL("{}::interval").format(sql.Literal(shift)).as_string(self._connection)
        # In UTC a day has 24 hours; in the zone of the session it may have 23.
        here = f"({source.strip().rstrip(';')}) at time zone 'UTC'"
        body = f"select ({here} + {added}) at time zone 'UTC'"
        self._connection.execute(f"{attributes}\nas $travel$ {body} $travel$".encode())

    def _read(self) -> tuple[str, str]:
        """Return the definition of the clock as it is now, and its body."""
        row = self._connection.execute(
            "select pg_get_functiondef(oid), prosrc from pg_proc where oid = to_regprocedure(%s)",
            (self._clock,),
        ).fetchone()
        if row is None:
            raise InvalidArgument(f"there is no {self._clock} in this database")
        definition, source = row
        return definition, source
