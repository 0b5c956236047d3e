"""Every test asserts something, or says by the name of a helper that the helper asserts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import CHECKOUT, offenders, read

FILES = sorted((CHECKOUT / "tests").rglob("*.py"))
# Their names say that they assert; `wait_for` fails if it has waited too long.
ASSERTING = re.compile(r"assert_\w+|refused|wait_for")
EXPECTING = {"raises", "warns", "fail", "AssertionError"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, Function):
            yield node


def called(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def asserts(function: Function) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or any(
        name in EXPECTING or ASSERTING.fullmatch(name) for name in called(function)
    )


@pytest.mark.slow
def test_every_test_asserts_something() -> None:
    def check(path: Path) -> list[str]:
        tests = [each for each in functions(path) if each.name.startswith("test_")]
        return [each.name for each in tests if not asserts(each)]

    assert offenders([path for path in FILES if path.name.startswith("test_")], check) == {}


@pytest.mark.slow
def test_helpers_that_say_so_do_assert() -> None:
    def check(path: Path) -> list[str]:
        helpers = [each for each in functions(path) if ASSERTING.fullmatch(each.name)]
        return [each.name for each in helpers if not asserts(each)]

    assert offenders(FILES, check) == {}
