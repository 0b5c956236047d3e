"""Write a benchmark's tables and charts into docs: python -m tests.proof.bench.write_docs JSON...

Each table goes between the lines `<!-- WORKLOAD -->` and `<!-- end -->` of docs/performance.md;
a table that none of the files holds stays as it is. Later files win.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

DOCS = Path(__file__).parents[3] / "docs"
# Which columns of which workloads are drawn.
CHARTS = {"backlog": ("jobs/s",), "pinned": ("first tenth, jobs/s", "last tenth, jobs/s")}

WIDTH, LABELS, ROW, TOP = 760, 380, 30, 52


def pages() -> list[Path]:
    return [DOCS / "performance.md"]


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_tables(page: str, found: dict[str, Any]) -> str:
    """Return the page with the tables that were measured in place of what stood there."""
    sections = {table["workload"]: markdown(table) for table in found["tables"]}
    # One workload alone says nothing of the machine on which the others were measured.
    if len(sections) > 1 and "machine" in found:
        sections["machine"] = machine(found)
    for name, text in sections.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->\n)", re.DOTALL)
        page = place.sub(lambda match, text=text: f"{match[1]}{text}{match[2]}", page)
    return page


def markdown(table: dict[str, Any]) -> str:
    columns = table["columns"]
    lines = [
        f"{table['title']}.",
        "",
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for line in table["lines"]:
        cells = [line["missing"]] if line["missing"] else [cell(line, name) for name in columns]
        lines.append(f"| {line['name']} | " + " | ".join(cells) + " |")
    against = f"In brackets the ratio to {table['against']}. " if table["against"] else ""
    notes = "; ".join(table["notes"])
    return "\n".join([*lines, "", f"{against}{notes[:1].upper()}{notes[1:]}.", ""])


def cell(line: dict[str, Any], column: str) -> str:
    figure = line["figures"].get(column)
    if figure is None:
        return ""
    ratio = figure["ratio"]
    return number(figure["median"]) + ("" if ratio is None else f" ({ratio:.2f})")


def machine(found: dict[str, Any]) -> str:
    said = found["machine"]
    server = dict(said["server"])
    settings = ", ".join(
        f"`{name} = {value}`" for name, value in server.items() if name != "server_version"
    )
    return (
        f"Measured on {found['began_at'][:10]}: {said['system']}, {said['cores']} cores shared by\n"
        f"server, workers and producers, {said['memory_gib']} GiB, load {said['load_before']:.1f}"
        f" before it began; pgq {said['pgq']},\nPython {said['python']}, psycopg"
        f" {said['psycopg']}, Postgres {server['server_version']} with\n{settings}.\n"
    )


def chart(title: str, bars: Sequence[tuple[str, float]], unit: str) -> str:
    """Draw horizontal bars; readable on light and on dark ground."""
    largest = max(value for _, value in bars) or 1
    room = WIDTH - LABELS - 100
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + ROW * len(bars)}"'
        f' role="img" aria-label="{escape(title)}">',
        "<style>text { font: 13px sans-serif; fill: #777 } .bar { fill: #3b7dd8 }</style>",
        f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>',
        f'<text x="{LABELS}" y="40">{escape(unit)}</text>',
    ]
    for place, (name, value) in enumerate(bars):
        y, width = TOP + ROW * place, max(1, round(room * value / largest))
        parts += [
            f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="bar" x="{LABELS}" y="{y}" width="{width}" height="20" rx="2"/>',
            f'<text x="{LABELS + width + 6}" y="{y + 15}">{number(value)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def draw(found: dict[str, Any]) -> dict[str, str]:
    """Return the charts by the names of their files."""
    return {
        f"{table['workload']}.svg": chart(table["title"], bars(table), "jobs/s")
        for table in found["tables"]
        if table["workload"] in CHARTS
    }


def bars(table: dict[str, Any]) -> list[tuple[str, float]]:
    columns = CHARTS[table["workload"]]
    return [
        (
            line["name"] if len(columns) == 1 else f"{line['name']}: {column.partition(',')[0]}",
            line["figures"][column]["median"],
        )
        for line in table["lines"]
        for column in columns
    ]


def main() -> None:
    if not sys.argv[1:]:
        raise SystemExit((__doc__ or "").partition("\n")[0])
    for name in sys.argv[1:]:
        found = json.loads(Path(name).read_text())
        for page in pages():
            page.write_text(write_tables(page.read_text(), found))
        for file, drawn in draw(found).items():
            (DOCS / "charts").mkdir(exist_ok=True)
            (DOCS / "charts" / file).write_text(drawn)


if __name__ == "__main__":
    main()
