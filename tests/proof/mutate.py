"""Make faulty copies of the SQL functions, one fault each, for tests.proof.mutants.

A fault is made in the text of a body, outside of comments and strings: a lock, an order or a
condition is left out, a comparison is turned, a number is off by one, a call, a notification or a
branch is missing. Whether Postgres takes the copy at all is for the caller to find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SQL: Final = Path(__file__).parents[2] / "sql"
# What every job goes through, and what keeps its promises.
HOT: Final = (
    *("enqueue", "lanes", "promote", "claim", "settle", "unblock", "limits", "batches"),
    *("workers", "schedules", "operate", "maintain", "statistics", "topics", "tasks"),
)

# What is left out, or becomes something else, and the name of the fault.
_FAULTS: Final = (
    ("no lock", r"\bfor (?:no key update|update|share|key share)(?: of \w+)?(?: skip locked)?", ""),
    ("waits", r" skip locked\b", ""),
    ("no order", r"\border by [^\n]+", ""),
    ("<= for <", r"(?<=\s)<(?=\s)", "<="),
    ("< for <=", r"(?<=\s)<=(?=\s)", "<"),
    (">= for >", r"(?<=\s)>(?=\s)", ">="),
    ("> for >=", r"(?<=\s)>=(?=\s)", ">"),
    ("<> for =", r"(?<=\s)=(?=\s)", "<>"),
    ("= for <>", r"(?<=\s)<>(?=\s)", "="),
    ("without + 1", r" \+ 1\b", ""),
    ("without - 1", r" - 1\b", ""),
    ("no call", r"\bperform pgq\.\w+\([^;]*\);", "null;"),
    ("no notification", r"\bperform pg_notify\([^;]*\);", "null;"),
    ("never", r"(?<=\bif )(?:(?!\bthen\b)[^;])+(?=\bthen\b)", "false "),
    ("always", r"(?<=\bif )(?:(?!\bthen\b)[^;])+(?=\bthen\b)", "true "),
    ("one condition less", r"(?m)^\s+and [^\n]+$", ""),
)
_BODY: Final = re.compile(r"(?<=\nas \$\$\n)(.*?)(?=\n\$\$;)", re.DOTALL)
_QUIET: Final = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)


class Mutant(NamedTuple):
    """One fault in one function: where, what was there, and the whole file with the fault."""

    path: str  # below sql/
    fault: str
    line: int
    was: str
    text: str

    @property
    def name(self) -> str:
        """What tells it from all others, as long as the function stays as it is."""
        return f"{self.path}:{self.line} {self.fault}: {' '.join(self.was.split())[:90]}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Make all faulty copies of the functions in a file."""
    text = path.read_text()
    for body in _BODY.finditer(text):
        inside = _without_quiet(body[0])
        for fault, pattern, instead in _FAULTS:
            for found in re.finditer(pattern, inside):
                begin, end = (body.start() + place for place in found.span())
                was = text[begin:end]
                if was.count("(") == was.count(")"):
                    yield Mutant(
                        str(path.relative_to(SQL)),
                        fault,
                        text.count("\n", 0, begin + len(was) - len(was.lstrip())) + 1,
                        was,
                        text[:begin] + instead + text[end:],
                    )


def all_mutants() -> list[Mutant]:
    """Make the faulty copies of all functions of the hot folders, in the order of their files."""
    return [
        mutant
        for folder in HOT
        for path in sorted((SQL / folder).glob("*.sql"))
        for mutant in mutants_of(path)
    ]


def _without_quiet(body: str) -> str:
    """Blank what is a comment or a string; all else stays at its place."""
    return _QUIET.sub(lambda found: re.sub(r"[^\n]", "_", found[0]), body)
