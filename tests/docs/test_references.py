"""The generated references name everything, and man(1) can read its page."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

import pgq
from pgq.cli import cli
from tests.docs.pages import ROOT, Page

DOCS = ROOT / "docs"


def commands(command: click.Command, words: str) -> Iterator[str]:
    yield words
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, f"{words} {name}")


def headings(name: str) -> set[str]:
    return set(re.findall(r"^#{3,4} (.+)$", Page(DOCS / name).prose, re.MULTILINE))


def test_every_public_name_is_on_the_page_about_python() -> None:
    found = headings("reference-python.md")
    assert set(pgq.__all__) - found == {"__version__", "rows"}
    assert {"Client.enqueue", "Worker.run", "Context.transaction", "QueueStats"} <= found


def test_every_command_is_on_its_page_and_in_the_manual() -> None:
    wanted = {each for each in commands(cli, "pgq") if each != "pgq"}
    assert len(wanted) > 60
    assert wanted - headings("reference-commands.md") == set()
    manual = (DOCS / "pgq.1").read_text(encoding="utf-8").replace(r"\-", "-")
    assert {each for each in wanted if f"\n.SS {each}" not in manual} == set()


def test_man_reads_the_manual() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff")
    command = [groff, "-man", "-Tutf8", "-ww", "-z", str(DOCS / "pgq.1")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
