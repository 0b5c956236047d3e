"""Write docs/reference.md from the files under sql/: signatures, headers and comments.

Also the references of Python and of the commands, from their docstrings and options; the table of
checks in docs/how-to/health-and-alerts.md, from the headers of the checks; and the tables of keys
in docs/how-to/configure.md, from pgq/config/keys.py.

    python docs/generate.py           write the pages
    python docs/generate.py --check   exit 1, and change nothing, where a page is stale

Reads files and the package, no database. What it cannot read is an error, so that a function
never drops out of the page unnoticed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import command_reference
import python_reference
from writing import Unreadable, escaped

from pgq.config.keys import KEYS, SET_KEYS, VARIABLES

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"
PAGE = ROOT / "docs" / "reference.md"
PYTHON_PAGE = ROOT / "docs" / "reference-python.md"
COMMANDS_PAGE = ROOT / "docs" / "reference-commands.md"
MANUAL = ROOT / "docs" / "pgq.1"
HEALTH_PAGE = ROOT / "docs" / "how-to" / "health-and-alerts.md"
# What stands between these in that page is written here.
CHECKS_BEGIN, CHECKS_END = "<!-- begin checks: see docs/generate.py -->\n", "<!-- end checks -->\n"

CONFIG_PAGE = ROOT / "docs" / "how-to" / "configure.md"
KEYS_BEGIN, KEYS_END = "<!-- begin keys: see docs/generate.py -->\n", "<!-- end keys -->\n"

ROLES = ("producer", "worker", "operator", "observer", "monitor")

_INTRODUCTION = """\
# Reference

Everything that a client may call and a person may read. This page is made from the comments in
`sql/` by `make docs`; edit those.

Arguments may be named (`priority => 5`), and a null means the default. The roles are those of an
install under the name `pgq`: `pgq_producer`, `pgq_worker`, `pgq_operator`, `pgq_observer`,
`pgq_monitor`; the owner of the schema may do everything. Functions whose name begins with `_` are
private. Errors have codes of their own: [errors](errors.md).
"""

_TABLES = """\
## Tables

Nobody but the schema's owner may touch them; every other role goes through functions and views.
They are listed for people who look into a database at night.
"""


# The name of a check on a line of its own, then what is told of it, with its lines moved in.
_CHECK = re.compile(r"^(\w+)\n  when: (.*(?:\n    .*)*)\n  do: (.*(?:\n    .*)*)$", re.MULTILINE)


@dataclass(frozen=True)
class Column:
    """A column of a table or view; a view's column has no type here."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True)
class Source:
    """A file of sql/, and the group of install.sql that names it."""

    group: str
    path: Path
    text: str

    @property
    def kind(self) -> str:
        """types, tables, views, triggers, or functions; empty for the files beside folders."""
        folder = self.path.parent
        if folder == SQL:
            return ""
        others = ("types", "tables", "views", "triggers")
        return folder.name if folder.name in others else "functions"

    @property
    def name(self) -> str:
        """The object that the file holds."""
        return self.path.stem

    @property
    def header(self) -> list[str]:
        """The paragraphs of the comment that opens the file."""
        found = re.match(r"\s*/\*(.*?)\*/", self.text, re.DOTALL)
        if not found:
            return []
        lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in found[1].splitlines()]
        paragraphs = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))
        return [paragraph for paragraph in paragraphs if not _CHECK.match(paragraph)]

    @property
    def checks(self) -> list[tuple[str, str, str]]:
        """The checks of health() in the file: name, when it is not well, what to do."""
        opening = re.match(r"/\*(.*?)\*/", self.text, re.DOTALL)
        lines = re.sub(r"(?m)^ \* ?", "", opening[1] if opening else "")
        return [
            (name, " ".join(when.split()), " ".join(do.split()))
            for name, when, do in _CHECK.findall(lines)
        ]

    def comment(self, kind: str, name: str) -> str:
        """Return the text of `comment on KIND pgq.NAME`."""
        pattern = rf"comment on {kind} pgq\.{re.escape(name)} is\s+'((?:[^']|'')*)'\s*;"
        found = re.search(pattern, self.text)
        if not found:
            raise Unreadable(f"{self.path}: no comment on {kind} {name}")
        return found[1].replace("''", "'")


def sources(script: Path = SQL / "install.sql", group: str = "") -> list[Source]:
    """Return the files that install.sql names, in its order."""
    found: list[Source] = []
    for line in script.read_text().splitlines():
        if heading := re.match(r"-- Group: (.+)", line):
            group = heading[1].strip()
        elif include := re.match(r"\\ir (\S+)", line):
            path = script.parent / include[1]
            text = re.sub(r"(?m)^\\ir .*\n", "", path.read_text())
            found += [Source(group, path, text), *sources(path, group)]
    return found


def inside_parentheses(text: str, start: int) -> str:
    """Return what stands between the parenthesis at `start` and its counterpart."""
    depth, quoted = 0, False
    for place in range(start, len(text)):
        letter = text[place]
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if depth == 0:
                return text[start + 1 : place]
    raise Unreadable(f"a parenthesis is not closed: {text[start : start + 60]}")


def split_items(text: str) -> list[str]:
    """Split at the commas outside parentheses, brackets and quotes."""
    items, depth, quoted, begin = list[str](), 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "([)]":
            depth += 1 if letter in "([" else -1
        elif letter == "," and not quoted and depth == 0:
            items.append(text[begin:place])
            begin = place + 1
    items.append(text[begin:])
    return [" ".join(item.split()) for item in items if item.strip()]


def signature(source: Source) -> str:
    """Return a function's name, arguments and answer, as a psql user would write them."""
    opening = re.search(rf"create or replace function pgq\.{source.name}\(", source.text)
    if not opening:
        raise Unreadable(f"{source.path}: does not create pgq.{source.name}")
    arguments = inside_parentheses(source.text, opening.end() - 1)
    rest = source.text[opening.end() + len(arguments) + 1 :]
    answer = re.match(r"\s*returns (.+?)\n  language", rest, re.DOTALL)
    if not answer:
        raise Unreadable(f"{source.path}: no `returns` before `language`")
    return _list(f"pgq.{source.name}", split_items(arguments)) + "\n  → " + _answer(answer[1])


def _list(name: str, items: list[str]) -> str:
    flat = f"{name}({', '.join(items)})"
    if len(flat) <= 90:
        return flat
    return f"{name}(\n" + ",\n".join(f"  {item}" for item in items) + "\n)"


def _answer(text: str) -> str:
    if not text.startswith("table"):
        return " ".join(text.split())
    columns = split_items(inside_parentheses(text, text.index("(")))
    flat = f"table ({', '.join(columns)})"
    if len(flat) <= 90:
        return flat
    return "table (\n" + ",\n".join(f"      {column}" for column in columns) + "\n    )"


def table_columns(source: Source) -> list[Column]:
    """Return the columns of the table that a file creates, with types and comments."""
    opening = re.search(rf"create table (if not exists )?pgq\.{source.name} \(", source.text)
    if not opening:
        raise Unreadable(f"{source.path}: does not create the table {source.name}")
    columns: list[Column] = []
    for item in split_items(inside_parentheses(source.text, opening.end() - 1)):
        if item.startswith("constraint "):
            continue
        name, _, rest = item.partition(" ")
        kind = re.split(r" (?:not null|generated|default)\b", rest)[0]
        columns.append(Column(name, kind, source.comment("column", f"{source.name}.{name}")))
    return columns


def view_columns(source: Source) -> list[Column]:
    """Return the columns of a view, in the order of their comments, which is the view's."""
    pattern = rf"comment on column pgq\.{source.name}\.(\w+) is"
    names = re.findall(pattern, source.text)
    if not names:
        raise Unreadable(f"{source.path}: the view has no commented columns")
    return [Column(name, "", source.comment("column", f"{source.name}.{name}")) for name in names]


def grants() -> dict[str, list[str]]:
    """Return, by object, the roles that may call or read it."""
    granted: dict[str, list[str]] = {}
    text = (SQL / "grants.sql").read_text()
    rows = re.findall(r"\('pgq_(\w+)', '(?:function|table)', array\[(.*?)\]\)", text, re.DOTALL)
    for role in ROLES:
        lists = [names for owner, names in rows if owner == role]
        if not lists:
            raise Unreadable(f"grants.sql: nothing is granted to {role}")
        for name in re.findall(r"'(\w+)'", " ".join(lists)):
            granted.setdefault(name, []).append(role)
    return granted


def prose(paragraphs: list[str]) -> Iterator[str]:
    """Yield paragraphs as Markdown; one that ends with a semicolon is code."""
    for paragraph in paragraphs:
        if paragraph.endswith(";"):
            yield f"```text\n{paragraph}\n```\n"
        else:
            yield escaped(paragraph) + "\n"


def column_table(columns: list[Column]) -> Iterator[str]:
    """Yield a table of columns."""
    typed = any(column.type for column in columns)
    yield "| column | type | |" if typed else "| column | |"
    yield "|---|---|---|" if typed else "|---|---|"
    for column in columns:
        cells = [f"`{column.name}`", *([column.type] if typed else []), escaped(column.comment)]
        yield f"| {' | '.join(cells)} |"
    yield ""


def function_index(functions: list[Source], granted: dict[str, list[str]]) -> Iterator[str]:
    """Yield a table of all functions with a line each."""
    yield "| function | what it does | roles |"
    yield "|---|---|---|"
    for source in functions:
        names = granted.get(source.name, [])
        roles = "all" if len(names) == len(ROLES) else ", ".join(names)
        comment = escaped(source.comment("function", source.name))
        yield f"| [`{source.name}`](#{source.name}) | {comment} | {roles} |"
    yield ""


def function_section(source: Source, granted: dict[str, list[str]]) -> Iterator[str]:
    """Yield what is said of one function."""
    yield f"### {source.name}\n"
    yield f"```text\n{signature(source)}\n```\n"
    yield from prose(source.header or [source.comment("function", source.name)])
    yield f"Roles: {', '.join(granted.get(source.name, [])) or 'the owner only'}.\n"


def page() -> str:
    """Return the whole page."""
    everything = sources()
    granted = grants()
    functions = [s for s in everything if s.kind == "functions" and not s.name.startswith("_")]
    views = [source for source in everything if source.kind == "views"]
    tables = [source for source in everything if source.kind == "tables"]
    lines = [_INTRODUCTION, "## Functions\n", *function_index(functions, granted)]
    for group in dict.fromkeys(source.group for source in functions):
        lines.append(f"## {group[0].upper()}{group[1:]}\n")
        for source in functions:
            if source.group == group:
                lines += function_section(source, granted)
    lines.append("## Views\n")
    for source in views:
        lines += [f"### {source.name}\n", escaped(source.comment("view", source.name)) + "\n"]
        lines += [f"Roles: {', '.join(granted.get(source.name, []))}.\n"]
        lines += column_table(view_columns(source))
    lines.append(_TABLES)
    for source in tables:
        lines += [f"### Table {source.name}\n"]
        lines += [escaped(source.comment("table", source.name)) + "\n"]
        lines += column_table(table_columns(source))
    return "\n".join(lines).rstrip("\n") + "\n"


def filled(page: Path, opening: str, closing: str, lines: list[str]) -> str:
    """Return a page with these lines between two marks."""
    head, begin, rest = page.read_text().partition(opening)
    _, end, tail = rest.partition(closing)
    if not (begin and end and lines):
        raise Unreadable(f"{page}: no place for what is generated, or there is none")
    return head + begin + "\n" + "\n".join(lines) + "\n\n" + end + tail


def key_tables() -> Iterator[str]:
    """Yield the tables of the keys of a configuration."""
    of_sets = [f"worker.{name}" for name in SET_KEYS]
    top = [name for name in KEYS if "." not in name]
    worker = [name for name in KEYS if name.startswith("worker.") and name not in of_sets]
    for introduction, names in (
        ("", top),
        ("In `[worker]` alone:", worker),
        ("In `[worker]`, and in each `[[workers]]`:", of_sets),
        ("In `[web]`:", [name for name in KEYS if name.startswith("web.")]),
        ("In `[log]`:", [name for name in KEYS if name.startswith("log.")]),
    ):
        yield from ("", introduction, "") if introduction else ()
        yield from ("| key | holds | what it is for | default |", "|---|---|---|---|")
        for name in names:
            key, last = KEYS[name], name.rpartition(".")[2]
            called = f"`{last}`, or `{last}_env`" if f"{last}_env" in VARIABLES else f"`{last}`"
            about = escaped(key.help)
            yield f"| {called} | {key.kind.words} | {about} | {escaped(key.default or 'none')} |"


def health_page() -> str:
    """Return the page about health with the table of the checks."""
    checks = [check for source in sources() for check in source.checks]
    rows = ["| check | not well when | do |", "|---|---|---|"]
    rows += [f"| `{name}` | {when} | {do} |" for name, when, do in checks]
    return filled(HEALTH_PAGE, CHECKS_BEGIN, CHECKS_END, rows if checks else [])


def main(arguments: list[str]) -> int:
    """Write or check the pages; 1: one is stale, or sql/ could not be read."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: generate.py [--check]\n")
        return 2
    try:
        keys = list(key_tables())
        texts = {
            PAGE: page(),
            PYTHON_PAGE: python_reference.page(),
            COMMANDS_PAGE: command_reference.page(),
            MANUAL: command_reference.manual(),
            HEALTH_PAGE: health_page(),
            CONFIG_PAGE: filled(CONFIG_PAGE, KEYS_BEGIN, KEYS_END, keys),
        }
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not arguments:
        for path, text in texts.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
