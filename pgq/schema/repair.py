"""Bring a schema back to what was installed, with the statements in sql/.

Whatever is missing or changed is made anew: functions, views, indexes, constraints, triggers,
defaults, fillfactors, rows that the installer made, grants of our roles, owners. Tables and columns
hold data, so they are not touched. Whatever somebody added stays, unless it changes or loses rows
of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import errors, sql

from pgq.errors import MigrationError, SchemaNotOurs
from pgq.schema.extension import add_members
from pgq.schema.migrate import (
    BEGIN_SCRIPT,
    check_script,
    connect,
    explained,
    head,
    lock_script,
    run_script,
    schema_revision_sql,
)
from pgq.schema.names import SQL, Names, function_script, read_script
from pgq.schema.state import schema_state


class Difference(NamedTuple):
    """A row of the SQL function _drift: an object and how it differs from what was installed."""

    kind: str
    name: str
    difference: str
    words: str
    cure: str | None

    @property
    def is_lost_grant(self) -> bool:
        """Whether a role of ours lost a right."""
        return self.kind == "grant" and self.difference == "missing"

    def because(self, reason: str | None) -> Difference:
        """Return it with the reason why it cannot be mended."""
        return self._replace(words=f"{self.words} ({reason})") if reason else self


# How to find an object of a kind in the statements of sql/; {} stands for its bare name.
_MADE_BY: Final = {
    "function": r"create or replace function pgq\.{}\(",
    "view": r"create or replace view pgq\.{} ",
    "index": r"create (?:unique )?index {} ",
    "trigger": r"create trigger {}\s",
    "row": r"insert into pgq\.{} ",
}
# The functions that look for differences; the later ones call the earlier ones.
_LOOKS: Final = (
    *(
        "_normalise_schema_name",
        "_current_functions",
        "_current_tables",
        "_current_indexes",
        "_current_rules",
        "_current_rows",
        "_current_grants",
    ),
    *("_fingerprint", "_foreign_owned_objects", "_cure_of_drift", "_drift"),
)
_NOT_REPLACED: Final = ("constraint", "index", "trigger")
# In this order, because the later ones need the earlier ones.
_ORDER: Final = (
    *("function", "default", "parameter", "row"),
    *("constraint", "index", "view", "trigger"),
)

_COMMENT: Final = re.compile(r"/\*.*?\*/|^--[^\n]*$", re.DOTALL | re.MULTILINE)
_DEFAULT: Final = r"\n  {} [^\n]*? default ([^\n]*?)(?=,\n|\n\))"
_PARAMETER: Final = r"\) with \([^()]*?\b{} = (\w+)"
_CONSTRAINT: Final = r"\n  constraint {} (.*?)(?=,\n  \w|\n\))"


class Repair(NamedTuple):
    """What was made anew, and what is still not as it was installed."""

    mended: list[Difference]
    left: list[Difference]


def repair(dsn: str = "", *, schema: str = "pgq", role_prefix: str | None = None) -> Repair:
    """Make anew what is missing or changed in the schema, in one transaction.

    It runs as the owner of the schema. If a superuser calls it, objects that belong to somebody
    else are first given back to the owner. Nothing in the schema is run before it is compared.

    Raises MigrationError, and has changed nothing, if the schema is not at this package's revision,
    if it is in use, or if this user may not repair it; SchemaNotOurs; and psycopg.OperationalError
    if there is no connection.
    """
    names = Names(schema, role_prefix)
    with connect(dsn) as connection:
        try:
            mender = _Mender(connection, names)
            found = _prepare(connection, names, mender)
            found += _look(connection, names, mender)
            if any(each.difference not in ("foreign", "owner") for each in found):
                _mend(connection, names, mender, found)
                if schema_state(connection, names.schema).extension:
                    add_members(connection)
            left = differences(connection, names)
        except psycopg.Error as error:
            raise explained(error) from error
    mended = [each for each in found if each not in left]
    return Repair(mended, [each.because(mender.failed.get(each.name)) for each in left])


def _prepare(
    connection: psycopg.Connection[Any], names: Names, mender: _Mender
) -> list[Difference]:
    """Become the owner, lock the schema, and check that it is ours; return what others owned."""
    run_script(connection, BEGIN_SCRIPT)
    state = schema_state(connection, names.schema)
    if state.foreign:
        raise SchemaNotOurs(f"the schema {names.schema} is not ours: {state.foreign}")
    if not state.ours:
        raise MigrationError(f"there is no schema {names.schema}", "Install it: pgq migrate")
    body = function_script("_foreign_owned_objects").split("$$")[1]
    rows = run_script(connection, names.apply(body)).fetchall()
    strange = [
        Difference("owner", name, "owner", f"{name} belongs to {owner}", cure)
        for name, owner, cure in rows
    ]
    for each in strange:
        mender.attempt(each, [str(each.cure)])
    owner = "select nspowner::regrole::text from pg_namespace where nspname = %s"
    for (role,) in connection.execute(owner, (names.schema,)).fetchall():
        run_script(connection, f"set local role {role}")
    run_script(connection, check_script(names))
    run_script(connection, lock_script(names))
    row = run_script(connection, schema_revision_sql(names.schema)).fetchone()
    if row is None or row[0] != head():
        raise MigrationError(
            f"the schema is at revision {row and row[0]}, this package at {head()}",
            "Run `pgq migrate` first.",
        )
    return strange


def _look(connection: psycopg.Connection[Any], names: Names, mender: _Mender) -> list[Difference]:
    """Return the differences; temporary copies of our functions look for them."""
    for name in _LOOKS:
        made = function_script(name)
        copy = re.sub(rf"\bpgq\.(?=(?:{'|'.join(_LOOKS)})\()", "pg_temp.", made)
        run_script(connection, names.apply(copy))
    known = sql.Identifier(names.schema, "installed_objects")
    try:
        with connection.transaction():
            query = sql.SQL("select exists (select from {})").format(known)
            if connection.execute(query).fetchone() == (True,):
                return differences(connection, names)
    except errors.UndefinedTable:
        mender.run(read_script(SQL / "tables" / "installed_objects.sql"))
    _make_functions(connection, names, mender)
    mender.run("select pgq._note_installed(false)")
    return [Difference("table", "installed_objects", "empty", "nothing was noted", None)]


def differences(connection: psycopg.Connection[Any], names: Names) -> list[Difference]:
    """Return what is not as it was installed; it uses the copies that `_look` has made."""
    rows = connection.execute("select kind, name, difference, words, cure from pg_temp._drift()")
    return [Difference(*row) for row in rows]


def _mend(
    connection: psycopg.Connection[Any],
    names: Names,
    mender: _Mender,
    found: list[Difference],
) -> None:
    """Make anew what is missing or changed; the mender notes what could not be."""
    for each in found:
        if each.cure and each.difference in ("added", "changed"):
            mender.attempt(each, [each.cure])
    lost = [each for each in found if each.difference in ("missing", "changed")]
    for kind in _ORDER:
        mender.make([each for each in lost if each.kind == kind])
    _give_back(connection, names, mender, {each.name for each in found})


def _give_back(
    connection: psycopg.Connection[Any], names: Names, mender: _Mender, known: set[str]
) -> None:
    """Restore owners and grants; `known` has the grants that an administrator made."""
    found = differences(connection, names)
    gone = {each.name.rpartition(" to ")[2] for each in found if each.is_lost_grant}
    roles = "select from pg_catalog.pg_roles where quote_ident(rolname) = any(%s)"
    if connection.execute(roles, (list(gone),)).rowcount < len(gone):
        mender.run(read_script(SQL / "grants.sql"))
    for each in found:
        if each.is_lost_grant:
            mender.attempt(each, [f"grant {each.name}"])
        elif each.cure and (each.difference == "owner" or each.name not in known):
            # New objects belong to the role that made them, and everybody may call them.
            mender.attempt(each, [each.cure])


def _make_functions(connection: psycopg.Connection[Any], names: Names, mender: _Mender) -> None:
    """Make every function anew, because nobody knows what was installed."""
    there = connection.execute(
        "select proname::text from pg_proc where pronamespace = to_regnamespace(quote_ident(%s))",
        (names.schema,),
    )
    known = {name for (name,) in there}
    for statement in mender.statements:
        made = re.match(_MADE_BY["function"].format("((?!_now)[a-z_]+)"), statement)
        if not made:
            continue
        try:
            with connection.transaction():
                mender.run(statement)
        except errors.InvalidFunctionDefinition:
            mender.run(f"drop function pgq.{made[1]}")
            mender.run(statement)
            known.discard(made[1])
        if made[1] not in known:
            mender.run(f"revoke all on function pgq.{made[1]} from public")


class _Mender:
    def __init__(self, connection: psycopg.Connection[Any], names: Names) -> None:
        self._connection = connection
        self._names = names
        self.statements = list(_statements(read_script(SQL / "install.sql")))
        self.failed: dict[str, str] = {}

    def run(self, statement: str) -> None:
        """Run a statement of sql/, for this installation's names."""
        run_script(self._connection, self._names.apply(statement))

    def make(self, found: list[Difference]) -> None:
        """Make objects of one kind, in the order of the install; note what cannot be made."""
        for statement in self.statements if found else ():
            for each in found:
                drop, *recipe = self._recipe(statement, each) or [""]
                if recipe and each.difference == "changed" and each.kind in _NOT_REPLACED:
                    self.attempt(each, [drop, *recipe])
                elif recipe and not self.attempt(each, recipe):
                    # It has another return type or other columns now, so it cannot be replaced.
                    self.attempt(each, [drop, *recipe])

    def attempt(self, lost: Difference, recipe: list[str]) -> bool:
        """Run statements, all or none; return False if an object must be dropped first."""
        try:
            with self._connection.transaction():
                for statement in recipe:
                    run_script(self._connection, statement)
        except (errors.InvalidFunctionDefinition, errors.InvalidTableDefinition):
            return False
        except errors.LockNotAvailable:
            raise
        except psycopg.Error as error:
            self.failed[lost.name] = error.diag.message_primary or str(error)
        return True

    def _recipe(self, statement: str, lost: Difference) -> list[str] | None:
        """Return how to drop and make it, if this statement of sql/ makes it."""
        bare, _, table = lost.name.partition("(")[0].partition(" on ")
        made = re.match(rf"create table [a-z ]*pgq\.{re.escape(table)}\b.*? \(\n", statement)
        if lost.kind == "constraint":
            rule = re.search(_CONSTRAINT.format(re.escape(bare)), statement, re.DOTALL)
            if not made or not rule:
                return None
            recipe = [
                f"alter table pgq.{table} drop constraint {bare}",
                f"alter table pgq.{table} add constraint {bare} {rule[1]}",
            ]
        elif lost.kind == "default":
            rule = re.search(_DEFAULT.format(re.escape(bare)), statement)
            if not made or not rule:
                return None
            recipe = ["", f"alter table pgq.{table} alter column {bare} set default {rule[1]}"]
        elif lost.kind == "parameter":
            rule = re.search(_PARAMETER.format(re.escape(bare)), statement)
            if not made or not rule:
                return None
            recipe = ["", f"alter table pgq.{table} set ({bare} = {rule[1]})"]
        elif lost.kind == "row":
            if not re.match(_MADE_BY["row"].format(re.escape(table)), statement):
                return None
            recipe = ["", statement.removesuffix(";") + " on conflict do nothing"]
        elif re.match(_MADE_BY[lost.kind].format(re.escape(bare)), statement):
            named = rf"comment on (?:{lost.kind}|column) (?:pgq\.)?{re.escape(bare)}\b"
            comments = [each for each in self.statements if re.match(named, each)]
            place = f"{bare} on pgq.{table}" if lost.kind == "trigger" else f"pgq.{bare}"
            closed = {
                "function": [f"revoke all on function pgq.{lost.name} from public"],
                "view": [f"select pgq._revoke_default_grants('{bare}')"],
            }.get(lost.kind, [])
            recipe = [f"drop {lost.kind} {place}", statement, *comments, *closed]
        else:
            return None
        return [self._names.apply(each) for each in recipe]


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script of ours: each ends with a line outside of a body."""
    piece = ""
    for line in _COMMENT.sub("", script).splitlines():
        piece += line + "\n"
        if line.endswith(";") and piece.count("$$") % 2 == 0:
            yield piece.strip()
            piece = ""
