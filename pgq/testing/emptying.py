"""Empty a queue between tests: no jobs, workers, schedules or counts; the schema stays.

Some tests can roll nothing back, because they look with several sessions: they empty the tables,
and the next test begins with a fresh queue. It needs the rights of the schema's owner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pgq.schema.names import Names
from pgq.schema.start import run_script

if TYPE_CHECKING:
    import psycopg

KEPT: Final = ("installed_objects", "maintenance", "schema_version", "settings", "stat_folds")
"""Tables that an install fills."""

# A table without rows is left alone: to truncate all of them takes three to twenty times as long.
_EMPTY: Final = """\
do $empty$
declare
  v_table text;
  v_full boolean;
  v_tables text[];
begin
  for v_table in
    select format('%I.%I', nspname, relname)
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname = {schema} and relkind in ('r', 'p') and not relispartition
      and relname not in ({kept})
    order by relname
  loop
    execute format('select exists (select from %s)', v_table) into v_full;
    if v_full then
      v_tables := v_tables || v_table;
    end if;
  end loop;
  if v_tables is not null then
    execute 'truncate ' || array_to_string(v_tables, ', ');
  end if;
end
$empty$"""


def empty_script(schema: str = "pgq") -> str:
    """Return the statement that empties a queue, for a connection that has no binding of ours.

    Raises ValueError for an unusable name. A schema that is not installed has nothing to empty.
    """
    kept = ", ".join(f"'{name}'" for name in KEPT)
    return _EMPTY.format(schema=f"'{Names(schema).schema}'", kept=kept)


def empty(connection: psycopg.Connection[Any], schema: str = "pgq") -> None:
    """Empty a queue in the connection's transaction. Nobody may work on it meanwhile."""
    run_script(connection, empty_script(schema))
