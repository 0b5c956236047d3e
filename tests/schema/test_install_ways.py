"""Whichever way the schema is installed, under whichever name, it is the same schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from pgq.schema import migrate
from pgq.schema.names import MIGRATIONS, Names, quote_identifier, read_script
from tests.schema.installs import (
    AWKWARD,
    WAYS,
    Install,
    alembic,
    by_upgrade,
    dump,
    psql,
    run,
    upgrade_in_a_process,
)
from tests.servers import Server

pytestmark = pytest.mark.timeout(120)

REVISIONS = sorted(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*.sql"))


def query(dsn: str, statement: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True) as conn:
        return conn.execute(statement).fetchall()


def drop(dsn: str, schema: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


@pytest.mark.parametrize("schema", ["pgq", AWKWARD])
def test_all_ways_end_in_the_same_schema(
    server: Server, empty_dsn: str, tmp_path: Path, schema: str
) -> None:
    dumps: dict[str, str] = {}
    for way in WAYS:
        way(server, empty_dsn, schema, tmp_path)
        assert migrate.current(empty_dsn, schema) == migrate.head(), way.__name__
        dumps[way.__name__] = dump(server, empty_dsn)
        drop(empty_dsn, schema)

    expected = dumps.pop("by_upgrade")
    for way_name, made in dumps.items():
        assert made == expected, way_name


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_upgrade_goes_on_from_every_way_and_finds_nothing_to_do(
    server: Server, empty_dsn: str, tmp_path: Path, way: Install
) -> None:
    way(server, empty_dsn, "pgq", tmp_path)
    before = dump(server, empty_dsn)

    assert migrate.upgrade(empty_dsn) == []
    assert dump(server, empty_dsn) == before


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_upgraded_schema_is_the_installed_schema(
    server: Server, empty_dsn: str, revision: str
) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(migrate.install_script().encode())
    installed = dump(server, empty_dsn)
    drop(empty_dsn, "pgq")

    migrate.upgrade(empty_dsn, to=revision)
    assert migrate.current(empty_dsn) == revision
    migrate.upgrade(empty_dsn)

    assert dump(server, empty_dsn) == installed


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("schema", ["pgq", AWKWARD])
def test_every_way_notes_what_it_installed(
    server: Server, empty_dsn: str, tmp_path: Path, way: Install, schema: str
) -> None:
    way(server, empty_dsn, schema, tmp_path)
    name = quote_identifier(schema)
    with psycopg.connect(empty_dsn) as conn:
        noted = conn.execute(f"select distinct kind from {name}.installed_objects".encode())
        assert {kind for (kind,) in noted} >= {"function", "grant", "index", "table", "view"}
        assert conn.execute(f"select words from {name}._drift()".encode()).fetchall() == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_notes_what_it_made(revision: str) -> None:
    """Else the next look would call a drift what the revision changed."""
    (file,) = (MIGRATIONS / "versions").glob(f"{revision}_*.sql")
    script = read_script(file)
    noted = script.rindex("perform pgq._note_installed(only_new_roles => false);")
    assert "create " not in script[noted:]


def test_two_schemas_live_in_one_database_and_share_no_name(
    server: Server, empty_dsn: str, tmp_path: Path
) -> None:
    for schema in ("pgq", AWKWARD):
        by_upgrade(server, empty_dsn, schema, tmp_path)

    names = "select count(*) from pg_class where relnamespace = to_regnamespace(%s)::oid"
    with psycopg.connect(empty_dsn) as conn:
        counts = [conn.execute(names, (name,)).fetchone() for name in ("pgq", '"My ""Queue"""')]
    assert counts[0] == counts[1]
    assert (
        query(
            empty_dsn,
            r"""
        select p.proname, p.prosrc
        from pg_proc as p
        join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = 'My "Queue"' and p.prosrc ~ '\mpgq(_jobs|_producer|_worker|\.)'
        """,
        )
        == []
    )

    migrate.uninstall(empty_dsn, schema=AWKWARD)
    assert migrate.current(empty_dsn) == migrate.head()
    assert migrate.current(empty_dsn, AWKWARD) is None


def test_the_transaction_goes_on_under_its_own_settings(empty_dsn: str) -> None:
    names = ("search_path", "lock_timeout", "statement_timeout")
    shown = "select " + ", ".join(f"current_setting('{name}')" for name in names)
    with psycopg.connect(empty_dsn) as conn:
        default = conn.execute(shown.encode()).fetchone()
        conn.execute("set lock_timeout = '7s'; set local statement_timeout = '9s'")
        conn.execute(migrate.install_script().encode())
        assert default is not None
        assert conn.execute(shown.encode()).fetchone() == (default[0], "7s", "9s")
        conn.commit()
        assert conn.execute(shown.encode()).fetchone() == (default[0], "7s", default[2])


def test_four_installers_at_once_make_one_schema(empty_dsn: str) -> None:
    installers = [upgrade_in_a_process(empty_dsn, Names()) for _ in range(4)]
    for installer in installers:
        _, output = installer.communicate(timeout=60)
        assert installer.returncode == 0, output

    assert query(empty_dsn, "select version_num from pgq.schema_version") == [(migrate.head(),)]


def test_a_second_run_of_the_generated_file_changes_nothing(
    server: Server, empty_dsn: str, tmp_path: Path
) -> None:
    by_upgrade(server, empty_dsn, "pgq", tmp_path)
    before = dump(server, empty_dsn)

    done = psql(server, empty_dsn, migrate.install_script(), tmp_path)

    assert done.returncode == 3
    assert dump(server, empty_dsn) == before


def test_alembic_only_looks_where_it_is_only_asked(server: Server, empty_dsn: str) -> None:
    before = dump(server, empty_dsn)

    done = alembic("current", dsn=empty_dsn, schema="pgq")

    assert (done.returncode, done.stdout) == (0, "")
    assert dump(server, empty_dsn) == before


def test_alembic_says_what_is_wrong_without_a_traceback(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)

    back = alembic("downgrade", "base", dsn=empty_dsn, schema="pgq")
    assert back.returncode != 0
    assert "pgq uninstall" in back.stdout + back.stderr
    assert "Traceback" not in back.stderr

    bad_name = alembic("upgrade", "head", dsn=empty_dsn, schema="pg_queue")
    assert bad_name.returncode != 0
    assert "starts with pg_" in bad_name.stdout + bad_name.stderr
    assert "Traceback" not in bad_name.stderr


def test_alembic_says_that_there_is_no_connection() -> None:
    done = alembic("upgrade", "head", dsn="host=/nonexistent", schema="pgq")
    assert done.returncode != 0
    assert "connection" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    heads = run([sys.executable, "-m", "alembic", "heads"])
    assert heads.stdout.split() == [migrate.head(), "(head)"]


def test_alembic_is_imported_by_migrations_only() -> None:
    call = (
        "import sys; from pgq.schema import migrate; migrate.install_script()"
        "; print(sorted(sys.modules))"
    )
    loaded = run([sys.executable, "-c", call]).stdout
    assert "pgq.schema.migrate" in loaded
    assert "alembic" not in loaded
    assert "sqlalchemy" not in loaded
