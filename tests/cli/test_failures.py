"""What users see when something is wrong: a line, a hint, an exit code, and no secret."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Pgq, eventually

SECRET = "hunter2-and-more"


def test_no_database_at_all_names_the_two_ways_out(nowhere: Pgq) -> None:
    said = nowhere("stats", code=2).stderr
    assert said.startswith("Error: no database is named\nHint: ")
    assert "PGQ_DSN" in said and "pgq dev" in said


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:1/app",
        f"host=127.0.0.1 port=1 user=me password={SECRET} dbname=app",
        f"host=/nonexistent user=me password={SECRET} dbname=app",
        f"postgresql://me:{SECRET}@127.0.0.1:1,127.0.0.1:2/app",
    ],
)
@pytest.mark.parametrize("command", [["stats"], ["migrate"], ["uninstall", "--confirm", "pgq"]])
def test_an_unreachable_database_is_named_without_its_password(
    dsn: str, command: list[str], nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_DSN", dsn)
    result = nowhere(*command, code=3)
    assert result.stderr.startswith('Error: cannot reach the database "app": ')
    assert "127.0.0.1" in result.stderr or "/nonexistent" in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert SECRET not in result.output


@pytest.mark.parametrize(
    "dsn",
    [
        f"me:{SECRET}@host",
        f"postgresql://me:{SECRET}@host/app?nonsense=1",
        f"postgresql://me:{SECRET}/x@host:5432/app",
        f"postgresql://me:{SECRET}%zz@host/app",
        f"password={SECRET} nonsense=1",
    ],
)
@pytest.mark.parametrize("command", ["stats", "migrate", "worker"])
def test_an_unreadable_dsn_is_not_quoted(dsn: str, command: str, nowhere: Pgq) -> None:
    modules = ["pgq.demo.tasks"] if command == "worker" else []
    options = ["--dsn", "--listen-dsn"] if command == "worker" else ["--dsn"]
    for option in options:
        result = nowhere(command, *modules, option, dsn, code=2)
        assert result.stderr.startswith("Error: the DSN ")
        assert SECRET not in result.output


def test_libpqs_variables_name_the_database(
    dsn: str, nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in psycopg.conninfo.conninfo_to_dict(dsn).items():
        variable = {"dbname": "PGDATABASE"}.get(name, f"PG{name.upper()}")
        monkeypatch.setenv(variable, str(value))
    assert nowhere.json("jobs")["jobs"] == []


def test_the_option_goes_before_the_variable(
    dsn: str, nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_DSN", "host=/nonexistent")
    assert nowhere.json("jobs", "--dsn", dsn)["jobs"] == []


@pytest.mark.parametrize("command", ["stats", "jobs", "verify", "maintain"])
def test_a_database_without_the_schema_says_how_to_install_it(command: str, empty: Pgq) -> None:
    said = empty(command, code=3).stderr
    assert said.startswith("Error: ") and "pgq migrate" in said


COMMANDS = {
    **dict.fromkeys(("health", "doctor", "stats", "jobs", "job 1", "semaphores"), "pgq_observer"),
    **dict.fromkeys(("batch list", "batch show 1", "schedule list"), "pgq_observer"),
    **dict.fromkeys(("schedule show x", "schedule next 0"), "pgq_observer"),
    "enqueue t": "pgq_producer",
    **dict.fromkeys(("verify", "maintain", "cancel 1", "pause q"), "pgq_operator"),
    "schedule run x": "pgq_operator",
}


@pytest.mark.slow
def test_missing_rights_are_named(pgq: Pgq, dsn: str, conn: psycopg.Connection) -> None:
    role = f"pgq_test_{os.getpid()}"
    conn.execute(f"create role {role}".encode())
    try:
        weak = psycopg.conninfo.make_conninfo(dsn, options=f"-c role={role}")
        for command, needed in COMMANDS.items():
            said = pgq(*command.split(), "--dsn", weak, code=3).stderr
            assert "permission denied" in said
            grant = f"grant {needed} to {role};"
            assert said.splitlines()[1] == f"Hint: as the owner of the schema: {grant}"
            conn.execute(grant.encode())
            assert "permission" not in pgq.anyhow(*command.split(), "--dsn", weak).stderr
            conn.execute(f"revoke {needed} from {role}".encode())
    finally:
        conn.execute(f"drop role {role}".encode())


@pytest.mark.parametrize(
    ("schema", "complaint"), [("", "empty"), ("pg_x", "pg_"), ("a'b", "may not hold")]
)
def test_an_unusable_schema_name_is_refused(schema: str, complaint: str, pgq: Pgq) -> None:
    assert complaint in pgq("stats", f"--schema={schema}", code=2).stderr


def test_another_schemas_name_is_passed_on(pgq: Pgq) -> None:
    said = pgq("stats", "--schema", "elsewhere", code=3).stderr
    assert "elsewhere" in said


@pytest.mark.slow
def test_the_traceback_is_shown_on_request(nowhere: Pgq) -> None:
    nowhere.env["PGQ_DSN"] = "host=/nonexistent"
    _, quiet = nowhere.run("stats", code=3)
    assert "Traceback" not in quiet
    nowhere.env["PGQ_DEBUG"] = "1"
    _, loud = nowhere.run("stats", code=1)
    assert "Traceback" in loud


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(pgq: Pgq) -> None:
    read, write = os.pipe()
    os.close(read)
    with pgq.start("stats", stdout=write) as process:
        os.close(write)
        assert process.communicate(timeout=30)[1] == ""


@pytest.mark.slow
def test_ctrl_c_is_quiet(pgq: Pgq, conn: psycopg.Connection) -> None:
    # It waits for the lock, so that there is time to interrupt it.
    with conn.transaction():
        conn.execute("lock table pgq.jobs")
        with pgq.start("jobs") as process:
            waiting = "select from pg_locks where not granted"
            eventually(lambda: conn.execute(waiting).fetchall())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err and "rror" not in out + err


def test_a_module_that_cannot_be_imported_says_why_and_what_to_do(
    pgq: Pgq, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yields_tasks.py").write_text(
        "import pgq\n\n@pgq.task\ndef items():\n    yield 1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    said = pgq("worker", "yields_tasks", "--drain", code=2).stderr
    assert "importing yields_tasks failed: pgq.errors.InvalidArgument: the handler" in said
    assert "Hint: Return a list, or enqueue a job for each item. PGQ_DEBUG=1" in said
