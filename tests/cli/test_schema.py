"""migrate, uninstall, verify, maintain."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from pgq.schema import migrate
from tests.cli.conftest import Pgq
from tests.cli.test_bulk import enqueue
from tests.servers import Travel


def schemas(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as conn:
        rows = conn.execute("select nspname from pg_namespace where nspname !~ '^pg_|^inf|^public'")
        return sorted(row[0] for row in rows)


@pytest.mark.slow
def test_migrate_installs_once(empty: Pgq) -> None:
    assert empty("migrate").stdout == f"schema pgq is installed, at revision {migrate.head()}\n"
    assert "already" in empty("migrate").stdout
    assert empty.json("migrate") == {
        "schema": "pgq",
        "revision": migrate.head(),
        "before": migrate.head(),
        "notices": [],
    }
    assert empty.json("stats") == {"queues": [], "workers": []}


@pytest.mark.slow
def test_migrate_installs_under_another_name(empty: Pgq, empty_dsn: str) -> None:
    name = 'My "Queue"'
    answer = empty.json("migrate", "--schema", name, "--role-prefix", "pgq_")
    assert (answer["schema"], answer["before"]) == (name, None)
    assert schemas(empty_dsn) == [name]
    job_id = empty.json("enqueue", "send", "--schema", name)["id"]
    assert empty.json("job", job_id, "--schema", name)["state"] == "ready"
    empty("uninstall", "--schema", name, "--confirm", name)
    assert schemas(empty_dsn) == []


@pytest.mark.slow
def test_migrate_repairs(pgq: Pgq, conn: psycopg.Connection) -> None:
    assert pgq("migrate", "--repair").stdout == "schema pgq is as it was installed\n"
    conn.execute("drop index pgq.ready_claim_idx")
    conn.execute("create view pgq.mine as select 1")
    assert pgq("migrate", "--repair").stdout.splitlines() == [
        "mended: index ready_claim_idx is missing",
        "left: view mine is not ours; to undo it: drop view pgq.mine;",
    ]
    assert pgq.json("migrate", "--repair") == {
        "schema": "pgq",
        "mended": [],
        "left": ["view mine is not ours"],
    }
    conn.execute("drop table pgq.turns")
    assert "left: table turns is missing\n" in pgq("migrate", "--repair", code=1).stdout


def test_a_repair_needs_the_owner(pgq: Pgq, dsn: str, conn: psycopg.Connection) -> None:
    role = f"pgq_test_{os.getpid()}"
    conn.execute(f"create role {role} login password 'weak' in role pgq_operator".encode())
    try:
        weak = psycopg.conninfo.make_conninfo(dsn, user=role, password="weak")
        said = pgq("migrate", "--repair", "--dsn", weak, code=3).stderr
        assert "permission denied" in said and "Hint: Run it as the owner of the schema" in said
    finally:
        conn.execute(f"drop role {role}".encode())


@pytest.mark.slow
def test_migrate_prints_sql_without_a_database(nowhere: Pgq) -> None:
    assert nowhere("migrate", "--sql").stdout == migrate.offline_script()
    named = nowhere.json("migrate", "--sql", "--schema", "other")
    assert named == {"schema": "other", "sql": migrate.offline_script("other")}


@pytest.mark.slow
def test_migrate_refuses_a_schema_that_is_not_ours(empty: Pgq, empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn) as conn:
        conn.execute("create schema pgq")
        conn.execute("create table pgq.tick ()")
    said = empty("migrate", code=3).stderr
    assert "not ours" in said and "--schema" in said


def test_an_unusable_role_prefix_is_refused(empty: Pgq) -> None:
    assert "role prefix" in empty("migrate", "--role-prefix", "a'b", code=2).stderr


@pytest.mark.slow
def test_uninstall_wants_the_name(pgq: Pgq, dsn: str) -> None:
    assert "--confirm pgq" in pgq("uninstall", code=2).stderr
    assert "nothing was dropped" in pgq("uninstall", "--confirm", "PGQ", code=1).stderr
    assert schemas(dsn) == ["pgq"]
    assert pgq.json("uninstall", "--confirm", "pgq")["schema"] == "pgq"
    assert schemas(dsn) == []
    assert "no schema" in pgq("uninstall", "--confirm", "pgq", code=3).stderr


@pytest.mark.parametrize(("answer", "code"), [("pgq\n", 0), ("y\n", 1)])
def test_uninstall_asks_on_a_terminal(
    answer: str, code: int, pgq: Pgq, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgq.cli.schema.asks", lambda: True)
    result = pgq("uninstall", code=code, stdin=answer)
    assert "every job" in result.stderr
    assert str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]) in result.stderr
    assert schemas(dsn) == ["pgq"] * code


@pytest.mark.slow
def test_verify_says_yes_or_no(pgq: Pgq, conn: psycopg.Connection) -> None:
    job_id = pgq.json("enqueue", "send")["id"]
    assert pgq("verify").stdout == "no violations\n"
    assert pgq.json("verify") == []
    conn.execute("delete from pgq.ready")
    violations = pgq.json("verify", code=1)
    assert job_id in [violation["job_id"] for violation in violations]
    assert tuple(violations[0]) == ("violation", "job_id", "detail")
    assert pgq("verify", code=1).stdout.startswith("violation")


def test_maintain_says_what_it_did(pgq: Pgq) -> None:
    steps = pgq.json("maintain")
    assert "rescue" in [step["step"] for step in steps]
    assert all(tuple(step) == ("step", "affected") for step in steps)
    assert pgq("maintain").stdout


@pytest.mark.slow
def test_a_dry_run_of_migrate_and_uninstall(
    empty: Pgq, empty_dsn: str, nowhere: Pgq, dsn: str
) -> None:
    assert empty("migrate", "--dry-run").stdout == (
        f"would install the schema pgq, at revision {migrate.head()}\n"
    )
    assert empty.json("migrate", "--dry-run")["pending"] == migrate.revisions()
    assert migrate.current(empty_dsn) is None
    assert "there is no schema pgq" in empty("uninstall", "--dry-run", code=3).output
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute("create schema pgq; create table pgq.tick (id int)")
    assert "is not ours" in empty("migrate", "--dry-run", code=3).output
    given = ("--dsn", dsn, "--dry-run")
    assert "already" in nowhere("migrate", *given).stdout
    assert nowhere.json("migrate", *given)["pending"] == []
    assert nowhere("migrate", "--repair", *given, code=2).stderr
    assert "would drop the schema pgq: " in nowhere("uninstall", *given).stdout
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("create view public.mine as select id from pgq.all_jobs")
    plan = nowhere.json("uninstall", *given, code=1)
    assert plan["tables"] > 20
    assert plan["in_the_way"] == ["rule _RETURN on view mine"]
    assert migrate.current(dsn) == migrate.head()


@pytest.mark.slow
def test_a_dry_run_of_maintain_changes_nothing(
    pgq: Pgq, conn: psycopg.Connection, travel: Travel
) -> None:
    enqueue(conn, {"task": "t", "expires_in": "1 minute"})
    travel("1 hour")
    first = pgq.json("maintain", "--dry-run")
    assert {"step": "expire", "affected": 1} in first
    assert pgq("maintain", "--dry-run").stdout.startswith("step")
    assert conn.execute("select state from pgq.all_jobs").fetchall() == [("ready",)]
    assert {"step": "expire", "affected": 1} in pgq.json("maintain")
    assert conn.execute("select state from pgq.all_jobs").fetchall() == [("expired",)]


def test_the_extensions_files_are_written(nowhere: Pgq, tmp_path: Path) -> None:
    folder = tmp_path / "pgq" / "extension"
    said = nowhere("migrate", "--extension", folder)
    assert sorted(map(Path, said.stdout.splitlines())) == sorted(folder.iterdir())
    assert f"'$system:{tmp_path / 'pgq'}'" in said.stderr and "create extension" in said.stderr
    listed = nowhere.json("migrate", "--extension", tmp_path / "other")["files"]
    assert str(tmp_path / "other" / "pgq_sql.control") in listed
    script = nowhere("migrate", "--tle").stdout
    assert script == nowhere.json("migrate", "--tle")["sql"]
    assert "pgtle.install_extension" in script and "create extension" in script


@pytest.mark.parametrize(
    "arguments",
    [("--schema", "other"), ("--sql",), ("--repair",), ("--role-prefix", "x_"), ("--tle",)],
)
def test_the_extension_is_written_alone(nowhere: Pgq, arguments: tuple[str, ...]) -> None:
    assert "give" in nowhere("migrate", "--extension", "nowhere", *arguments, code=2).stderr


def test_an_adoption_needs_the_files_and_the_one_schema(pgq: Pgq) -> None:
    assert "pgq migrate --extension DIR" in pgq("adopt", code=3).stderr
    assert "is no extension" in pgq("adopt", "--undo", code=3).stderr
    assert "not other" in pgq("adopt", "--schema", "other", code=2).stderr
