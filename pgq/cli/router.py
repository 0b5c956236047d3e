"""The command about routers: router sql."""

from __future__ import annotations

from pathlib import Path

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.failures import WrongCall
from pgq.cli.fleet import targets
from pgq.cli.options import fleet_options, json_option, role_prefix_option
from pgq.cli.output import clean, write_json
from pgq.cli.shards import open_fleet, owners_of


@cli.group(cls=Subgroup, short_help="Let any language call a fleet of shards.")
def router() -> None:
    """Make a router: a database with PL/Proxy, in which any language calls a fleet of shards.

    `router sql` prints the SQL that makes one, or, with --json, a JSON object with it.

    \b
      pgq router sql --installation 's*' | psql -X -v ON_ERROR_STOP=1 router
    """


@router.command(short_help="Print the SQL that makes a router, or renews it.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file."
)
@role_prefix_option
@fleet_options
@json_option
def sql(
    output: Path | None,
    role_prefix: str | None,
    dsn: str | None,
    schema: str | None,
    as_json: bool,
) -> None:
    """Print the SQL that makes a router, or renews it after shards or slots have changed.

    Name every shard. The SQL needs a superuser, the extension plproxy, and a database without pgq.
    It has no users and no passwords: each login connects to the shards as the login of its name.

    \b
      pgq router sql --installation 's*' | psql -X -v ON_ERROR_STOP=1 router
      pgq router sql --dsn host=a --dsn host=b --output router.sql
    """
    from pgq.schema.names import Names
    from pgq.schema.router import Shard, place_of, router_script

    chosen = {each.name or "the database": each for each in targets(dsn, schema)}
    schemas = {each.schema for each in chosen.values()}
    if len(schemas) > 1:
        raise WrongCall(
            f"the shards have pgq in several schemas: {', '.join(sorted(schemas))}",
            "a router needs the same one on each",
        )
    with open_fleet(dsn, schema) as shards:
        owners = owners_of(shards)
        places = []
        for each in shards:
            with each.client.connection() as connection:
                conninfo = place_of(connection, chosen[each.name].dsn or "")
            places.append(Shard(each.map.number, conninfo, each.name))
        spread = sorted({queue for each in shards for queue in each.map.spread})
        with shards[0].client.connection() as connection:
            script = router_script(
                connection, places, owners, spread, Names(schemas.pop(), role_prefix)
            )
    moving = sum(owner is None for owner in owners)
    if output is not None:
        output.write_text(script, encoding="utf-8")
    if as_json:
        write_json({"sql": script if output is None else None, "file": output and str(output)})
    elif output is None:
        click.echo(script, nl=False)
    else:
        click.echo(clean(str(output)))
    if moving:
        click.echo(f"{moving} slots move just now: run this again when they have", err=True)
