"""Where things stand: sql/ in folders by subject, and each test where that stands that it tests."""

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
# The list of maintain's steps, and what a sample holds: each is a function of the folder that it is
# about.
CALLS_ANYTHING = {"_do_step", "_measure_house"}
TESTS = CHECKOUT / "tests"
# Folders of tests that are not about one folder of pgq/ or sql/, and why.
APART = {
    "browser": "the dashboard as a person sees it, in Chromium",
    "docs": "what the pages show",
    "drivers": "the SQL functions from psql and from drivers, without the package",
    "faults": "real processes while servers, networks and processes fail",
    "packaging": "the wheel",
    "property": "all SQL functions at random, against a model",
    "sql/races": "several sessions at once, whatever functions they call",
    "typing": "what type checkers say of users' programs",
}
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
    names = Counter(path.stem for path in IN_FOLDERS)
    assert {name for name, count in names.items() if count > 1} == set()


def home(path: Path) -> str:
    """Return the folder of a test; "." is tests/ itself."""
    return str(path.parent.relative_to(TESTS))


def test_tests_of_sql_stand_where_their_functions_stand() -> None:
    """tests/sql/FOLDER/ tests sql/FOLDER/; tests/sql/ itself, what is a matter of all folders."""
    folders = {path.stem: f"sql/{path.parent.name}" for path in FUNCTION_FILES}
    folders |= {path.stem: "sql/views" for path in of_folder("views")}
    known = {f"sql/{path.parent.name}" for path in IN_FOLDERS} | {"sql", *APART}

    def check(path: Path) -> str | None:
        place, subject = home(path), path.stem.removeprefix("test_")
        if place not in known:
            return f"there is no {place}"
        expected = place if place in APART else folders.get(subject, place)
        return None if place == expected else f"{subject} stands in {expected}"

    assert offenders((TESTS / "sql").rglob("test_*.py"), check) == {}


def test_tests_of_the_package_stand_where_its_modules_stand() -> None:
    """tests/FOLDER/ tests pgq/FOLDER/; tests/ itself, the modules of pgq/ itself and the house.

    A test file may have the name of a module of its folder, or a name of its own.
    """
    package = CHECKOUT / "pgq"
    modules = sorted(package.rglob("*.py"))
    folders: dict[str, set[str]] = {}
    for path in modules:
        if path.stem == "__init__":
            around = {path.parent, path.parent.parent} - {package.parent}
            places = {str(each.relative_to(package)) for each in around}
            folders.setdefault(path.parent.name, set()).update(places)
        else:
            place = str(path.parent.relative_to(package))
            folders.setdefault(path.stem.removeprefix("_"), set()).add(place)
    known = {str(path.parent.relative_to(package)) for path in modules} | {*APART}

    def check(path: Path) -> str | None:
        place, subject = home(path), path.stem.removeprefix("test_")
        if place not in known:
            return f"there is no pgq/{place}"
        if place in APART or place in (places := folders.get(subject, {place})):
            return None
        return f"{subject} stands in {sorted(places)}"

    tests = (path for path in TESTS.rglob("test_*.py") if not home(path).startswith("sql"))
    assert offenders(tests, check) == {}


def test_folders_of_tests_apart_are_there() -> None:
    assert [place for place in APART if not any((TESTS / place).glob("test_*.py"))] == []


def test_every_public_function_has_its_test_file() -> None:
    tested = {
        path.stem.removeprefix("test_")
        for path in (TESTS / "sql").glob("*/test_*.py")
        if home(path) not in APART
    }
    assert PUBLIC - tested == set()
