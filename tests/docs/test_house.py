"""Every file that a page, a comment, a docstring or a script names is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.sources import CHECKOUT, offenders, read

FOLDERS: Final = ("docs", "migrations", "pgq", "sql", "tests")
SUFFIXES: Final = {".c", ".md", ".mjs", ".py", ".pyi", ".sql"}
READ: Final = [
    *(CHECKOUT / name for name in ("Makefile", "pyproject.toml")),
    *CHECKOUT.glob("*.md"),
    *(
        path
        for folder in FOLDERS
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in SUFFIXES and ".peers" not in path.parts
    ),
]
NAMED: Final = re.compile(rf"(?<![\w/.@:${{}}*-])((?:{'|'.join(FOLDERS)})/[\w./-]*\w)")
# These stand for any name, as in tests/FOLDER or X_async.py.
ANY: Final = re.compile(r"[A-Z]{3}|(?<![A-Z])[A-Z](?![A-Za-z])")
# Only a wheel has these.
IN_A_WHEEL: Final = ("pgq/sql", "pgq/migrations")
MADE: Final = {"tests/proof/bench/.peers"}


def is_there(name: str, where: Path) -> bool:
    """Return whether there is such a file, or module, or the page of a decision by its number."""
    if name in MADE or name.startswith(IN_A_WHEEL) or ANY.search(name):
        return True
    # Tests call their own folders sql/races and the like.
    folders = (CHECKOUT, CHECKOUT / "tests") if "tests" in where.parts else (CHECKOUT,)
    return any(
        (folder / name).exists() or [*folder.glob(f"{name}.py")] or [*folder.glob(f"{name}-*.md")]
        for folder in folders
    )


def test_every_path_that_is_named_exists() -> None:
    def check(path: Path) -> list[str]:
        return sorted({name for name in NAMED.findall(read(path)) if not is_there(name, path)})

    assert offenders(READ, check) == {}


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_pages_about_the_house_name_files_and_are_found(page: str) -> None:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w./-]+)\)", text)
    assert len({*NAMED.findall(text), *links}) > 5
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
    assert f"({page})" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
