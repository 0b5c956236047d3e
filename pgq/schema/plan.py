"""What `upgrade` and `uninstall` would do: they are asked, and nothing is changed or locked."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import psycopg

from pgq.errors import MigrationError, SchemaNotOurs
from pgq.schema.migrate import (
    connect,
    current,
    head,
    refuse_drop,
    refuse_extension,
    revisions,
)
from pgq.schema.names import Names
from pgq.schema.state import SchemaState, outside_dependents, schema_state

_SIZES: Final = """
select count(*)::integer, coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint
from pg_catalog.pg_class as c
where c.relnamespace = %s::regnamespace and c.relkind = 'r'
"""
_ROLES: Final = (
    "select rolname::text from pg_catalog.pg_roles where rolname = any(%s::text[]) order by 1"
)


class UpgradePlan(NamedTuple):
    """From which revision to which, and the ones between them; `before` None: not installed."""

    before: str | None
    revision: str
    pending: list[str]


class UninstallPlan(NamedTuple):
    """What would be dropped, and what is in the way: objects outside that depend on the schema."""

    tables: int
    bytes: int
    roles: list[str]
    in_the_way: list[str]


def plan_upgrade(dsn: str = "", *, schema: str = "pgq") -> UpgradePlan:
    """Return what `upgrade` would do. Raises as it does for a schema that is not ours."""
    with connect(dsn) as connection:
        state = _refuse_foreign(connection, schema)
    before = current(dsn, schema)
    if before is not None and before not in revisions():
        raise MigrationError(
            f"the schema is at revision {before}, which this release does not know",
            "Install a newer release of pgq-sql.",
        )
    pending = [each for each in revisions() if before is None or each > before]
    if before is not None and pending:
        refuse_extension(state, Names(schema), before)
    return UpgradePlan(before, head(), pending)


def plan_uninstall(
    dsn: str = "", *, schema: str = "pgq", role_prefix: str | None = None
) -> UninstallPlan:
    """Return what `uninstall` would drop. Raises as it does where there is no such schema."""
    names = Names(schema, role_prefix)
    with connect(dsn) as connection:
        state = _refuse_foreign(connection, schema)
        if not state.ours:
            raise MigrationError(f"there is no schema {schema}")
        refuse_drop(state, names)
        quoted = psycopg.sql.Identifier(schema).as_string(connection)
        tables, size = _row(connection, _SIZES, [quoted])
        roles = connection.execute(_ROLES, [list(names.roles)]).fetchall()
        blocking = outside_dependents(connection, schema)
    return UninstallPlan(tables, size, [name for (name,) in roles], list(blocking))


def _refuse_foreign(connection: psycopg.Connection[Any], schema: str) -> SchemaState:
    state = schema_state(connection, schema)
    if state.foreign:
        raise SchemaNotOurs(
            f"the schema {schema} is not ours: {state.foreign}",
            "Choose another schema with --schema NAME.",
        )
    return state


def _row(connection: psycopg.Connection[Any], query: Any, given: list[Any]) -> Any:
    return connection.execute(query, given).fetchone()
