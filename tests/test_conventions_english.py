"""Plain English in every file that people read, and nothing that a merge has left behind."""

from __future__ import annotations

import re
from pathlib import Path

from tests.sources import CHECKOUT, offenders

FOLDERS = ("docs", "migrations", "pgq", "sql", "tests")
SUFFIXES = {".c", ".ini", ".md", ".mako", ".py", ".sql", ".toml"}
# "must", "will", "can" and "so" say it better; and a reader need not look for who is meant.
HARD = [
    *("shall", "whoever", "whomever", "hence", "lest", "whilst"),
    *("thereof", "thereby", "whereby", "wherein"),
    *("albeit", "amidst", "hereby", "herein", "thence", "thus", "upon", "whence"),
]
# The usual order is subject, verb, object: "others do it too".
INVERSIONS = ["so does", "nor (?:are|do|does|has|have|is)", "hardly ever", "now and again"]
# A list of these words; a text that others wrote.
EXEMPT = {Path(__file__), CHECKOUT / "LICENSE"}


def texts() -> list[Path]:
    found = [path for path in CHECKOUT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += (CHECKOUT / folder).rglob("*")
    return [
        path
        for path in found
        if (path.suffix in SUFFIXES or path.name == "Makefile")
        and path not in EXEMPT
        and not any(part.startswith(".") for part in path.relative_to(CHECKOUT).parts)
    ]


def matches(pattern: str) -> dict[str, str]:
    compiled = re.compile(pattern, flags=re.IGNORECASE | re.MULTILINE)
    return offenders(texts(), lambda path: compiled.findall(path.read_text(encoding="utf-8")))


def test_no_hard_words() -> None:
    assert len(texts()) > 500
    assert matches(rf"\b(?:{'|'.join(HARD)})\b") == {}


def test_no_inversions() -> None:
    assert matches(rf"\b(?:{'|'.join(INVERSIONS)})\b") == {}


def test_no_merge_has_left_its_marks() -> None:
    assert matches(r"^(?:<{7}|>{7}|\|{7})(?: |$)|^={7}$") == {}
