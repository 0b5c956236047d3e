"""The start of a migration: it calls, trusts and waits for nothing foreign."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from pgq.schema.names import SQL, Names, read_script

# Every script begins with this: no name is looked up where others may have put something.
BEGIN_SCRIPT: Final = """\
set local search_path = pg_catalog, pg_temp;
set local statement_timeout = 0;
set local lock_timeout = '5s';
"""


# Around an install script, after which its caller's transaction has the settings that it had: what
# `set local` changed would last for the rest of the transaction. SQL has no variables, so the
# values are kept under names of our own meanwhile, which nobody reads.
_SETTINGS: Final = ("search_path", "lock_timeout", "statement_timeout")


def _block(pairs: list[tuple[str, str]]) -> str:
    lines = (
        f"  perform pg_catalog.set_config('{to}', pg_catalog.current_setting('{source}'), true);"
        for to, source in pairs
    )
    return "\n".join(("do $$ begin", *lines, "end $$;", ""))


KEEP_SETTINGS: Final = _block([(f"pgq_install.{name}", name) for name in _SETTINGS])
RESTORE_SETTINGS: Final = _block([(name, f"pgq_install.{name}") for name in _SETTINGS])


def run_script(connection: psycopg.Connection[Any], script: str) -> psycopg.Cursor[Any]:
    """Run SQL text of ours as it is; no character in it is a placeholder."""
    return connection.execute(script.encode(connection.info.encoding))


def lock_script(names: Names) -> str:
    """Return the SQL that lets one migration of a schema run at a time.

    Only the schema's owner can hold this lock. It waits 60 s for another installer. Each later lock
    must come within 5 s: behind a long transaction, a migration gives up, because every enqueue
    would wait behind it. (A first install waits in sql/schema.sql.)
    """
    lock = """\
set local lock_timeout = '60s';
do $$
begin
  if to_regclass('pgq.schema_version') is not null then
    lock table pgq.schema_version in share row exclusive mode;
  end if;
end
$$;
set local lock_timeout = '5s';
"""
    return BEGIN_SCRIPT + names.apply(lock)


def check_script(names: Names) -> str:
    """Return the SQL that refuses a schema in which others could plant something."""
    return names.apply(read_script(SQL / "check_owner.sql"))


def begin(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Let the new transaction call only what Postgres brings, unless a name has its schema.

    SQLAlchemy and alembic qualify no operator.
    """
    run_script(connection, BEGIN_SCRIPT)
    return connection
