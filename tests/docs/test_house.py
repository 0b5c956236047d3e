"""ARCHITECTURE.md and CONTRIBUTING.md name files; each of them is there."""

from __future__ import annotations

import re

import pytest

from tests.sources import CHECKOUT


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_the_page_names_exists(page: str) -> None:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:sql|pgq|tests|docs|migrations)/[\w./-]*", text))
    named |= set(re.findall(r"\]\(([\w./-]+)\)", text))
    assert len(named) > 5
    assert {name for name in named if not (CHECKOUT / name.rstrip(".")).exists()} == set()
    assert f"({page})" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
