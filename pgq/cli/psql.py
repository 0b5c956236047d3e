"""The command psql: the database's own shell, with named queries about the queue in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import NoDatabase
from pgq.cli.options import database_options

# Which file psql reads first; without it, the user's own.
_FIRST_FILE: Final = "PSQLRC"


@cli.command(
    "psql",
    short_help="Start psql with named queries, such as :queues and :why.",
    context_settings={"ignore_unknown_options": True},
)
@click.option(
    "--print", "prints", is_flag=True, help="Write the file of the queries instead, for \\i."
)
@click.argument("psql_args", metavar="[PSQL-OPTION...]", nargs=-1, type=click.UNPROCESSED)
@database_options
def psql(prints: bool, psql_args: tuple[str, ...], dsn: str | None, schema: str) -> None:
    """Start psql on the database of the queue, with named queries about it.

    In psql, type :pgq to see them: :queues, :health, :running, :why, :errors, :slow and more. No
    line is wider than 120 columns, and `:queues \\watch 2` shows one again and again. They need the
    role observer. Other options go to psql; your ~/.psqlrc is read too. For programs there are the
    other commands, with --json.

    \b
      pgq psql
      pgq psql --print > ~/pgq.psql, and then in any psql: \\i ~/pgq.psql
    """
    from pgq.schema.names import SQL, Names, read_script

    script = Names(schema).apply(read_script(SQL / "queries.psql"))
    if prints:
        click.echo(script, nl=False)
        return
    found = shutil.which("psql")
    if found is None:
        raise NoDatabase(
            "there is no psql on PATH",
            "install it (Debian: postgresql-client), or `pgq psql --print` for another machine",
        )
    own = os.environ.get(_FIRST_FILE) or str(Path.home() / ".psqlrc")
    with tempfile.NamedTemporaryFile("w", prefix="pgq-", suffix=".psql", delete=False) as file:
        if Path(own).is_file():
            file.write(f"\\i {_quoted(own)}\n")
        file.write(script)
        # It is not needed any more once it is read; psql takes our place and never comes back.
        file.write(f"\\! rm -f {_quoted(file.name)}\n")
    environment = {**os.environ, **_as_variables(find_dsn(dsn)), _FIRST_FILE: file.name}
    os.execve(found, [found, *psql_args], environment)


def _as_variables(dsn: str) -> dict[str, str]:
    """Return a DSN as libpq's variables: arguments of a process are for everybody to read."""
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    given = conninfo_to_dict(dsn)
    names = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    return {
        variable.decode(): str(value)
        for keyword, value in given.items()
        if (variable := names.get(keyword)) is not None
    }


def _quoted(path: str) -> str:
    return "'" + path.replace("\\", "\\\\").replace("'", "''") + "'"
