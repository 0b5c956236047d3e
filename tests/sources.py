"""The files of sql/ as tests read them: which there are, and what stands in them.

What a file is for is read from the table of contents, sql/install.sql, so that no test names the
folders of the functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
SQL = CHECKOUT / "sql"
MANIFEST = SQL / "install.sql"
FILES = sorted(SQL.rglob("*.sql"))


def _included(script: Path) -> list[Path]:
    """Return the files that a script includes, in order, and before each those that it includes."""
    found: list[Path] = []
    for name in re.findall(r"^\\ir (\S+)$", script.read_text(), flags=re.MULTILINE):
        found += [*_included(script.parent / name), script.parent / name]
    return found


INCLUDED = _included(MANIFEST)
# Every other folder holds functions.
OTHER_FOLDERS = ("types", "tables", "views", "triggers")
FUNCTION_FILES = [
    path for path in INCLUDED if path.parent != SQL and path.parent.name not in OTHER_FOLDERS
]
FUNCTIONS = {path.stem for path in FUNCTION_FILES}
PUBLIC = {name for name in FUNCTIONS if not name.startswith("_")}
# Faces take a value of any type, make jsonb of it with their caller's rights and hand that to a
# core of the same arguments, which has the owner's.
FACES = {name for name in PUBLIC if f"_{name}" in FUNCTIONS}
CORES = {f"_{face}" for face in FACES}


def of_folder(name: str) -> list[Path]:
    """Return the files of tables, views or triggers."""
    return [path for path in INCLUDED if path.parent == SQL / name]


def called_by_views() -> set[str]:
    """Return the functions that views call, with their readers' rights."""
    return {name for path in of_folder("views") for name in re.findall(r"pgq\.(\w+)\(", code(path))}


@cache
def read(path: Path) -> str:
    """Return the file's text; it is read once."""
    return path.read_text()


@cache
def code(path: Path) -> str:
    """Return the SQL without its comments and without what stands in quotes."""
    parts = re.compile(r"/\*.*?\*/|--[^\n]*|('[^']*')", flags=re.DOTALL)
    return parts.sub(lambda found: "''" if found[1] else "", read(path))


@cache
def uncommented(path: Path) -> str:
    """Return the SQL without its comments."""
    return re.sub(r"/\*.*?\*/|--[^\n]*", "", read(path), flags=re.DOTALL)


def function_code(name: str) -> str:
    """Return the code of a function of the schema."""
    (path,) = (each for each in FUNCTION_FILES if each.stem == name)
    return code(path)


def offenders(files: Iterable[Path], check: Callable[[Path], object]) -> dict[str, object]:
    """Return what a check finds, by file. What it returns is wrong, unless it is false."""
    found = {str(path.relative_to(CHECKOUT)): check(path) for path in files}
    assert found, "there is nothing to check"
    return {name: wrong for name, wrong in found.items() if wrong}
