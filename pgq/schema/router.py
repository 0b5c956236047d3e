"""A router in SQL: a database with PL/Proxy in which any language calls the shards of a fleet.

The script is made of migrations/router/, of functions of sql/ that both need, and of what a shard
says of its functions and views: their arguments, columns and who may call them. Nothing here
changes a database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgq.schema.names import MIGRATIONS, SQL, Names, function_script, quote_identifier, read_script
from pgq.version import __version__

# What the router calls like a shard does.
_SAME: Final = (
    *("_shorten", "_parse_json", "_to_json", "_slot_of_key", "_json_problem", "_task_problem"),
    *("_args_are_named", "_unique_key_problem", "_coordination_problem", "_job_problem"),
    *("_job_rows", "_raise_invalid_job", "_raise_wrong_type", "_check_job_shapes"),
)
# Each by the ids of jobs, on the shards that these tell; of one job, on its shard.
BY_IDS: Final = ("cancel", "retry", "discard", "run_now", "reprioritise")
BY_ID: Final = ("result", "is_cancelled")
# Of every shard, with its number in front.
FUNCTIONS: Final = ("count_jobs", "health")
VIEWS: Final = ("queue_stats", "queue_settings", "worker_status", "schedule_status")
# What a DSN says of the person who wrote the script, and not of the shard.
_PERSONAL: Final = frozenset({"user", "password", "passfile", "application_name", "sslpassword"})

_CATALOG: Final = """
with names as (
  select proc.oid, proc.proname, 'execute on function' as kind, proc.proacl as acl,
    proc.proowner as owner
  from pg_catalog.pg_proc as proc
  where proc.pronamespace = %(schema)s::regnamespace
  union all
  select oid, relname, 'select on', relacl, relowner
  from pg_catalog.pg_class
  where relnamespace = %(schema)s::regnamespace and relkind = 'v'
)
select names.proname as name,
  pg_get_function_arguments(names.oid) as arguments,
  pg_get_function_result(names.oid) as result,
  coalesce(
    obj_description(names.oid, case kind when 'select on' then 'pg_class' else 'pg_proc' end), ''
  ) as said,
  kind,
  array(
    select distinct rolname::text
    from aclexplode(acl) as entry join pg_roles on pg_roles.oid = entry.grantee
    where rolname = any(%(roles)s)
  ) as roles,
  array(
    select (array[quote_ident(name), format_type(type, null)])
    from (
      select proargnames[place], case
          when proallargtypes is null then proargtypes[place - 1] else proallargtypes[place]
        end, place, coalesce(proargmodes[place], 'i')
      from pg_proc, generate_series(1, cardinality(proargnames)) as place
      where pg_proc.oid = names.oid and kind <> 'select on'
      union all
      select attname, atttypid, attnum, 't'
      from pg_attribute
      where attrelid = names.oid and attnum > 0 and not attisdropped and kind = 'select on'
    ) as each (name, type, place, mode)
    where mode = any(array['t', 'i']::"char"[])
    order by mode = 't', place
  ) as pairs,
  (select count(*) from pg_proc, unnest(coalesce(proargmodes, '{}')) as mode
   where pg_proc.oid = names.oid and mode = 't') as columns
from names
where names.proname = any(%(wanted)s)
"""


@dataclass(frozen=True)
class Shard:
    """A shard as a router needs it: its number, where it is, and how people call it."""

    number: int
    conninfo: str
    database: str


@dataclass(frozen=True)
class _Known:
    """A function or view of a shard."""

    name: str
    arguments: str
    result: str
    said: str
    kind: str
    roles: list[str]
    given: list[tuple[str, str]]
    columns: list[tuple[str, str]]


def place_of(connection: psycopg.Connection[Any], dsn: str) -> str:
    """Return where a connection leads, for others: without the user and the password."""
    given = {name: value for name, value in conninfo_to_dict(dsn).items() if name not in _PERSONAL}
    info = connection.info
    given.setdefault("connect_timeout", "5")
    if "host" not in given and "hostaddr" not in given:
        given["host"] = info.host
    if "," not in str(given.get("host", "")):
        given["port"] = str(info.port)
    given["dbname"] = info.dbname
    given.pop("service", None)
    return make_conninfo("", **given)


def router_script(
    connection: psycopg.Connection[Any],
    shards: Sequence[Shard],
    owners: Sequence[int | None],
    spread: Sequence[str],
    names: Names,
) -> str:
    """Return the SQL that makes, or brings up to date, a router to these shards.

    `connection` is to one of them. A superuser runs the script in another database, in one
    transaction.
    """
    known = _read_catalog(connection, names)
    made = (*_routing(known), *_faces(known), _part("shards"))
    fixed = names.apply("\n".join((*map(function_script, _SAME), *made)))
    fixed = fixed.replace("'pgq_cluster'", f"'{names.schema}'")
    made_by = f"{__version__} {sha256(fixed.encode()).hexdigest()[:16]}"
    granted = [
        {"kind": each.kind, "name": each.name, "role": role}
        for each in known.values()
        for role in each.roles
    ]
    prepare = names.apply(_part("prepare").replace("JOB_OPTIONS", _job_options()))
    cluster = _part("cluster").replace("SERVER_OPTIONS", _json(_options(shards)))
    grants = names.apply(_part("grants")).replace("WANTED_GRANTS", _json(granted))
    script = "\n".join(
        (
            prepare.replace("MADE_BY", made_by),
            cluster,
            names.apply(_FLEET)
            .replace("FLEET_NOW", _json({"owners": [*owners], "spread": [*spread]}))
            .replace("SHARDS_NOW", _json([_row(place, each) for place, each in enumerate(shards)])),
            fixed,
            grants,
        )
    ).replace("SERVER_NAME", f"'{names.schema}'")
    return (
        f"-- A router to {len(shards)} shards, for PL/Proxy. In a database without jobs:\n"
        f"--   psql -X -v ON_ERROR_STOP=1 -f FILE\n"
        "begin;\nset local search_path = pg_catalog, pg_temp;\n"
        f"set local client_min_messages = warning;\n{script}commit;\n"
    )


_FLEET: Final = """
delete from pgq.shard_parts;
insert into pgq.shard_parts (number, part, database)
select number, part, database
from jsonb_to_recordset(SHARDS_NOW) as shard (number bigint, part integer, database text);
delete from pgq.fleet;
insert into pgq.fleet (owners, spread)
select owners, spread from jsonb_to_record(FLEET_NOW) as fleet (owners bigint[], spread text[]);
"""


def _read_catalog(connection: psycopg.Connection[Any], names: Names) -> dict[str, _Known]:
    wanted = ("enqueue", "enqueue_many", *BY_IDS, *BY_ID, *FUNCTIONS, *VIEWS, "all_jobs")
    rows = connection.execute(
        _CATALOG.encode(),
        {
            "schema": quote_identifier(names.schema),
            "roles": [*names.roles],
            "wanted": [*wanted],
        },
    ).fetchall()
    found = {}
    for name, arguments, result, said, kind, roles, pairs, columns in rows:
        both = [(each[0], each[1]) for each in pairs]
        given = both[: len(both) - columns] if kind != "select on" else []
        found[name] = _Known(name, arguments, result, said, kind, roles, given, both[len(given) :])
    return {name: found[name] for name in wanted}


def _routing(known: dict[str, _Known]) -> Iterator[str]:
    """Yield what adds jobs."""
    yield _proxy(
        "shard_map",
        [],
        "table (number bigint, owners bigint[], spread text[])",
        "t.number, t.owners, t.spread from pgq.shard_map() as t",
    )
    yield _part("helpers")
    enqueue = known["enqueue"]
    given = [(name, "text" if name == "args" else kind) for name, kind in enqueue.given]
    core = ", ".join(name for name, _ in given)
    checked = "pgq.shard_check(v_slots, v_spread, v_whole)"
    check = [("v_slots", "bigint[]"), ("v_spread", "text[]"), ("v_whole", "text[]")]
    yield _proxy("enqueue", [*check, *given], "bigint", f"pgq.enqueue({core}) from {checked}")
    yield _proxy("shard_check", check, "bigint", checked)
    yield _proxy(
        "enqueue_many",
        [*check, ("v_jobs", "text")],
        "table (id bigint, created boolean)",
        f"t.id, t.created from {checked} as c, lateral pgq.enqueue_many(v_jobs) as t",
    )
    face = ", ".join(
        "pgq._to_json(enqueue.args, 'args')::pg_catalog.text" if name == "args"
        else f'enqueue.{name} collate pg_catalog."default"' if kind == "text"
        else f"enqueue.{name}"
        for name, kind in enqueue.given
    )  # fmt: skip
    yield (
        _part("enqueue")
        .replace("CORE_ARGUMENTS", ", ".join(f"{name} {kind}" for name, kind in given))
        .replace("CORE_NAMES", ", ".join(f"_enqueue.{name}" for name, _ in given))
        .replace("FACE_ARGUMENTS", enqueue.arguments)
        .replace("FACE_NAMES", face)
    )
    yield _part("enqueue_many")


def _faces(known: dict[str, _Known]) -> Iterator[str]:
    """Yield what asks about jobs, or changes them."""
    for name in BY_IDS:
        yield from _by_ids(known[name])
    for name in BY_ID:
        yield from _by_id(known[name], name, f"pgq.{name}(job_id)")
    job = known.pop("all_jobs")
    known["job"] = _Known(
        "job", "job_id bigint", _table(job.columns), "All of a job, one row or none.",
        "execute on function", job.roles, [("job_id", "bigint")], job.columns,
    )  # fmt: skip
    columns = ", ".join(f"t.{name}" for name, _ in job.columns)
    yield from _by_id(known["job"], "job", "pgq.all_jobs as t where t.id = job_id", columns)
    for name in (*FUNCTIONS, *VIEWS):
        yield from _every(known[name])


def _by_ids(of: _Known) -> Iterator[str]:
    columns = ", ".join(f"t.{name}" for name, _ in of.columns)
    names = ", ".join(name for name, _ in of.given)
    yield _proxy(of.name, of.given, of.result, f"{columns} from pgq.{of.name}({names}) as t")
    others = "".join(f", {of.name}.{name}" for name, _ in of.given[1:])
    yield _face(
        of.name, of.arguments, of.result, of.said,
        f"""\
  for v_home in select * from pgq._homes({of.name}.ids) loop
    begin
      return query select * from pgq._{of.name}_at(v_home.part, v_home.own{others});
{_raising("v_home.shard", 4)}
    end;
  end loop;""",
        "v_home record;",
    )  # fmt: skip


def _by_id(of: _Known, name: str, source: str, columns: str = "") -> Iterator[str]:
    body = f"pgq._{name}_at(pgq._part_of(v_shard), {name}.job_id)"
    if of.columns:
        columns = columns or ", ".join(f"t.{each}" for each, _ in of.columns)
        asked = f"{columns} from {source}" + ("" if " as t" in source else " as t")
        body = f"return query select * from {body}"
    else:
        asked = source
        body = f"return {body}"
    yield _proxy(name, of.given, of.result, asked)
    yield _face(
        name, of.arguments, of.result, of.said,
        f"  {body};\n{_raising('v_shard', 0)}",
        f"""\
v_shard constant bigint := coalesce(
    (({name}.job_id % 1024) + 1024) % 1024, (select min(number) from pgq.shard_parts)
  );""",
    )  # fmt: skip


def _every(of: _Known) -> Iterator[str]:
    """Yield a function, or a view, that asks every shard; one that is down is a row, too."""
    is_view = of.kind == "select on"
    columns = ", ".join(f"t.{name}" for name, _ in of.columns)
    names = ", ".join(name for name, _ in of.given)
    source = f"pgq.{of.name}" + ("" if is_view else f"({names})")
    yield _proxy(of.name, of.given, _table(of.columns), f"{columns} from {source} as t")
    face = f"_every_{of.name}" if is_view else of.name
    given = "".join(f", {face}.{name}" for name, _ in of.given)
    empty = "".join(f", null::{kind}" for _, kind in of.columns)
    result = _table([("shard", "bigint"), *of.columns, ("no_answer", "text")])
    yield _face(
        face, of.arguments if not is_view else "", result, of.said,
        f"""\
  for v_known in select * from pgq.shard_parts order by number loop
    begin
      return query
      select v_known.number, t.*, null::text from pgq._{of.name}_at(v_known.part{given}) as t;
    exception
      when others then
        get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
        if not pgq._is_down(sqlstate, sqlerrm) then
          perform pgq._raise_of_shard(v_known.number, sqlstate, sqlerrm, v_detail, v_hint);
        end if;
        return query select v_known.number{empty}, pgq._said(sqlerrm);
    end;
  end loop;""",
        "v_known record;\n  v_detail text;\n  v_hint text;",
    )  # fmt: skip
    if is_view:
        yield (
            f"create or replace view pgq.{of.name} as\nselect * from pgq.{face}();\n\n"
            f"comment on view pgq.{of.name} is {_literal(f'Of every shard. {of.said}')};\n"
        )


def _proxy(name: str, given: Sequence[tuple[str, str]], result: str, select: str) -> str:
    """Return a function that one shard, given by its place, carries out."""
    arguments = ", ".join(f"{each} {kind}" for each, kind in (("v_part", "integer"), *given))
    return (
        f"create or replace function pgq._{name}_at({arguments})\n  returns {result}\n"
        f"  language plproxy\nas $$\n  cluster 'pgq_cluster';\n  run on v_part;\n"
        f"  select {select};\n$$;\n"
    )


def _face(name: str, arguments: str, result: str, said: str, body: str, variables: str) -> str:
    more = "" if "v_detail" in variables else "\n  v_detail text;\n  v_hint text;"
    return (
        f"create or replace function pgq.{name}({arguments})\n  returns {result}\n"
        "  language plpgsql\n  set search_path = pg_catalog, pg_temp\nas $$\n"
        f"#variable_conflict use_column\ndeclare\n  {variables}{more}\nbegin\n{body}\nend\n$$;\n\n"
        f"comment on function pgq.{name} is {_literal(said)};\n"
    )


def _raising(shard: str, indent: int) -> str:
    lines = (
        "exception",
        "  when others then",
        "    get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;",
        f"    perform pgq._raise_of_shard({shard}, sqlstate, sqlerrm, v_detail, v_hint);",
    )
    return "\n".join(" " * indent + line for line in lines)


def _part(name: str) -> str:
    return read_script(MIGRATIONS / "router" / f"{name}.sql")


def _job_options() -> str:
    script = read_script(SQL / "install.sql")
    start = script.index("create type pgq.job_options as (")
    return script[start : script.index(");\n", start) + 2]


def _options(shards: Sequence[Shard]) -> dict[str, str]:
    places = {f"p{place}": each.conninfo for place, each in enumerate(shards)}
    return {"modular_mapping": "1", **places}


def _row(place: int, shard: Shard) -> dict[str, object]:
    return {"number": shard.number, "part": place, "database": shard.database}


def _table(columns: Sequence[tuple[str, str]]) -> str:
    return f"table ({', '.join(f'{name} {kind}' for name, kind in columns)})"


def _json(value: object) -> str:
    """Return a value as a literal that may stand in a quoted body."""
    return _literal(json.dumps(value).replace("$", "\\u0024")) + "::jsonb"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
