"""The project's pages as data: their blocks of code, their links, their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Their blocks are signatures.
REFERENCES = [*(ROOT / "docs").glob("reference*.md")]
DECISIONS = ROOT / "docs" / "decisions"
# Its blocks are files of a project: tests/contrib/django/test_django_page.py makes one of them.
OF_A_PROJECT = ROOT / "docs" / "how-to" / "django.md"


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is the page's line on which its text begins."""

    language: str
    line: int
    text: str


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> list[Block]:
        found: list[Block] = []
        language: str | None = None
        begin = 0
        lines = self.path.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if not line.startswith("```"):
                continue
            if language is None:
                language, begin = line[3:].strip(), number
            else:
                text = "\n".join(lines[begin : number - 1]) + "\n"
                found.append(Block(language, begin + 1, text))
                language = None
        assert language is None, f"{self.name}: the block at line {begin} is not closed"
        return found

    @property
    def prose(self) -> str:
        """The page without its blocks."""
        return re.sub(r"^```.*?^```$", "", self.path.read_text(), flags=re.DOTALL | re.MULTILINE)

    @property
    def links(self) -> list[str]:
        """Where its links lead that do not leave the project."""
        found = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return [link for link in found if not re.match(r"[a-z]+:", link)]

    @property
    def anchors(self) -> set[str]:
        """What a link to a heading of this page may name."""
        return {_slug(title) for title in re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)}


def _slug(title: str) -> str:
    plain = re.sub(r"[^\w\- ]", "", title.strip().lower())
    return plain.replace(" ", "-")


def all_pages() -> list[Page]:
    """Return every page of the project, the README first."""
    names = ("README.md", "CHANGELOG.md", "SECURITY.md", "sql/README.md", "tests/README.md")
    beside = [ROOT / name for name in names]
    return [Page(path) for path in (*beside, *sorted((ROOT / "docs").rglob("*.md")))]


def pages_to_run() -> Iterator[Page]:
    """Yield the pages whose blocks are meant for a reader to run."""
    for page in all_pages():
        if page.path in (*REFERENCES, OF_A_PROJECT) or DECISIONS in page.path.parents:
            continue
        if any(block.language in ("sql", "python") for block in page.blocks):
            yield page
