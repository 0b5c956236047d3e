"""The schema as an extension: its files, and the way in and out."""

from __future__ import annotations

from pathlib import Path

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import WrongCall
from pgq.cli.options import database_options, json_option
from pgq.cli.output import clean, write_json


@cli.command()
@click.option("--undo", is_flag=True, help="Make a plain install of the extension again.")
@database_options
@json_option
def adopt(undo: bool, dsn: str | None, schema: str, as_json: bool) -> None:
    """Make a plain install the extension pgq_sql, or the other way round.

    All jobs stay where they are, and workers may run meanwhile. The plain install must be in the
    schema pgq and at this release's revision, and the server must have the extension's files. It
    needs the owner of the schema, with CREATE on the database.

    \b
      pgq migrate --extension "$(pg_config --sharedir)/extension"
      pgq adopt
      pgq adopt --undo
    """
    from pgq.schema import extension

    if schema != "pgq":
        raise WrongCall(f"the extension is for the schema pgq, not {schema}", "leave --schema out")
    found = find_dsn(dsn)
    version = None
    if undo:
        extension.leave(found)
    else:
        version = extension.adopt(found)
    if as_json:
        write_json({"schema": schema, "extension": version})
    elif undo:
        click.echo("schema pgq is a plain install now: pgq migrate upgrades it")
    else:
        click.echo(
            f"schema pgq is extension {extension.EXTENSION} {version} now: "
            f"alter extension {extension.EXTENSION} update; upgrades it"
        )


def write_extension(folder: Path | None, tle: bool, as_json: bool, *, is_alone: bool) -> None:
    """Write the extension's files to a folder and say how to install it, or print pg_tle's SQL.

    WrongCall where other options of `migrate` were given.
    """
    from pgq.schema import extension

    if not is_alone:
        raise WrongCall(
            "the extension has one schema and one set of roles, and is not migrated",
            "give --extension DIR or --tle alone",
        )
    if folder is None:
        script = extension.tle_script()
        if as_json:
            write_json({"sql": script})
        else:
            click.echo(script, nl=False)
        return
    if tle:
        raise WrongCall("--extension writes files, --tle prints SQL", "give one of them")
    written = extension.write(folder)
    if as_json:
        write_json({"files": [str(path) for path in written]})
        return
    for path in written:
        click.echo(clean(str(path)))
    place = folder.resolve()
    if place.name == "extension":
        click.echo(
            "Postgres 18 finds them there with this, outside of its own folder:\n"
            f"  alter system set extension_control_path = '$system:{clean(str(place.parent))}';\n"
            "  select pg_reload_conf();",
            err=True,
        )
    click.echo(
        f"then, in the database: create extension {extension.EXTENSION}; or, of a plain install: "
        "pgq adopt",
        err=True,
    )
