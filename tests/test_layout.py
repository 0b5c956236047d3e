"""Where things stand: sql/ in folders by subject, and the tests of each where it stands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.sources import (
    CHECKOUT,
    FILES,
    FUNCTION_FILES,
    PUBLIC,
    SQL,
    of_folder,
    offenders,
    uncommented,
)

# What these folders hold is for all others; each of the rest keeps its private functions to itself.
SHARED = {"lib", "cron", "lanes", "limits", "unblock"}
# The list of maintain's steps: each is a function of the folder that it is about.
CALLS_ANYTHING = {"_do_step"}
# Folders of tests about several folders of sql/, and why.
APART = {"races"}  # what several sessions do at once, whatever functions they call

TESTS = CHECKOUT / "tests" / "sql"
IN_FOLDERS = [path for path in FILES if path.parent != SQL]


def test_a_private_function_is_called_from_its_own_folder_or_shared() -> None:
    folders = {path.stem: path.parent.name for path in FUNCTION_FILES}
    # The core of a public function is as public as its face.
    kept = {
        name
        for name, folder in folders.items()
        if name.startswith("_") and name[1:] not in folders and folder not in SHARED
    }

    def check(path: Path) -> list[str]:
        return [
            f"{name} of {folders[name]}/"
            for name in set(re.findall(r"\bpgq\.(_\w+)\(", uncommented(path)))
            if name in kept and folders[name] != path.parent.name
        ]

    callers = [path for path in IN_FOLDERS if path.stem not in CALLS_ANYTHING]
    assert offenders(callers, check) == {}


def test_a_file_is_found_by_the_name_of_its_object() -> None:
    """So `script_of` finds it wherever it stands."""
    names = Counter(path.stem for path in IN_FOLDERS)
    assert {name for name, count in names.items() if count > 1} == set()


def test_tests_of_sql_stand_where_their_functions_stand() -> None:
    """tests/sql/FOLDER/ tests sql/FOLDER/; tests/sql/ itself, what is a matter of all folders."""
    folders = {path.stem: path.parent.name for path in FUNCTION_FILES}
    folders |= {path.stem: "views" for path in of_folder("views")}
    known = {path.parent.name for path in FILES} | APART | {TESTS.name}

    def check(path: Path) -> str | None:
        place, subject = path.parent.name, path.stem.removeprefix("test_")
        if place not in known:
            return f"there is no sql/{place}"
        expected = folders.get(subject, place) if place not in APART else place
        return None if place == expected else f"{subject} stands in sql/{expected}"

    assert offenders(TESTS.rglob("test_*.py"), check) == {}


def test_every_public_function_has_its_test_file() -> None:
    tested = {
        path.stem.removeprefix("test_")
        for path in TESTS.glob("*/test_*.py")
        if path.parent.name not in APART
    }
    assert PUBLIC - tested == set()
