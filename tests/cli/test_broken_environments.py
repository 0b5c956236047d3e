"""Whatever is broken around a command: it says what, and a hint, and never gives a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import psycopg
import pytest

from pgq.cli import cli
from tests.cli.conftest import CHECKOUT, Pgq
from tests.servers import Server

# It is like this without psycopg[binary] and without libpq.
BROKEN = {"PSYCOPG_IMPL": "c", "PGQ_DSN": "host=/nonexistent"}


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command with an argument where it needs one."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            needed = [p for p in command.params if isinstance(p, click.Argument)]
            yield (*path, name, *("1" for _ in needed))


@pytest.mark.slow
def test_no_command_gives_a_traceback_where_libpq_is_missing(
    tmp_path: Path,
) -> None:
    """One process runs them all, in a folder of its own and without libpq."""
    script = (
        "import json, sys; from click.testing import CliRunner; from pgq.cli import cli\n"
        "for line in sys.stdin:\n"
        "    done = CliRunner().invoke(cli, json.loads(line))\n"
        "    print(json.dumps([done.exit_code, type(done.exception).__name__, done.output]))\n"
    )
    commands = list(leaves(cli))
    done = subprocess.run(
        [sys.executable, "-c", script],
        input="".join(json.dumps(command) + "\n" for command in commands),
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **BROKEN},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands)
    for command, (code, raised, said) in zip(commands, answers, strict=True):
        assert raised == "SystemExit" and code in (1, 2, 3), (command, raised, said)
        assert "Error: " in said, (command, said)
        assert "Hint: " in said or code == 2, (command, said)
    told = {path[0]: said for path, (_, _, said) in zip(commands, answers, strict=True)}
    for command in ("stats", "dev", "demo", "migrate", "doctor", "uninstall"):
        assert "pip install 'pgq-sql[binary]'" in told[command]


@pytest.mark.slow
def test_migrate_prints_what_is_missing_instead_of_sql(nowhere: Pgq) -> None:
    nowhere.env |= BROKEN
    out, err = nowhere.run("migrate", "--sql", code=3)
    assert out == "" and "pgq-sql[binary]" in err


@pytest.mark.parametrize("command", ["stats", "config check", "schedule sync pgq.toml"])
def test_files_that_are_nested_too_deep(
    pgq: Pgq, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pgq.toml").write_text("dsn = " + "[" * 100_000)
    said = pgq(*command.split(), code=2).stderr
    assert "pgq.toml is nested too deep" in said and "Hint: " in said


@pytest.mark.parametrize("option", [["--args"], ["--headers"]])
def test_json_that_is_nested_too_deep(pgq: Pgq, option: list[str]) -> None:
    deep = "[" * 100_000
    words = ["t", deep] if option == ["--args"] else ["t", *option, deep]
    assert "nested too deep" in pgq("enqueue", *words, code=2).stderr


def test_a_folder_that_cannot_be_made(nowhere: Pgq, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = nowhere.anyhow("dev", "--data-dir", tmp_path / "file" / "data").stderr
    assert said.startswith("Error: ") and str(tmp_path) in said


@pytest.fixture
def full(private_server: Server) -> Iterator[str]:
    """The DSN of a role on a server whose sessions are used up."""
    private_server_dsn = private_server.dsn
    with psycopg.connect(private_server_dsn, autocommit=True) as conn:
        conn.execute("create role crowd login connection limit 1; create role late login")
        crowd = psycopg.conninfo.make_conninfo(private_server_dsn, user="crowd")
        with psycopg.connect(crowd):
            yield crowd


@pytest.mark.slow
@pytest.mark.parametrize("command", ["doctor", "health", "stats"])
def test_sessions_that_are_used_up(nowhere: Pgq, full: str, command: str) -> None:
    said = nowhere(command, "--dsn", full, code=3).stderr
    assert said.startswith('Error: the database "postgres" takes no more sessions: too many')
    assert "pg_stat_activity" in said and "max_connections" in said
