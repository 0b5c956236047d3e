"""What stood in the database before an install: nothing of it is called, kept or trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgq.schema import migrate
from pgq.schema.names import Names
from tests.schema.installs import WAYS, Install, dump, psql, run, upgrade_in_a_process
from tests.servers import Databases, Server

pytestmark = pytest.mark.timeout(120)

EachWay = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def execute(dsn: str, statement: LiteralString | sql.Composed) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        done = conn.execute(statement)
        return done.fetchall() if done.description else []


@pytest.fixture
def stranger(empty_dsn: str) -> Iterator[str]:
    """A role that owns nothing but what it plants; everything of it goes afterwards."""
    name = f"stranger_{token_hex(4)}"
    role = sql.Identifier(name)
    execute(empty_dsn, sql.SQL("create role {}").format(role))
    yield name
    execute(empty_dsn, sql.SQL("drop owned by {} cascade").format(role))
    execute(empty_dsn, sql.SQL("drop role {}").format(role))


@contextmanager
def refused(words: str) -> Iterator[pytest.ExceptionInfo[migrate.SchemaNotOurs]]:
    with pytest.raises(migrate.SchemaNotOurs, match=words) as caught:
        yield caught
    assert caught.value.hint


def assert_every_way_refuses(server: Server, dsn: str, folder: Path, words: str) -> str | None:
    """See that each way to install refuses and changes nothing; return the hint."""
    before = dump(server, dsn)
    with refused(words) as caught:
        migrate.upgrade(dsn)
    for script in (migrate.install_script(), migrate.offline_script()):
        done = psql(server, dsn, script, folder)
        assert done.returncode == 3
        assert "JQ005" in done.stderr or words in done.stderr
    assert dump(server, dsn) == before
    return caught.value.hint


# These match better than what Postgres brings, or as well, because public comes first.
FUNCTIONS = (
    *("hashtextextended(text, integer)", "to_regclass(text)", "to_regnamespace(text)"),
    *("format(text, text)", "format(text, name)", "format(text)", "set_config(text,text,boolean)"),
    *("current_setting(text)", "current_setting(text, boolean)", "quote_ident(name)"),
    *("quote_ident(text)", "string_agg(text, text)", "current_schema()"),
    *("to_regtype(text)", "pg_table_is_visible(oid)", "version()", "current_database()"),
    *("clock_timestamp()", "pg_get_userbyid(oid)", "has_table_privilege(text, text)"),
)
TYPES = ("name", "text", "varchar", "oid", "regclass", "regtype", '"char"', "integer", "xid")
PLANT = """
do $plant$
declare
  v_name text;
begin
  foreach v_name in array array[{functions}] loop
    execute 'create function public.' || v_name || ' returns text language plpgsql as'
      ' $$ begin raise exception ''hijacked as %'', current_user; end $$';
  end loop;
  for v_name in
    select format('%s, %s', a, b) from unnest(array[{types}]) as a, unnest(array[{types}]) as b
  loop
    execute format('create function public.planted(%s) returns boolean language plpgsql as'
      ' $$ begin raise exception ''hijacked as %%'', current_user; end $$', v_name);
    for o in 1 .. 2 loop
      execute format('create operator public.%s (function = public.planted, leftarg = %s,'
        ' rightarg = %s)', (array['=', '<>'])[o], split_part(v_name, ', ', 1),
        split_part(v_name, ', ', 2));
    end loop;
  end loop;
end $plant$
"""


@EachWay
def test_better_matches_in_public_are_not_called(
    server: Server, empty_dsn: str, stranger: str, way: Install, tmp_path: Path
) -> None:
    role = sql.Identifier(stranger)
    database = sql.Identifier(str(conninfo_to_dict(empty_dsn)["dbname"]))
    execute(empty_dsn, sql.SQL("grant all on schema public to {}").format(role))
    planted = sql.SQL(PLANT).format(  # type: ignore[arg-type]
        functions=sql.SQL(", ").join(map(sql.Literal, FUNCTIONS)),
        types=sql.SQL(", ").join(map(sql.Literal, TYPES)),
    )
    execute(
        empty_dsn, sql.SQL("set search_path = pg_catalog; set role {}; {}").format(role, planted)
    )
    execute(
        empty_dsn,
        sql.SQL("alter database {} set search_path = public, pg_catalog").format(database),
    )
    with psycopg.connect(empty_dsn) as conn, pytest.raises(psycopg.Error, match="hijacked"):
        conn.execute("select 'a'::name = 'a'::name")

    way(server, empty_dsn, "pgq", tmp_path)
    migrate.upgrade(empty_dsn)
    assert migrate.current(empty_dsn) == migrate.head()
    migrate.uninstall(empty_dsn)


def test_a_script_that_is_not_run_in_one_transaction_does_nothing(
    server: Server, empty_dsn: str, tmp_path: Path
) -> None:
    """It would neither pin its search_path nor take back what it did before an error."""
    before = dump(server, empty_dsn)
    file = tmp_path / "install.sql"
    file.write_text(migrate.install_script())
    options = ["-X", "-q", "-v", "ON_ERROR_STOP=1"]
    done = run([server.bindir / "psql", *options, "-d", empty_dsn, "-f", file])
    assert done.returncode == 3
    assert "not run in one transaction" in done.stderr
    assert dump(server, empty_dsn) == before


def test_names_that_come_quoted_are_the_same_names(empty_dsn: str) -> None:
    """Also the search_path, which tells whether there is a transaction, and the roles of grants."""
    database = sql.Identifier(str(conninfo_to_dict(empty_dsn)["dbname"]))
    execute(empty_dsn, sql.SQL("alter database {} set quote_all_identifiers = on").format(database))
    migrate.upgrade(empty_dsn)
    migrate.upgrade(empty_dsn)
    assert execute(empty_dsn, "select words from pgq._drift()") == []


def test_a_schema_of_somebody_else_is_refused(
    server: Server, empty_dsn: str, stranger: str, tmp_path: Path
) -> None:
    role = sql.Identifier(stranger)
    execute(empty_dsn, sql.SQL("create schema pgq authorization {}").format(role))
    hint = assert_every_way_refuses(
        server, empty_dsn, tmp_path, f"schema pgq belongs to {stranger}"
    )
    assert "SET ROLE" in str(hint)


@pytest.mark.parametrize("who", ["a role", "public"])
def test_a_schema_in_which_others_may_create_is_refused(
    server: Server, empty_dsn: str, stranger: str, who: str, tmp_path: Path
) -> None:
    role = sql.SQL("public") if who == "public" else sql.Identifier(stranger)
    execute(empty_dsn, sql.SQL("create schema pgq; grant create on schema pgq to {}").format(role))

    hint = assert_every_way_refuses(
        server, empty_dsn, tmp_path, "others may create objects in schema pgq"
    )

    cure = str(hint).partition(": ")[2]
    execute(empty_dsn, sql.SQL(cure))  # type: ignore[arg-type]
    migrate.upgrade(empty_dsn)


FOREIGN: dict[str, LiteralString] = {
    "an operator": "create operator pgq.=== (function = int4eq, leftarg = int, rightarg = int)",
    "a better match": "create function pgq._to_json(text, text) returns jsonb language sql as"
    " 'select null::jsonb'",
    "a domain": "create domain pgq.d as int",
    "a collation": 'create collation pgq.c from "C"',
    "a text search dictionary": "create text search dictionary pgq.t (template = simple)",
    "a sequence": "create sequence pgq.s",
    "a version table with a trigger": """
        create table pgq.schema_version (version_num varchar(32) not null
          constraint schema_version_pkc primary key);
        create function public.f() returns trigger language plpgsql as
          $$ begin raise exception 'ran as %', current_user; end $$;
        create trigger t before insert on pgq.schema_version for each row
          execute function public.f()
    """,
    "a version table with a rule": """
        create table pgq.schema_version (version_num varchar(32) not null
          constraint schema_version_pkc primary key);
        create rule r as on insert to pgq.schema_version do also select 1
    """,
    "a version table with a default": """
        create table pgq.schema_version (version_num varchar(32) default 'x')
    """,
    "a version table with a check": """
        create table pgq.schema_version (version_num varchar(32) check (version_num > ''))
    """,
    "a version table with an index": """
        create table pgq.schema_version (version_num varchar(32) not null
          constraint schema_version_pkc primary key);
        create index i on pgq.schema_version (upper(version_num))
    """,
    "a version table with another column": """
        create table pgq.schema_version (version_num varchar(32), more int)
    """,
    "a view for a version table": "create view pgq.schema_version as select 1 as version_num",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_schema_of_ours_that_holds_something_is_refused(
    server: Server, empty_dsn: str, content: LiteralString, tmp_path: Path
) -> None:
    execute(empty_dsn, "create schema pgq")
    execute(empty_dsn, content)
    assert_every_way_refuses(server, empty_dsn, tmp_path, "not ours")


def test_what_others_put_into_the_schema_since_is_refused(empty_dsn: str, stranger: str) -> None:
    migrate.upgrade(empty_dsn)
    role = sql.Identifier(stranger)
    execute(empty_dsn, sql.SQL("grant all on schema pgq to {}").format(role))
    execute(
        empty_dsn,
        sql.SQL(
            "set role {}; create function pgq._to_json(text, text) returns jsonb language sql as"
            " 'select null::jsonb'"
        ).format(role),
    )
    with refused("others may create objects in schema pgq"):
        migrate.upgrade(empty_dsn)
    execute(empty_dsn, sql.SQL("revoke create on schema pgq from {}").format(role))
    with refused(f"function pgq._to_json.text,text. of {stranger}"):
        migrate.upgrade(empty_dsn)
    execute(empty_dsn, "drop function pgq._to_json(text, text)")
    assert migrate.upgrade(empty_dsn) == []


PRIVILEGES = """
  select 'function ' || oid::regprocedure from pg_proc
  where pronamespace = 'pgq'::regnamespace and has_function_privilege({role}, oid, 'execute')
  union all
  select 'relation ' || oid::regclass from pg_class
  where relnamespace = 'pgq'::regnamespace and relkind in ('r', 'p', 'v', 'S') and case relkind
    when 'S' then has_sequence_privilege({role}, oid, 'usage, select, update')
    else has_table_privilege({role}, oid,
      'select, insert, update, delete, truncate, references, trigger') end
  union all
  select 'type ' || oid::regtype from pg_type
  where typnamespace = 'pgq'::regnamespace and has_type_privilege({role}, oid, 'usage')
  union all
  select 'schema' where has_schema_privilege({role}, 'pgq', 'usage, create')
"""


@EachWay
def test_default_privileges_give_nothing(
    server: Server, empty_dsn: str, stranger: str, way: Install, tmp_path: Path
) -> None:
    role = sql.Identifier(stranger)
    kinds = ("functions", "tables", "sequences", "types", "schemas")
    give = sql.SQL("; ").join(
        sql.SQL("alter default privileges grant all on {} to {} with grant option").format(
            sql.SQL(kind), role
        )
        for kind in kinds
    )
    execute(empty_dsn, give)
    way(server, empty_dsn, "pgq", tmp_path)

    found = sql.SQL(PRIVILEGES).format(role=sql.Literal(stranger))
    assert execute(empty_dsn, found) == []
    made = execute(empty_dsn, "select pgq._make_history_partitions(9, 100)")
    assert made == [(2,)]
    assert execute(empty_dsn, found) == []
    # A view that a later migration makes, and a function.
    with psycopg.connect(empty_dsn) as conn:
        names = Names()
        conn.execute(migrate.check_script(names).encode())
        conn.execute(
            "create view pgq.later as select 1 as one; create function pgq.f() returns int"
            " language sql as 'select 1'"
        )
        migrate.renew_grants(conn, names)
        conn.commit()
    assert execute(empty_dsn, found) == []


def test_what_an_administrator_granted_later_stays(empty_dsn: str, stranger: str) -> None:
    migrate.upgrade(empty_dsn)
    role = sql.Identifier(stranger)
    grant = sql.SQL(
        "grant usage on schema pgq to {0}; grant select on pgq.queue_stats to {0};"
        "grant execute on function pgq.version to {0};"
        "alter default privileges grant select on tables to {0};"
        "grant select on pgq.queue_stats to public"
    )
    execute(empty_dsn, grant.format(role))

    assert migrate.upgrade(empty_dsn) == []

    found = execute(empty_dsn, sql.SQL(PRIVILEGES).format(role=sql.Literal(stranger)))
    assert found == [
        ("function pgq.version()",),
        ("relation pgq.queue_stats",),
        ("schema",),
    ]
    public = "select count(*) from pg_class, aclexplode(relacl) as entry where entry.grantee = 0"
    assert execute(empty_dsn, f"{public} and relname = 'queue_stats'") == [(0,)]  # type: ignore[arg-type]


def test_nobody_can_make_a_column_of_a_row_type(empty_dsn: str, stranger: str) -> None:
    """It would keep the table from ever being altered or dropped."""
    migrate.upgrade(empty_dsn)
    role = sql.Identifier(stranger)
    execute(empty_dsn, sql.SQL("grant create on schema public to {}").format(role))
    execute(empty_dsn, sql.SQL("grant pgq_producer, pgq_worker, pgq_operator to {}").format(role))
    execute(empty_dsn, "select pgq._make_history_partitions(8, 100)")
    types = execute(
        empty_dsn,
        "select typname::text from pg_type"
        " where typnamespace = 'pgq'::regnamespace and typelem = 0",
    )
    assert len(types) > 40
    for (name,) in types:
        for made in ("create table public.x (j {}.{})", "create table public.x (j {}.{}[])"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                execute(
                    empty_dsn,
                    sql.SQL("set role {}; " + made).format(  # type: ignore[operator]
                        role, sql.Identifier("pgq"), sql.Identifier(name)
                    ),
                )


def test_row_types_are_closed_again_after_a_restore(
    server: Server, empty_dsn: str, databases: Databases, tmp_path: Path
) -> None:
    """A dump does not hold the rights on row types."""
    migrate.upgrade(empty_dsn)
    open_types = (
        "select count(*) from pg_type where typnamespace = 'pgq'::regnamespace and typelem = 0"
        " and has_type_privilege('public', oid, 'usage')"
    )
    with databases.fresh() as name:
        restored = databases.dsn(name)
        script = run([server.bindir / "pg_dump", "-d", empty_dsn]).stdout
        assert psql(server, restored, script, tmp_path).returncode == 0
        assert execute(restored, open_types) != [(0,)]
        execute(restored, "update pgq.maintenance set due_at = '2000-01-01'")
        execute(restored, "select * from pgq.maintain()")
        assert execute(restored, open_types) == [(0,)]


def test_a_lock_that_anybody_may_hold_stops_no_migration(empty_dsn: str, stranger: str) -> None:
    migrate.upgrade(empty_dsn)
    with psycopg.connect(empty_dsn) as holder:
        holder.execute("select pg_advisory_xact_lock(hashtextextended('pgq schema pgq', 0))")
        holder.execute("select from pgq.schema_version")
        assert migrate.upgrade(empty_dsn) == []


def test_migrations_wait_for_each_other(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)
    with psycopg.connect(empty_dsn) as holder:
        holder.execute(migrate.lock_script(Names()).encode())
        waiting = upgrade_in_a_process(empty_dsn, Names())
        with psycopg.connect(empty_dsn, autocommit=True) as watcher:
            while not watcher.execute(
                "select from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                (holder.info.backend_pid,),
            ).rowcount:
                assert waiting.poll() is None
        holder.commit()
        _, output = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, output


def test_four_installers_of_a_schema_made_beforehand(empty_dsn: str) -> None:
    execute(empty_dsn, "create schema pgq")
    installers = [upgrade_in_a_process(empty_dsn, Names()) for _ in range(4)]
    for installer in installers:
        _, output = installer.communicate(timeout=60)
        assert installer.returncode == 0, output


def test_members_of_an_extension_are_not_ours(empty_dsn: str) -> None:
    """Whether the schema is one too is up to the extension's control file."""
    migrate.upgrade(empty_dsn)
    execute(empty_dsn, "alter extension plpgsql add table pgq.jobs")
    with refused("it belongs to an extension"):
        migrate.upgrade(empty_dsn)
    with refused("it belongs to an extension"):
        migrate.uninstall(empty_dsn)
