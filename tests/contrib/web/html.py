"""What a page must not have, found by reading it as a browser does."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
ADDRESSES = {"href", "src", "action", "hx-get", "hx-post", "formaction", "data", "poster", "srcset"}
FIELDS = {"input", "select", "textarea"}
UNSEEN = {*map(chr, (*range(9), *range(11, 32), 127, 0x202E, 0x2066, 0x200B))}


class Page(HTMLParser):
    """Reads a page; `faults` names what is wrong with it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self._labelled: set[str] = set()
        self._unlabelled: list[dict[str, str]] = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self._open]
        self.faults += [f"a field without a label: {field}" for field in self._unlabelled
                        if field.get("id") not in self._labelled]  # fmt: skip
        self.faults += [f"two elements have the id {each}" for each in {*self.ids}
                        if self.ids.count(each) > 1]  # fmt: skip
        headings = [tag for tag, _ in self.elements if tag == "h1"]
        if len(headings) != 1:
            self.faults.append(f"{len(headings)} h1")
        if found := UNSEEN & {*"".join(self.words)}:
            self.faults.append(f"characters that hide: {found}")

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name, value in attributes.items():
            self._check_attribute(tag, name, value)
        if tag == "script" and not attributes.get("src"):
            self.faults.append("a script within the page")
        if tag in ("style", "iframe", "object", "embed", "base"):
            self.faults.append(f"{tag} in the page")
        if tag == "label" and "for" in attributes:
            self._labelled.add(attributes["for"])
        self._check_field(tag, attributes)

    def handle_startendtag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, given)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        self.words.append(text)

    def _check_attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith(("on", "hx-on")) or name == "style":
            self.faults.append(f"{name} of {tag}")
        if name in ADDRESSES:
            self.links.append(value)
            if not value.startswith(("/", "#", "?")) or value.startswith("//"):
                self.faults.append(f"{name} of {tag} leads to {value[:60]!r}")

    def _check_field(self, tag: str, attributes: dict[str, str]) -> None:
        is_shown = attributes.get("type") not in ("hidden", "submit", "button")
        named = {"aria-label", "aria-labelledby"} & {*attributes}
        if tag in FIELDS and is_shown and not named and "label" not in self._open:
            self._unlabelled.append(attributes)


def faults(text: str) -> list[Any]:
    return Page(text).faults
