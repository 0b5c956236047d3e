"""How the generated pages are written: text as Markdown, and a call as a reader would type it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

WIDTH = 90


class Unreadable(Exception):
    """Something is not written as the generators expect."""


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, also in a table; what is in backticks is code."""
    parts = re.split(r"(`[^`|]*`)", text)
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    text = re.sub(r"([*|\[\]]|(?<!\w)__|__(?!\w))", r"\\\1", text)
    return text.replace("<", "&lt;")


def told(text: str, language: str = "text") -> Iterator[str]:
    """Yield a docstring as Markdown; what is moved in is a block of code."""
    block: list[str] = []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        if paragraph.startswith("    "):
            block.append(paragraph)
            continue
        yield from _fenced(block, language)
        block = []
        if paragraph:
            yield escaped(paragraph) + "\n"
    yield from _fenced(block, language)


def _fenced(paragraphs: list[str], language: str) -> Iterator[str]:
    if paragraphs:
        text = textwrap.dedent("\n\n".join(paragraphs))
        yield f"```{language}\n{text}\n```\n"


def called(name: str, arguments: list[str], answer: str = "") -> str:
    """Return a signature in one line, or with a line for each argument."""
    behind = f" -> {answer}" if answer else ""
    flat = f"{name}({', '.join(arguments)}){behind}"
    if len(flat) <= WIDTH:
        return flat
    return f"{name}(\n" + "".join(f"    {each},\n" for each in arguments) + f"){behind}"
