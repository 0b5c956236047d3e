"""The extension pgq_sql: made, dumped, restored, updated, adopted and left, with data in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from pgq import embedded
from pgq.embedded.folder import server_environment
from pgq.embedded.identity import choose_identity
from pgq.schema import extension, migrate, names
from pgq.schema.repair import repair
from pgq.version import __version__
from tests.schema.extensions import (
    DUMPED,
    MEMBERS,
    OWNER,
    Extended,
    copy_of,
    counts,
    extended,
    fill,
)
from tests.schema.installs import dump, run
from tests.servers import SETTINGS, Target, Travel, find_targets, memory_folder
from tests.sql.calls import claim, complete, enqueue, rows, scalar, value, violations
from tests.sql.health.cures import check, cure

pytestmark = pytest.mark.slow

CREATE = "create extension pgq_sql"
# These have rows in a shard of a fleet only.
OF_A_SHARD = {"pgq.shard", "pgq.shard_slots", "pgq.spread_queues"}


@pytest.fixture(scope="module")
def server_with_files(target: Target) -> Iterator[Extended]:
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    with extended(target) as started:
        yield started


@pytest.fixture
def its_dsn(server_with_files: Extended) -> Iterator[str]:
    """An empty database of a role that is no superuser."""
    with server_with_files.database() as made:
        yield made


@pytest.fixture
def made(its_dsn: str) -> Iterator[psycopg.Connection]:
    """A session of the owner on a database with the extension."""
    with psycopg.connect(its_dsn, autocommit=True) as conn:
        conn.execute(CREATE)
        yield conn


def described(conn: psycopg.Connection) -> tuple[list[str], list[str]]:
    """Return the extension's members, and what dumps have the rows of."""
    return (
        [name for (name,) in conn.execute(MEMBERS.encode())],
        [name for (name,) in conn.execute(DUMPED.encode())],
    )


def works_on(conn: psycopg.Connection) -> None:
    """See that a database that came from elsewhere is right, and goes on."""
    assert violations(conn) == []
    newest = scalar(conn, "select max(id) from pgq.all_jobs")
    assert enqueue(conn, queue="new") > newest
    assert [step for step in rows(conn, "maintain") if step["affected"] is None] == []
    assert complete(conn, *claim(conn, ["new"])) == ["ok"]
    assert violations(conn) == []


@contextmanager
def session(folder: Path, bindir: Path) -> Iterator[psycopg.Connection]:
    """Start a server on a folder that stays, and yield a session of its superuser."""
    with (
        embedded.start(folder, bindir=bindir, settings=SETTINGS) as server,
        psycopg.connect(server.dsn, autocommit=True) as conn,
    ):
        yield conn


def test_it_is_made_worked_on_for_a_month_and_dropped(made: psycopg.Connection) -> None:
    conn = made
    partitions = "select count(*) from pgq._history_partitions()"
    assert scalar(conn, partitions) == 0
    assert scalar(conn, "select count(*) from pgq._drift()") == 0
    enqueue(conn)
    assert complete(conn, *claim(conn)) == ["ok"]
    travel = Travel(conn)
    for _ in range(6):
        assert [step for step in rows(conn, "maintain") if step["affected"] is None] == []
        assert scalar(conn, "select max(day) - current_date from pgq._history_partitions()") > 0
        enqueue(conn)
        assert complete(conn, *claim(conn)) == ["ok"]
        travel("5 days")
    rows(conn, "maintain")
    oldest = "select min(day) >= pgq._now()::date - 15 from pgq._history_partitions()"
    assert scalar(conn, oldest) and 15 <= scalar(conn, partitions) <= 24
    assert scalar(conn, "select count(*) from pgq.job_history") == 2
    assert violations(conn) == []
    member = "select 'pgq.job_history_default'::regclass = any(extconfig) from pg_extension"
    assert scalar(conn, f"{member} where extname = 'pgq_sql'")

    conn.execute("drop extension pgq_sql")
    assert scalar(conn, "select to_regnamespace('pgq') is null")


def test_its_script_leaves_the_settings_and_makes_a_ready_schema_its_own(its_dsn: str) -> None:
    shown = "select current_setting('search_path'), current_setting('lock_timeout')"
    with psycopg.connect(its_dsn) as conn:
        conn.execute("create schema pgq")
        before = conn.execute(shown).fetchone()
        conn.execute(CREATE)
        assert conn.execute(shown).fetchone() == before
        conn.execute("drop extension pgq_sql")
        assert scalar(conn, "select to_regnamespace('pgq') is null")


def test_a_dump_restores_all_also_while_workers_run(
    server_with_files: Extended, made: psycopg.Connection, its_dsn: str, tmp_path: Path
) -> None:
    fill(made)
    before = counts(made)
    assert {name for name, count in before.items() if count == 0} <= OF_A_SHARD
    quiet, busy = tmp_path / "quiet", tmp_path / "busy"
    server_with_files.dump(its_dsn, quiet)
    done = threading.Event()

    def work() -> None:
        with psycopg.connect(its_dsn, autocommit=True) as conn:
            while not done.is_set():
                enqueue(conn, queue="busy", unique_key="b", concurrency_key="b")
                rows(conn, "promote_due")
                complete(conn, *claim(conn, ["busy"]))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    server_with_files.dump(its_dsn, busy)
    done.set()
    for worker in workers:
        worker.join()

    for file in (quiet, busy):
        with server_with_files.database() as copy:
            server_with_files.restore(copy, file)
            with psycopg.connect(copy, autocommit=True) as conn:
                if file == quiet:
                    assert counts(conn) == before
                assert scalar(conn, "select keep_history_for = '3 days' from pgq.settings")
                assert scalar(conn, "select count(*) from pgq._drift()") == 0
                assert described(conn) == described(made)
                works_on(conn)


def test_a_dump_of_a_shard_has_the_step_of_its_ids(
    server_with_files: Extended, made: psycopg.Connection, its_dsn: str, tmp_path: Path
) -> None:
    value(made, "shard_init", number=7)
    last = [enqueue(made) for _ in range(3)][-1]
    batch = value(made, "create_batch")
    assert (last, batch) == (7 + 2 * 1024, 7)
    server_with_files.dump(its_dsn, tmp_path / "shard")
    with server_with_files.database() as copy:
        server_with_files.restore(copy, tmp_path / "shard")
        with psycopg.connect(copy, autocommit=True) as conn:
            (known,) = rows(conn, "shard_map")
            assert known["number"] == 7
            assert (enqueue(conn), value(conn, "create_batch")) == (last + 1024, batch + 1024)
            assert scalar(conn, "select count(*) from pgq._drift()") == 0
            assert violations(conn) == []


def test_fresh_adopted_and_left_are_the_same(
    server_with_files: Extended, made: psycopg.Connection, its_dsn: str
) -> None:
    server = server_with_files.server
    with server_with_files.database() as plain:
        migrate.upgrade(plain)
        installed = dump(server, plain)
        with psycopg.connect(plain, autocommit=True) as conn:
            fill(conn)
            conn.execute("create function pgq.theirs() returns int language sql as 'select 1'")
            jobs = scalar(conn, "select count(*) from pgq.all_jobs")
            assert extension.adopt(plain) == __version__
            assert described(conn) == described(made)
            assert scalar(conn, "select count(*) from pgq.all_jobs") == jobs
            assert scalar(conn, "select bool_and(name ~ 'theirs') from pgq._drift()")
            conn.execute("drop function pgq.theirs()")
            adopted = dump(server, plain)
            with pytest.raises(migrate.MigrationError, match=r"is extension pgq_sql .* already"):
                extension.adopt(plain)
            extension.leave(plain)
            assert scalar(conn, "select count(*) from pgq.all_jobs") == jobs
            assert violations(conn) == []
            assert migrate.upgrade(plain) == []
        left = dump(server, plain)
    rows(made, "maintain")  # a plain install has made the days of the history
    assert adopted == dump(server, its_dsn)
    extension.leave(its_dsn)
    assert left == installed == dump(server, its_dsn)


GRANTS = "/*\n * Who may do what."
NEXT = """
create table pgq.later (id bigint generated always as identity primary key);
create function pgq._later() returns bigint language sql as 'select 1::bigint';
alter table pgq.queues add column later text default 'x';
do $$
begin
  perform pgq._note_installed(only_new_roles => false);
end
$$;
"""


@pytest.fixture
def next_release(
    server_with_files: Extended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let this be the release after 0.0.9, which had all but a table, a function and a column."""
    sql, steps = tmp_path / "sql", tmp_path / "migrations"
    shutil.copytree(names.SQL, sql)
    shutil.copytree(names.MIGRATIONS, steps)
    versions = steps / "versions"
    (versions / "0001_initial.sql").write_text(names.read_script(sql / "install.sql"))
    (versions / "0002_later.sql").write_text(NEXT)
    stub = (versions / "0001_initial.py").read_text()
    stub = stub.replace('"0001"', '"0002"').replace("None", '"0001"', 1)
    (versions / "0002_later.py").write_text(stub)
    (versions / "RELEASES").write_text("0.0.9 0001\n")
    first, grants, last = names.read_script(sql / "install.sql").partition(GRANTS)
    (sql / "install.sql").write_text(first + NEXT + grants + last)
    for module in (extension, migrate):
        monkeypatch.setattr(module, "SQL", sql)
        monkeypatch.setattr(module, "MIGRATIONS", steps)
    extension.write(server_with_files.folder)
    yield
    monkeypatch.undo()
    for path in server_with_files.folder.glob("pgq_sql--0.0.9*"):
        path.unlink()
    extension.write(server_with_files.folder)


@pytest.mark.usefixtures("next_release")
def test_an_update_ends_in_the_same_schema(
    server_with_files: Extended, made: psycopg.Connection, its_dsn: str, tmp_path: Path
) -> None:
    server = server_with_files.server
    with server_with_files.database() as old, psycopg.connect(old, autocommit=True) as conn:
        conn.execute("create extension pgq_sql version '0.0.9'")
        job = enqueue(conn)
        assert scalar(conn, "select to_regclass('pgq.later') is null")
        with pytest.raises(migrate.MigrationError, match=r"0\.0\.9, at revision 0001") as no:
            migrate.upgrade(old)
        assert "alter extension pgq_sql update;" in str(no.value.hint)
        # A dump of the old version is restored as the old version.
        server_with_files.dump(old, tmp_path / "old")
        with server_with_files.database() as copy:
            with psycopg.connect(copy) as restored:
                restored.execute("create extension pgq_sql version '0.0.9'")
            server_with_files.restore(copy, tmp_path / "old")
            with psycopg.connect(copy, autocommit=True) as restored:
                restored.execute("alter extension pgq_sql update")
                assert claim(restored)[0].job_id == job

        conn.execute("alter extension pgq_sql update")
        assert scalar(conn, "select extversion from pg_extension where extname = 'pgq_sql'") == (
            __version__
        )
        assert migrate.upgrade(old) == []
        assert claim(conn)[0].job_id == job
        assert described(conn) == described(made)
        assert "pgq.later_id_seq" in described(conn)[1]
        assert scalar(conn, "select count(*) from pgq._drift()") == 0
        extension.leave(old)
        extension.leave(its_dsn)
        assert dump(server, old) == dump(server, its_dsn)


def test_what_is_refused(server_with_files: Extended, its_dsn: str) -> None:
    with pytest.raises(migrate.MigrationError, match="no plain install in schema pgq"):
        extension.adopt(its_dsn)
    with pytest.raises(migrate.MigrationError, match="is no extension"):
        extension.leave(its_dsn)
    migrate.upgrade(its_dsn)
    with psycopg.connect(its_dsn, autocommit=True) as conn:
        with pytest.raises(psycopg.Error, match="already holds a queue") as held:
            conn.execute(CREATE)
        assert held.value.sqlstate == "JQ005" and "pgq adopt" in str(held.value.diag.message_hint)
        conn.execute("update pgq.schema_version set version_num = '0000'")
        with pytest.raises(migrate.SchemaNotOurs, match="at revision 0000"):
            extension.adopt(its_dsn)
        conn.execute(f"update pgq.schema_version set version_num = '{migrate.head()}'".encode())
        # It is the owner's to adopt, not a superuser's.
        with pytest.raises(migrate.SchemaNotOurs, match=f"belongs to {OWNER}"):
            extension.adopt(server_with_files.superuser(its_dsn))
        extension.adopt(its_dsn)
        with pytest.raises(errors.DependentObjectsStillExist):
            conn.execute("drop function pgq.depths")
    with pytest.raises(migrate.MigrationError, match="is extension pgq_sql") as kept:
        migrate.uninstall(its_dsn)
    assert "drop extension pgq_sql;" in str(kept.value.hint)


def test_other_roles_are_not_adopted(its_dsn: str) -> None:
    migrate.upgrade(its_dsn, role_prefix="other_")
    with pytest.raises(migrate.SchemaNotOurs, match="another prefix"):
        extension.adopt(its_dsn)


def test_a_server_without_the_files_is_named(empty_dsn: str) -> None:
    migrate.upgrade(empty_dsn)
    with pytest.raises(migrate.MigrationError, match="the server has no extension") as none:
        extension.adopt(empty_dsn)
    assert "pgq migrate --extension DIR" in str(none.value.hint)


def test_a_repair_makes_members(made: psycopg.Connection, its_dsn: str) -> None:
    members = described(made)
    made.execute("drop index pgq.ready_claim_idx")
    made.execute("alter extension pgq_sql drop function pgq.depths; drop function pgq.depths")
    done = repair(its_dsn)
    assert {each.kind for each in done.mended} == {"index", "function", "grant"}
    assert done.left == []
    assert described(made) == members


def test_health_names_what_an_extension_lacks(
    server_with_files: Extended, made: psycopg.Connection
) -> None:
    rows(made, "maintain")
    assert [check(made, name)["status"] for name in ("extension", "definers")] == ["ok"] * 2
    assert "no function runs with the rights of a superuser" in check(made, "definers")["reason"]
    made.execute("alter extension pgq_sql drop function pgq.depths")
    row = check(made, "extension")
    assert (row["status"], row["value"]) == ("fail", 1) and "depths()" in row["reason"]
    cure(made, "extension", role=None)
    assert check(made, "extension")["status"] == "ok"
    with server_with_files.database() as other:
        superuser = server_with_files.superuser(other)
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute(CREATE)
            row = check(conn, "definers")
            assert row["status"] == "fail" and "--role=OWNER" in row["hint"]


def test_the_files_are_what_pgxn_and_database_dev_read(tmp_path: Path) -> None:
    written = {path.name: path for path in extension.write(tmp_path)}
    control = dict(
        line.split(" = ") for line in written["pgq_sql.control"].read_text().splitlines()
    )
    assert control == {
        "comment": f"'{extension.COMMENT}'",
        "default_version": f"'{__version__}'",
        "schema": "'pg_catalog'",
        "relocatable": "false",
        "superuser": "false",
        "requires": "'plpgsql'",
    }
    meta = json.loads(written["META.json"].read_text())
    assert {"name", "abstract", "version", "maintainer", "license", "provides", "meta-spec"} <= (
        meta.keys()
    )
    (provided,) = meta["provides"].values()
    assert provided["file"] in written and provided["version"] == meta["version"] == __version__
    assert "README.md" in written


def test_pgxs_installs_them(target: Target, tmp_path: Path) -> None:
    if target.bindir is None or not shutil.which("make"):
        pytest.skip("no Postgres or no make on this machine")
    config = target.bindir / "pg_config"
    if not Path(run([config, "--pgxs"]).stdout.strip()).exists():
        pytest.skip("no PGXS for this Postgres: install postgresql-server-dev")
    extension.write(tmp_path / "files")
    make = ["make", "-C", tmp_path / "files", "install", f"PG_CONFIG={config}"]
    done = run([*make, f"DESTDIR={tmp_path / 'root'}"])
    assert done.returncode == 0, done.stderr
    installed = {path.name for path in (tmp_path / "root").rglob("*") if path.is_file()}
    assert installed == {"pgq_sql.control", *extension.scripts()}


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A folder in memory, if there is some, that a server's user can reach."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_pg_upgrade_brings_it_along(target: Target, quick_folder: Path) -> None:
    newest = find_targets()[0]
    if target.bindir is None or newest.bindir is None or target.major == newest.major:
        pytest.skip("there is no newer Postgres here to upgrade to")
    if not (newest.bindir / "pg_upgrade").exists():
        pytest.skip("the newest Postgres here has no pg_upgrade")
    bindir, folder = copy_of(target.bindir, quick_folder / "programs")
    extension.write(folder)
    with session(quick_folder / "old", bindir) as conn:
        conn.execute(CREATE)
        fill(conn)
        before = counts(conn)
        members = described(conn)
    with session(quick_folder / "new", newest.bindir) as conn:
        has_checksums = scalar(conn, "show data_checksums") == "on"
    prefix = choose_identity(newest.bindir).prefix
    old, new = quick_folder / "old" / "pgdata", quick_folder / "new" / "pgdata"

    def program(*command: str | Path) -> None:
        done = subprocess.run(
            [*prefix, *command],
            cwd=new,
            env=server_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    if has_checksums:
        program(bindir / "pg_checksums", "--enable", "--no-sync", "-D", old)
    places = ("-b", bindir, "-B", newest.bindir, "-d", old, "-D", new, "-s", new)
    program(newest.bindir / "pg_upgrade", *places, "-U", "postgres", "--no-sync")
    with session(quick_folder / "new", newest.bindir) as conn:
        assert counts(conn) == before
        assert described(conn) == members
        works_on(conn)
