"""The drawings that are kept as they should be, and what every drawing must be."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from pgq.contrib.web.charts import Drawing

KEPT = Path(__file__).parent / "kept"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOSTILE = (
    '"><script>alert(1)</script>',
    "</title></svg><img src=x onerror=alert(1)>",
    "a\u202eb\u0000c\x1b[31m\ud800",
    "x" * 4096,
    "&amp;'",
)


def times(count: int, step: timedelta = timedelta(minutes=1)) -> list[datetime]:
    return [NOON + n * step for n in range(count)]


def assert_kept(name: str, svg: str) -> None:
    """Compare with the file of that name; PGQ_KEEP_DRAWINGS=1 writes it anew."""
    file = KEPT / f"{name}.svg"
    lines = svg.replace("><", ">\n<") + "\n"
    if os.environ.get("PGQ_KEEP_DRAWINGS"):
        KEPT.mkdir(exist_ok=True)
        file.write_text(lines)
    assert lines == file.read_text()
    assert_sound(svg)


def assert_sound(svg: str) -> ElementTree.Element:
    """It is XML, says what it is, has no style of its own, no script, and no id twice."""
    tree = ElementTree.fromstring(svg)
    assert tree.get("aria-label")
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    for each in tree.iter():
        assert each.tag in {
            *("svg", "g", "rect", "line", "path", "circle", "text", "title", "defs", "pattern"),
            "a",
        }
        for name in each.attrib:
            assert not name.startswith("on") and name != "style"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", svg)
    for used in re.findall(r"url\(#([^)]+)\)", svg):
        assert used in ids
    return tree


def assert_drawing(drawing: Drawing) -> ElementTree.Element:
    """Its table has the titles that its rows have values for."""
    assert all(len(row) == len(drawing.titles) for row in drawing.rows)
    return assert_sound(drawing.svg)
