"""The smallest queue in a table: bare statements, with nothing around them.

`create` makes the table. The statements take psycopg's %s. Their table has what a job needs: a
queue, a priority, the arguments, and whether it is taken.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = "pgq_bench_floor"
CHANNEL: Final = "pgq_bench_floor"
_TABLE: Final = f"{SCHEMA}.bare"


def create() -> str:
    """Return the script that makes the table."""
    return f"""
      create schema {SCHEMA};
      create table {_TABLE} (
        id bigint generated always as identity primary key,
        queue text not null,
        priority integer not null,
        taken boolean not null default false,
        args jsonb not null
      );
      create index on {_TABLE} (queue, priority, id) where not taken
    """


EMPTY: Final = f"truncate {_TABLE}"

COUNT: Final = f"select count(*), count(distinct args) from {_TABLE}"

INSERT: Final = f"""
insert into {_TABLE} (queue, priority, args) values (%s, %s, %s) returning id"""

INSERT_MANY: Final = f"""
insert into {_TABLE} (queue, priority, args)
select 'default', 0, job::jsonb from unnest(%s::text[]) as job
returning id"""

INSERT_AND_NOTIFY: Final = f"""
with added as (
  insert into {_TABLE} (queue, priority, args) values ('default', 0, %s) returning id
)
select pg_notify('{CHANNEL}', '') from added"""

FILL: Final = f"""
insert into {_TABLE} (queue, priority, args)
select 'default', 0, jsonb_build_object('n', n, 'email', 'user@example.com')
from generate_series(0, %s - 1) as n"""

# The parameter must not be planned as "a tenth of the rows": force_generic_plan stays off, and
# the array keeps the walk through the index.
_NEXT: Final = f"""
id = any(array(
  select id from {_TABLE} where queue = 'default' and not taken
  order by priority, id limit %s for update skip locked
))"""

DELETE_BATCH: Final = f"delete from {_TABLE} where {_NEXT} returning id, args"

CLAIM_BATCH: Final = f"update {_TABLE} set taken = true where {_NEXT} returning id, args"

DELETE_IDS: Final = f"delete from {_TABLE} where id = any(%s::bigint[])"

VACUUM: Final = f"vacuum (analyze) {_TABLE}"

# For pgbench, whose variables are other ones: PGBENCH_JOB is different in each transaction that
# begins with PGBENCH_NEXT, as `payload` of the module `producer` has it.
PGBENCH_NEXT: Final = "\\set n :n + 1\n\\set job :client_id * 1000000000 + :n\n"
PGBENCH_JOB: Final = "jsonb_build_object('n', :job::bigint, 'email', 'user@example.com')"
PGBENCH_INSERT_JOB: Final = f"""\
{PGBENCH_NEXT}insert into {_TABLE} (queue, priority, args) values ('default', 0, {PGBENCH_JOB});
"""
PGBENCH_INSERT: Final = f"""\
insert into {_TABLE} (queue, priority, args) values ('default', 0, '{{}}');
"""
PGBENCH_NOTIFY: Final = f"""\
with added as (
  insert into {_TABLE} (queue, priority, args) values ('default', 0, '{{}}') returning id
)
select pg_notify('{CHANNEL}', '') from added;
"""
