"""Count what the modules of the running Python's standard library define."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from pathlib import Path
from typing import Final, Literal, TypedDict

_NOT_STANDARD = {"site-packages", "dist-packages"}


Counted = Literal["lines", "functions", "classes", "imports"]
COUNTED: Final[tuple[Counted, ...]] = ("lines", "functions", "classes", "imports")


class Counts(TypedDict):
    """What one file holds; `parsed` is false, and only its lines count, where it is no Python 3."""

    parsed: bool
    lines: int
    functions: int
    classes: int
    imports: int


def library() -> Path:
    """Return the folder of the standard library."""
    return Path(sysconfig.get_path("stdlib"))


def module_files() -> list[Path]:
    """Return every module's file, tests included, in the order of their paths."""
    root = library()
    return sorted(
        path
        for path in root.rglob("*.py")
        if not _NOT_STANDARD.intersection(path.relative_to(root).parts)
    )


def count(path: Path) -> Counts:
    """Parse a file and count; a file that this Python cannot parse is counted as such.

    OSError where the file cannot be read.
    """
    source = path.read_bytes()
    counts = Counts(parsed=True, lines=len(source.splitlines()), functions=0, classes=0, imports=0)
    try:
        tree = _parse(source)
    except (SyntaxError, ValueError, RecursionError):
        # Python 2 and broken on purpose: the library tests its own parser with them.
        counts["parsed"] = False
        return counts
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                counts["functions"] += 1
            case ast.ClassDef():
                counts["classes"] += 1
            case ast.Import() | ast.ImportFrom():
                counts["imports"] += 1
            case _:
                pass
    return counts


def _parse(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        # Odd escapes and comparisons in test data are not this program's concern.
        warnings.simplefilter("ignore")
        return ast.parse(source)
