"""What can be read without a database: help, version, completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest

from pgq.cli import cli
from pgq.cli.app import SECTIONS
from tests.cli.conftest import Pgq

HEAVY = ("alembic", "asyncio", "croniter", "psycopg", "rich", "sqlalchemy")


def test_every_command_explains_itself_with_an_example(nowhere: Pgq) -> None:
    def explains(name: str) -> bool:
        text = nowhere(name, "--help").stdout
        example = f"pgq {name}" in text.partition("Options:")[0].partition("\n")[2]
        return example and "--json" in text

    assert [name for name in cli.commands if not explains(name)] == []


def test_every_option_is_explained() -> None:
    silent = [
        f"{name} --{parameter.name}"
        for name, command in cli.commands.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden and not parameter.help
    ]
    assert silent == []


def test_help_lists_every_command_in_whole_sentences(nowhere: Pgq) -> None:
    text = nowhere("--help").stdout
    listed = [name for names in SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(cli.commands)
    assert all(re.search(rf"^  {name}  ", text, re.MULTILINE) for name in listed)
    assert "...\n" not in text.partition("Begin:")[2]


@pytest.mark.parametrize("args", [[], ["--help"], ["worker", "--help"], ["--version"]])
def test_help_imports_nothing_that_takes_time(args: list[str]) -> None:
    script = (
        "import sys\n"
        "from pgq.cli import main\n"
        f"sys.argv = ['pgq', *{args!r}]\n"
        "try:\n  main()\nexcept SystemExit:\n  pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    imported = done.stderr.splitlines()[-1].split()
    assert "pgq.cli.app" in imported
    assert not [name for name in imported if name.startswith(HEAVY)]


def test_version_is_the_packages(nowhere: Pgq) -> None:
    from pgq import __version__

    assert nowhere("--version").stdout == f"pgq {__version__}\n"


def test_python_m_pgq_is_pgq(nowhere: Pgq) -> None:
    assert nowhere.run("--help")[0].split() == nowhere("--help").stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_there(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from pgq.cli import main; main()"],
        capture_output=True,
        text=True,
        env={**os.environ, "_PGQ_COMPLETE": f"{shell}_source"},
    )
    assert "_PGQ_COMPLETE" in done.stdout


def test_a_misspelt_command_is_corrected(nowhere: Pgq) -> None:
    assert "stats" in nowhere("stts", code=2).stderr


@pytest.mark.parametrize("option", ["--dsn", "--schema", "--json"])
def test_options_before_the_command_are_explained(option: str, nowhere: Pgq) -> None:
    assert f"{option} goes after the command" in nowhere(option, "stats", code=2).stderr
