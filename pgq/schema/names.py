"""Find the SQL files, and write them for one installation: its schema's name and its roles' prefix.

The files are in the checkout (sql/, migrations/) or, in a wheel, inside this package. Their
relative places are the same in both, so the include lines work in both. Nothing here touches a
database or imports anything heavy.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_ROOT: Final = _PACKAGE if (_PACKAGE / "sql").is_dir() else _PACKAGE.parent

SQL: Final = _ROOT / "sql"
MIGRATIONS: Final = _ROOT / "migrations"

ROLES: Final = ("producer", "worker", "operator", "observer", "monitor")

_INCLUDE: Final = re.compile(r"^\\ir[ \t]+(\S+)[ \t]*$", re.MULTILINE)

_SUBSTITUTED: Final = re.compile(
    r"""
      \bpgq\.(?=\S)                                             # pgq.jobs, 'pgq.' || name
    | \b(?P<clause>schema\s+(?:if\s+not\s+exists\s+)?)pgq\b     # in schema pgq
    | (?P<namespace>(?<=to_regnamespace\()'pgq'|'pgq'(?=::regnamespace\b))
    | '(?P<channel>pgq_(?:jobs|ended|outcomes))'
    | '(?P<text>pgq_(?:producer|worker|operator|observer|monitor))'     # rolname = 'pgq_worker'
    | \b(?P<role>pgq_(?:producer|worker|operator|observer|monitor))\b   # grant ... to pgq_worker
    """,
    re.VERBOSE,
)

# Each of these would end a literal, an identifier's line, a comment, a $$ body or a format() string
# somewhere in sql/, or be a variable to psql or a placeholder to a driver.
_FORBIDDEN: Final = re.compile(r"""['\\$%:{}*\x00-\x1f\x7f-\x9f]""")
_LONGEST: Final = 40


def read_script(path: Path) -> str:
    r"""Return a script with every ``\ir`` line replaced by the file it names, as psql would.

    Raises FileNotFoundError naming the missing file.
    """

    def include(line: re.Match[str]) -> str:
        return read_script(path.parent / line[1]).removesuffix("\n")

    return _INCLUDE.sub(include, path.read_text(encoding="utf-8"))


@cache
def function_script(name: str) -> str:
    """Return the statement that makes a function of ours."""
    script = read_script(SQL / "install.sql")
    start = script.index(f"create or replace function pgq.{name}(")
    return script[start : script.index("\n$$;\n", start)] + "\n$$;\n"


def quote_identifier(name: str) -> str:
    """Return a name as SQL writes it; without quotes only if it cannot be a keyword."""
    if re.fullmatch(r"pgq[a-z0-9_]*", name):
        return name
    return '"' + name.replace('"', '""') + '"'


class Names:
    """The names of one installation: schema, role prefix and notification channel.

    Raises ValueError for a name that cannot safely stand everywhere in sql/.
    """

    __slots__ = ("role_prefix", "schema")

    def __init__(self, schema: str = "pgq", role_prefix: str | None = None) -> None:
        _check("schema name", schema, _LONGEST)
        self.schema: Final = schema
        self.role_prefix: Final = f"{schema}_" if role_prefix is None else role_prefix
        _check("role prefix", self.role_prefix, _LONGEST + 1)

    @property
    def channel(self) -> str:
        """The channel that workers listen on, not yet quoted."""
        return f"{self.schema}_jobs"

    @property
    def ended_channel(self) -> str:
        """The channel on which the ends of awaited jobs are told, not yet quoted."""
        return f"{self.schema}_ended"

    @property
    def outcomes_channel(self) -> str:
        """The channel that wakes who follows outcomes, not yet quoted."""
        return f"{self.schema}_outcomes"

    @property
    def roles(self) -> tuple[str, ...]:
        """The names of the installation's roles, not yet quoted."""
        return tuple(self.role_prefix + role for role in ROLES)

    def apply(self, script: str) -> str:
        """Return a script of sql/ or migrations/ with these names in place of the default ones."""
        if (self.schema, self.role_prefix) == ("pgq", "pgq_"):
            return script
        return _SUBSTITUTED.sub(self._substitute, script)

    def _substitute(self, found: re.Match[str]) -> str:
        if found["clause"]:
            return found["clause"] + quote_identifier(self.schema)
        if found["namespace"]:
            return f"'{quote_identifier(self.schema)}'"
        if found["channel"]:
            return f"'{self.schema}_{found['channel'].removeprefix('pgq_')}'"
        if found["text"]:
            return f"'{self._role(found['text'])}'"
        if found["role"]:
            return quote_identifier(self._role(found["role"]))
        return quote_identifier(self.schema) + "."

    def _role(self, default: str) -> str:
        return self.role_prefix + default.removeprefix("pgq_")


def _check(what: str, name: str, longest: int) -> None:
    if not name:
        raise ValueError(f"the {what} is empty")
    if len(name.encode()) > longest:
        raise ValueError(f"the {what} {name!r} is longer than {longest} bytes")
    if name.startswith("pg_"):
        raise ValueError(f"the {what} {name!r} starts with pg_, which Postgres keeps for itself")
    if forbidden := _FORBIDDEN.search(name):
        raise ValueError(f"the {what} {name!r} may not hold {forbidden[0]!r}")
