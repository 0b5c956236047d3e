"""What the installer refuses, what it does without, and what it takes away again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgq.schema import migrate
from pgq.schema.names import Names
from tests.schema.installs import dump, psql, upgrade_in_a_process
from tests.servers import Server


def execute(dsn: str, statement: LiteralString | sql.Composed) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(statement)


def existing_roles(dsn: str, names: Names) -> set[str]:
    with psycopg.connect(dsn) as conn:
        roles = conn.execute(
            "select rolname from pg_roles where rolname = any(%s)", (list(names.roles),)
        )
        return {row[0] for row in roles}


@pytest.fixture
def quick_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a locked table after 0.1 s instead of 5 s."""
    lock_script = migrate.lock_script
    monkeypatch.setattr(
        migrate, "lock_script", lambda names: lock_script(names).replace("'5s'", "'100ms'")
    )


@pytest.fixture
def role_maker(empty_dsn: str) -> None:
    """Skip the test where this server's user may not create roles."""
    with psycopg.connect(empty_dsn) as conn:
        may = conn.execute(
            "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone()
    if may != (True,):
        pytest.skip("this server's user may not create roles")


def wait_until_blocked_by(holder: psycopg.Connection, dsn: str) -> None:
    """Return when some session waits for a lock that the holder's transaction has."""
    with psycopg.connect(dsn, autocommit=True) as watcher:
        for _ in range(300):
            blocked = watcher.execute(
                "select from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                (holder.info.backend_pid,),
            )
            if blocked.rowcount:
                return
            time.sleep(0.05)
    pytest.fail("nobody waits for the lock")


@contextmanager
def plain_role(dsn: str) -> Iterator[str]:
    """Yield the DSN of a new role that may make schemas in this database and nothing else."""
    role = sql.Identifier(f"plain_{token_hex(4)}")
    password = token_hex(8)
    database = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    execute(dsn, sql.SQL("create role {} login password {}").format(role, password))
    try:
        execute(dsn, sql.SQL("grant create on database {} to {}").format(database, role))
        yield make_conninfo(dsn, user=role.as_string().strip('"'), password=password)
    finally:
        execute(dsn, sql.SQL("drop owned by {} cascade").format(role))
        execute(dsn, sql.SQL("drop role {}").format(role))


FOREIGN: dict[str, LiteralString] = {
    "Skytools' ticks": "create table pgq.tick (tick_queue int, tick_id bigint)",
    "Skytools' events": "create table pgq.event_template (ev_id bigint)",
    "a table": "create table pgq.orders (id int)",
    "a function": "create function pgq.f() returns int language sql as 'select 1'",
    "a type": "create type pgq.mood as enum ('sad')",
    "another tool's version table": "create table pgq.schema_version (version int)",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_schema_that_holds_something_else_is_refused(
    server: Server, empty_dsn: str, content: LiteralString, tmp_path: Path
) -> None:
    execute(empty_dsn, "create schema pgq")
    execute(empty_dsn, content)
    before = dump(server, empty_dsn)

    with pytest.raises(migrate.SchemaNotOurs, match="the schema pgq is not ours") as refused:
        migrate.upgrade(empty_dsn)
    assert refused.value.hint
    with pytest.raises(migrate.SchemaNotOurs):
        migrate.uninstall(empty_dsn)
    for script in (migrate.install_script(), migrate.offline_script()):
        assert psql(server, empty_dsn, script, tmp_path).returncode == 3

    assert dump(server, empty_dsn) == before


def test_skytools_does_not_stand_in_the_way_of_another_name(empty_dsn: str) -> None:
    execute(empty_dsn, "create schema pgq; create table pgq.tick (tick_id bigint)")
    migrate.upgrade(empty_dsn, schema="queue")
    assert migrate.current(empty_dsn, "queue") == migrate.head()


def test_an_empty_schema_made_beforehand_is_used(empty_dsn: str) -> None:
    execute(empty_dsn, "create schema pgq")
    migrate.upgrade(empty_dsn)
    assert migrate.current(empty_dsn) == migrate.head()


@pytest.mark.usefixtures("role_maker")
def test_a_role_that_may_only_make_schemas_installs_and_is_told_what_was_skipped(
    empty_dsn: str,
) -> None:
    names = Names("limited", f"r{token_hex(4)}_")
    with plain_role(empty_dsn) as dsn:
        notices = migrate.upgrade(dsn, schema=names.schema, role_prefix=names.role_prefix)

        assert migrate.current(dsn, names.schema) == migrate.head()
        said = "\n".join(notices)
        assert all(role in said for role in names.roles), said
        assert existing_roles(empty_dsn, names) == set()
        assert migrate.uninstall(dsn, schema=names.schema, role_prefix=names.role_prefix) == []


@pytest.mark.usefixtures("role_maker")
def test_roles_that_somebody_made_since_get_their_grants_at_the_next_migrate(
    empty_dsn: str,
) -> None:
    names = Names("late", f"r{token_hex(4)}_")
    observer = sql.Identifier(next(role for role in names.roles if role.endswith("observer")))
    with plain_role(empty_dsn) as dsn:
        migrate.upgrade(dsn, schema=names.schema, role_prefix=names.role_prefix)
        execute(empty_dsn, sql.SQL("create role {}").format(observer))

        migrate.upgrade(dsn, schema=names.schema, role_prefix=names.role_prefix)

        with psycopg.connect(empty_dsn) as conn:
            conn.execute(sql.SQL("set role {}").format(observer))
            assert conn.execute("select count(*) from late.queue_stats").fetchone() == (0,)
            # These grants are ours from now on. A lost one is a drift; these are not.
            conn.execute("reset role")
            assert conn.execute("select * from late._drift()").fetchall() == []
            conn.execute(sql.SQL("revoke select on late.queue_stats from {}").format(observer))
            lost = conn.execute("select words from late._drift()").fetchone()
            assert lost and lost[0].endswith("is missing")
            conn.rollback()
        migrate.uninstall(dsn, schema=names.schema, role_prefix=names.role_prefix)
        execute(empty_dsn, sql.SQL("drop role {}").format(observer))


@pytest.mark.usefixtures("role_maker")
def test_a_stranger_to_the_schema_is_refused(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)
    with plain_role(empty_dsn) as dsn, pytest.raises(migrate.MigrationError):
        migrate.upgrade(dsn)


@pytest.mark.usefixtures("role_maker")
def test_uninstall_leaves_nothing(server: Server, empty_dsn: str) -> None:
    names = Names("leaving", f"r{token_hex(4)}_")
    before = dump(server, empty_dsn)
    migrate.upgrade(empty_dsn, schema=names.schema, role_prefix=names.role_prefix)
    assert existing_roles(empty_dsn, names) == set(names.roles)

    assert migrate.uninstall(empty_dsn, schema=names.schema, role_prefix=names.role_prefix) == []

    assert dump(server, empty_dsn) == before
    assert existing_roles(empty_dsn, names) == set()
    assert migrate.current(empty_dsn, names.schema) is None


@pytest.mark.usefixtures("role_maker")
def test_uninstall_leaves_roles_that_are_used_elsewhere(empty_dsn: str) -> None:
    names = Names("first", f"r{token_hex(4)}_")
    for schema in ("first", "second"):
        migrate.upgrade(empty_dsn, schema=schema, role_prefix=names.role_prefix)

    notices = migrate.uninstall(empty_dsn, schema="first", role_prefix=names.role_prefix)

    assert len(notices) == len(names.roles)
    assert existing_roles(empty_dsn, names) == set(names.roles)
    assert migrate.uninstall(empty_dsn, schema="second", role_prefix=names.role_prefix) == []
    assert existing_roles(empty_dsn, names) == set()


@pytest.mark.usefixtures("role_maker")
def test_an_installer_of_another_database_may_make_the_same_roles_meanwhile(
    server: Server, empty_dsn: str
) -> None:
    names = Names("shared", f"r{token_hex(4)}_")
    with psycopg.connect(server.dsn) as other:
        other.execute(sql.SQL("create role {}").format(sql.Identifier(names.roles[-1])))
        installer = upgrade_in_a_process(empty_dsn, names)
        wait_until_blocked_by(other, empty_dsn)
        other.commit()
        _, output = installer.communicate(timeout=60)

    assert installer.returncode == 0, output
    assert existing_roles(empty_dsn, names) == set(names.roles)
    assert migrate.uninstall(empty_dsn, schema="shared", role_prefix=names.role_prefix) == []


DEPENDENTS: dict[str, LiteralString] = {
    "view public.mine": "create view public.mine as select * from pgq.jobs",
    "trigger feed on table public.orders": """
        create table public.orders (id int);
        create trigger feed after insert on public.orders
          for each row execute function pgq.enqueue_trigger()
    """,
    "column job of table public.notes": "create table public.notes (job pgq.jobs)",
    "constraint notes_job_fkey on table public.notes": """
        create table public.notes (job bigint references pgq.jobs)
    """,
    "table public.more_jobs": "create table public.more_jobs () inherits (pgq.jobs)",
}


@pytest.mark.parametrize("dependent", DEPENDENTS)
def test_uninstall_refuses_while_something_outside_depends_on_the_schema(
    server: Server, empty_dsn: str, dependent: str
) -> None:
    migrate.upgrade(empty_dsn)
    execute(empty_dsn, DEPENDENTS[dependent])
    before = dump(server, empty_dsn)

    with pytest.raises(migrate.MigrationError, match="outside the schema pgq") as refused:
        migrate.uninstall(empty_dsn)

    assert dependent in str(refused.value)
    assert dump(server, empty_dsn) == before


def test_uninstall_refuses_a_schema_that_is_not_there(empty_dsn: str) -> None:
    with pytest.raises(migrate.MigrationError, match="there is no schema pgq"):
        migrate.uninstall(empty_dsn)


@pytest.mark.usefixtures("quick_locks")
def test_uninstall_gives_up_while_the_schema_is_in_use(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)
    with psycopg.connect(empty_dsn) as reader:
        reader.execute("select from pgq.jobs")
        with pytest.raises(migrate.MigrationError, match="the schema is in use"):
            migrate.uninstall(empty_dsn)
    assert migrate.current(empty_dsn) == migrate.head()


def test_a_newer_schema_is_not_touched(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)
    execute(empty_dsn, "update pgq.schema_version set version_num = '9999'")

    with pytest.raises(migrate.MigrationError, match="at revision 9999") as refused:
        migrate.upgrade(empty_dsn)

    assert "newer release" in str(refused.value.hint)


@pytest.mark.parametrize("revision", ["0000", "", "00001"])
def test_a_revision_that_no_release_has_is_named(empty_dsn: str, revision: str) -> None:
    migrate.upgrade(empty_dsn)
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute("update pgq.schema_version set version_num = %s", (revision,))

    with pytest.raises(migrate.MigrationError, match="which no release has") as refused:
        migrate.upgrade(empty_dsn)

    assert "schema_version.version_num" in str(refused.value.hint)


def test_an_unknown_revision_is_refused(empty_dsn: str) -> None:
    with pytest.raises(migrate.MigrationError, match="0999"):
        migrate.upgrade(empty_dsn, to="0999")
    assert migrate.current(empty_dsn) is None
