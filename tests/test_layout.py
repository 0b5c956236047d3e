"""Where things stand: sql/ in folders by subject."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.sources import FILES, FUNCTION_FILES, SQL, offenders, uncommented

# What these folders hold is for all others; each of the rest keeps its private functions to itself.
SHARED = {"lib", "cron", "lanes", "limits", "unblock"}
# The list of maintain's steps: each is a function of the folder that it is about.
CALLS_ANYTHING = {"_do_step"}
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
