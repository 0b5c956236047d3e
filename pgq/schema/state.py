"""What the catalog says about a schema before a migration: whose it is, and who needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

# If it is alone in its schema, that is ours too: an install that was only stamped.
_VERSION_TABLE: Final = frozenset({"schema_version", "schema_version_pkc"})

_STATE: Final = """
select
  exists (
    select from pg_catalog.pg_depend
    where deptype = 'e'
      and (
        (classid = 'pg_catalog.pg_namespace'::regclass and objid = n.oid)
        -- An extension whose control file names the schema does not own it.
        or (
          classid = 'pg_catalog.pg_class'::regclass
          and objid in (
            select oid from pg_catalog.pg_class
            where relnamespace = n.oid and relname in ('jobs', 'schema_version')
          )
        )
      )
  ) as in_extension,
  (
    select pg_catalog.format('extension %%s %%s', e.extname, e.extversion)
    from pg_catalog.pg_extension as e
    join pg_catalog.pg_depend as d
      on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid
    join pg_catalog.pg_class as c on c.oid = d.objid
    where d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'
      and c.relnamespace = n.oid and c.relname = 'jobs' and e.extname = 'pgq_sql'
  ) as extension,
  array(
    select relname::text from pg_catalog.pg_class
    where relnamespace = n.oid and relname in ('tick', 'event_template')
  ) as skytools,
  exists (
    select
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid
    where c.relnamespace = n.oid and c.relname = 'schema_version' and a.attname = 'version_num'
      and c.relkind = 'r'
  ) as versioned,
  exists (
    select from pg_catalog.pg_class where relnamespace = n.oid and relname = 'jobs'
  ) as has_jobs,
  array(
    select relname::text from pg_catalog.pg_class
    where relnamespace = n.oid
    union all
    select proname::text from pg_catalog.pg_proc where pronamespace = n.oid
    union all
    select typname::text from pg_catalog.pg_type
    where typnamespace = n.oid and typrelid = 0 and typelem = 0
    limit 5
  ) as objects
from pg_catalog.pg_namespace as n
where n.nspname = %s
"""

# The schema's objects are inside, with what belongs to them: indexes, defaults, rules, triggers.
_OUTSIDE_DEPENDENTS: Final = """
with recursive inside (classid, objid) as (
  select 'pg_catalog.pg_namespace'::regclass::oid, oid
  from pg_catalog.pg_namespace
  where nspname = %s
  union
  select d.classid, d.objid
  from inside
  join pg_catalog.pg_depend as d
    on d.refclassid = inside.classid and d.refobjid = inside.objid
  where d.deptype in ('i', 'a', 'P', 'S')
    or (
      d.refclassid = 'pg_catalog.pg_namespace'::regclass
      and d.classid <> 'pg_catalog.pg_extension'::regclass
    )
)
select distinct pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as dependent
from inside
join pg_catalog.pg_depend as d
  on d.refclassid = inside.classid and d.refobjid = inside.objid
where (d.classid, d.objid) not in (select classid, objid from inside)
order by dependent
"""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """`foreign` says why the schema is somebody else's; an empty schema is nobody's.

    `extension` is the name and version of our own, if that owns the schema's objects.
    """

    exists: bool
    ours: bool
    foreign: str | None
    extension: str | None = None


def schema_state(connection: psycopg.Connection[Any], schema: str) -> SchemaState:
    """Look a schema up in the catalog; this takes no lock and needs no right on the schema."""
    row = connection.execute(_STATE, (schema,)).fetchone()
    if row is None:
        return SchemaState(exists=False, ours=False, foreign=None)
    in_extension, extension, skytools, versioned, has_jobs, objects = row
    others = set(objects) - _VERSION_TABLE if versioned else set(objects)
    foreign = None
    if in_extension and not extension:
        foreign = "it belongs to an extension"
    elif skytools:
        foreign = f"it holds Skytools' PgQ (table {skytools[0]})"
    elif others and not (versioned and has_jobs):
        foreign = f"it holds other objects ({', '.join(sorted(others))})"
    ours = versioned and foreign is None
    return SchemaState(exists=True, ours=ours, foreign=foreign, extension=extension)


def outside_dependents(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """Describe each object outside a schema that dropping the schema would drop or change.

    Names have a schema only if the connection's search_path does not find them.
    """
    return [str(row[0]) for row in connection.execute(_OUTSIDE_DEPENDENTS, (schema,))]
