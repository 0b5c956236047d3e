"""The schema as the extension pgq_sql: its files, and what turns a plain install into it and back.

An extension has one fixed schema, pgq, and one set of roles. Its scripts are made of the same
texts as every other install: sql/ for the newest version, the frozen revisions for older ones.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import psycopg

from pgq.errors import MigrationError
from pgq.schema.migrate import VERSION_TABLE, connect, explained, head, revisions
from pgq.schema.names import MIGRATIONS, SQL, Names, read_script
from pgq.schema.start import (
    BEGIN_SCRIPT,
    KEEP_SETTINGS,
    RESTORE_SETTINGS,
    begin,
    check_script,
    lock_script,
    run_script,
)
from pgq.schema.state import schema_state
from pgq.version import __version__

EXTENSION: Final = "pgq_sql"
COMMENT: Final = "A job queue in SQL functions: enqueue, claim, retry, schedule, limit"
# The version of a plain install that is about to be adopted.
UNPACKAGED: Final = "unpackaged"

_PARTS: Final = MIGRATIONS / "extension"
_ALONE: Final = f'\\echo Use "create extension {EXTENSION}" to load this file. \\quit'
_QUOTE: Final = "$pgq_sql_script$"

_MAKEFILE: Final = f"""\
EXTENSION = {EXTENSION}
DATA = $(wildcard {EXTENSION}--*.sql)
PG_CONFIG = pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
"""
_README: Final = f"""\
# {EXTENSION}

{COMMENT}. As the owner of the database, or any role with CREATE on it:

    create extension {EXTENSION};
    select pgq.enqueue('hello', '{{"to": "world"}}');

These files are made by `pgq migrate --extension`. A dump of a database with it is restored with
`pg_restore --role=OWNER`: dumps do not say whose an extension is.
"""


def files() -> dict[str, str]:
    """Return the extension's files by name: for the server, PGXN and database.dev."""
    return {
        f"{EXTENSION}.control": _control(),
        **scripts(),
        "META.json": json.dumps(_meta(), indent=2) + "\n",
        "Makefile": _MAKEFILE,
        "README.md": _README,
    }


def write(folder: Path) -> list[Path]:
    """Write the files into a folder, which is made; return them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def scripts() -> dict[str, str]:
    """Return the scripts by name: every version can be made, and brought to the newest.

    An older version is made of the frozen revisions of the first release and the steps after it,
    so that a dump of it can be restored as what it was.
    """
    whole = read_script(SQL / "install.sql") + _note_first(head())
    made = {_name(__version__): _install(whole)}
    older = [each for each in releases() if each[0] != __version__]
    if older:
        first, revision = older[0]
        made[_name(first)] = _install(_frozen(None, revision))
    steps = [*older, (__version__, head())]
    for (before, start), (after, end) in pairwise(steps):
        made[_name(before, after)] = _update(start, end)
    made[_name(UNPACKAGED)] = _script("", _adopted(), "members", "dumps")
    made[_name(UNPACKAGED, __version__)] = f"{_ALONE}\n"
    return made


def tle_script() -> str:
    """Return what installs or updates the extension through pg_tle, for a member of pgtle_admin.

    It leaves out versions and steps that pg_tle has.
    """
    calls = []
    for name, text in scripts().items():
        _, *versions = name.removesuffix(".sql").split("--")
        if versions[0] == UNPACKAGED:
            continue
        if len(versions) == 1:
            calls.append(_tle_version(versions[0], text))
        else:
            calls.append(_tle_step(versions[0], versions[1], text))
    calls.append(f"select pgtle.set_default_version('{EXTENSION}', '{__version__}');")
    return "\n".join(("begin;", *calls, "commit;", ""))


def releases() -> list[tuple[str, str]]:
    """Return the releases, the oldest first, with the revision that each has."""
    noted = MIGRATIONS / "versions" / "RELEASES"
    if not noted.exists():
        return []
    lines = (line.split() for line in noted.read_text(encoding="utf-8").splitlines())
    return [(version, revision) for version, revision in lines]


def adopt(dsn: str = "") -> str:
    """Make the extension of the plain install in schema pgq; return the extension's version.

    Nothing of its data is touched. The server must have the extension's files, or pg_tle the
    script of this version. Raises MigrationError.
    """
    with connect(dsn) as connection:
        try:
            begin(connection)
            state = schema_state(connection, "pgq")
            if state.extension:
                raise MigrationError(f"the schema pgq is {state.extension} already")
            if not state.ours:
                raise MigrationError(
                    "there is no plain install in schema pgq to adopt", "Install it: pgq migrate"
                )
            _require_files(connection)
            connection.execute(f"create extension {EXTENSION} version '{UNPACKAGED}'".encode())
            connection.execute(f"alter extension {EXTENSION} update to '{__version__}'".encode())
        except psycopg.Error as error:
            raise explained(error) from error
    return __version__


def leave(dsn: str = "") -> None:
    """Make a plain install of the extension, with all its data. Raises MigrationError."""
    with connect(dsn) as connection:
        try:
            begin(connection)
            if not schema_state(connection, "pgq").extension:
                raise MigrationError(f"the schema pgq is no extension {EXTENSION}")
            run_script(connection, _part("leave"))
        except psycopg.Error as error:
            raise explained(error) from error


def add_members(connection: psycopg.Connection[Any]) -> None:
    """Make members of what was made again outside of the extension's scripts."""
    run_script(connection, _part("members"))


def _require_files(connection: psycopg.Connection[Any]) -> None:
    there = connection.execute(
        "select coalesce(array_agg(version), '{}') from pg_available_extension_versions"
        " where name = %s",
        (EXTENSION,),
    ).fetchone()
    assert there is not None
    if missing := {UNPACKAGED, __version__} - {*there[0]}:
        raise MigrationError(
            f"the server has no extension {EXTENSION} {min(missing)}",
            "Put its files on the server: pgq migrate --extension DIR",
        )


def _name(*versions: str) -> str:
    return "--".join((EXTENSION, *versions)) + ".sql"


def _part(name: str) -> str:
    return read_script(_PARTS / f"{name}.sql")


def _script(middle: str, before: str, *after: str) -> str:
    """Return a script of the extension: what makes or changes objects, and what is around it."""
    parts = (before, middle, *map(_part, after))
    return "\n".join((_ALONE, KEEP_SETTINGS, BEGIN_SCRIPT, *parts, RESTORE_SETTINGS))


def _install(script: str) -> str:
    return _script(script, _part("no_queue"), "members", "dumps")


def _update(start: str, end: str) -> str:
    names = Names()
    note = f"update pgq.{VERSION_TABLE} set version_num = '{end}';"
    middle = "\n".join((_frozen(start, end), note, read_script(SQL / "grants.sql")))
    return _script(middle, check_script(names) + lock_script(names), "dumps")


def _frozen(start: str | None, end: str) -> str:
    """Return the text of the revisions after one, up to another; a first one notes its number."""
    wanted = [each for each in revisions() if (start or "") < each <= end]
    texts = [read_script(*(MIGRATIONS / "versions").glob(f"{each}_*.sql")) for each in wanted]
    if start is None:
        texts.append(_note_first(end))
    return "\n".join(texts)


def _note_first(revision: str) -> str:
    return f"insert into pgq.{VERSION_TABLE} (version_num) values ('{revision}');\n"


def _adopted() -> str:
    """Return the check that a plain install is at the revision of this version."""
    return check_script(Names()) + _part("adopt").replace("REVISION", head())


def _control() -> str:
    # Not trusted: the functions with their owner's rights would be those of a superuser.
    return f"""\
comment = '{COMMENT}'
default_version = '{__version__}'
schema = 'pg_catalog'
relocatable = false
superuser = false
requires = 'plpgsql'
"""


def _meta() -> dict[str, Any]:
    return {
        "name": EXTENSION,
        "abstract": COMMENT,
        "version": __version__,
        "maintainer": "pgq contributors",
        "license": "mit",
        "provides": {
            EXTENSION: {
                "abstract": COMMENT,
                "file": _name(__version__),
                "docfile": "README.md",
                "version": __version__,
            }
        },
        "prereqs": {"runtime": {"requires": {"PostgreSQL": "15.0.0"}}},
        "release_status": "testing",
        "tags": ["queue", "jobs", "tasks", "scheduler"],
        "meta-spec": {"version": "1.0.0", "url": "https://pgxn.org/meta/spec.txt"},
    }


def _tle_version(version: str, script: str) -> str:
    return f"""\
do $pgq_sql_call$
declare
  v_script constant text := {_QUOTE}{script}{_QUOTE};
begin
  if not exists (select from pgtle.available_extensions() where name = '{EXTENSION}') then
    -- Since 1.5 it can be told where the extension belongs; before, that is the first schema.
    if exists (
      select
      from pg_catalog.pg_proc
      where pronamespace = 'pgtle'::regnamespace
        and proname = 'install_extension'
        and 'schema' = any(proargnames)
    ) then
      perform pgtle.install_extension(
        '{EXTENSION}', '{version}', '{COMMENT}', v_script, '{{plpgsql}}', 'pg_catalog'
      );
    else
      perform pgtle.install_extension(
        '{EXTENSION}', '{version}', '{COMMENT}', v_script, '{{plpgsql}}'
      );
    end if;
  elsif not exists (
    select
    from pgtle.available_extension_versions()
    where name = '{EXTENSION}' and version = '{version}'
  ) then
    perform pgtle.install_extension_version_sql('{EXTENSION}', '{version}', v_script);
  end if;
end
$pgq_sql_call$;
"""


def _tle_step(before: str, after: str, script: str) -> str:
    return f"""\
do $pgq_sql_call$
begin
  if not exists (
    select
    from pgtle.extension_update_paths('{EXTENSION}')
    where path = '{before}--{after}'
  ) then
    perform pgtle.install_update_path(
      '{EXTENSION}', '{before}', '{after}', {_QUOTE}{script}{_QUOTE}
    );
  end if;
end
$pgq_sql_call$;
"""
