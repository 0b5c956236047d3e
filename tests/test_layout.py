"""Where things stand: sql/ in folders by subject."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

SQL = Path(__file__).parents[1] / "sql"
# What these folders hold is for all others; each of the rest keeps its private functions to itself.
SHARED = {"lib", "cron", "lanes", "limits", "unblock"}
OBJECTS = {"tables", "triggers", "views"}
# The list of maintain's steps: each is a function of the folder that it is about.
CALLS_ANYTHING = {"_do_step"}


def code(path: Path) -> str:
    """What a file does, without comments."""
    text = re.sub(r"/\*.*?\*/|--[^\n]*", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"^comment on .*", "", text, flags=re.DOTALL | re.MULTILINE)


def test_a_private_function_is_called_from_its_own_folder_or_shared() -> None:
    files = [path for path in SQL.glob("*/*.sql") if path.parent.name not in OBJECTS]
    folders = {path.stem: path.parent.name for path in files}
    # The core of a public function is as public as its face.
    kept = {
        name
        for name, folder in folders.items()
        if name.startswith("_") and name[1:] not in folders and folder not in SHARED
    }
    wrong = [
        f"{path.relative_to(SQL)} calls {name} of {folders[name]}/"
        for path in SQL.glob("*/*.sql")
        if path.stem not in CALLS_ANYTHING
        for name in set(re.findall(r"\bpgq\.(_\w+)\(", code(path)))
        if name in kept and folders[name] != path.parent.name
    ]
    assert wrong == []


def test_a_file_is_found_by_the_name_of_its_function() -> None:
    """The name may stand in one folder only, beside tables and views of the same name."""
    functions = Counter(
        path.stem for path in SQL.glob("*/*.sql") if path.parent.name not in OBJECTS
    )
    assert {name for name, count in functions.items() if count > 1} == set()
