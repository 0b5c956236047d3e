"""Commands about the schema: migrate, uninstall, verify, maintain."""

from __future__ import annotations

from pathlib import Path

import click

from pgq.cli.app import cli
from pgq.cli.bars import progress
from pgq.cli.database import find_dsn, open_client
from pgq.cli.extension import write_extension
from pgq.cli.failures import Refusal, WrongCall, database_of
from pgq.cli.options import asks, database_options, json_option, role_prefix_option
from pgq.cli.output import clean, record, write_json, write_table

_VIOLATION = ("violation", "job_id", "detail")


@cli.command()
@role_prefix_option
@click.option(
    "--sql", "only_print", is_flag=True, help="Print the SQL for psql, and change nothing."
)
@click.option("--repair", is_flag=True, help="Repair what `pgq doctor` calls missing or changed.")
@click.option("--dry-run", is_flag=True, help="Only say from which revision to which it would go.")
@click.option(
    "--extension",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Only write the files of the extension pgq_sql to this folder.",
)
@click.option("--tle", is_flag=True, help="Only print the SQL that gives pg_tle the extension.")
@database_options
@json_option
def migrate(
    role_prefix: str | None,
    only_print: bool,
    repair: bool,
    dry_run: bool,
    extension: Path | None,
    tle: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Install or upgrade the schema. You can run it at any time, and several times at once.

    It needs no superuser and no extension, only the right to create a schema. It creates roles if
    this user may create roles; a note says which were skipped.

    --repair restores functions, views, indexes, constraints, triggers, owners and grants; it does
    --not change tables, or what somebody added. Exit code 1 if it could not repair all.

    \b
      pgq migrate
      pgq migrate --repair
      pgq migrate --sql | psql -X -v ON_ERROR_STOP=1 app
      pgq migrate --extension "$(pg_config --sharedir)/extension"
      pgq migrate --tle | psql -X -v ON_ERROR_STOP=1 app
    """
    from pgq.schema import migrate as migrations

    if extension is not None or tle:
        given = (only_print, repair, dry_run, role_prefix is not None, schema != "pgq")
        write_extension(extension, tle, as_json, is_alone=not any(given))
        return
    if only_print:
        script = migrations.offline_script(schema, role_prefix)
        if as_json:
            write_json({"schema": schema, "sql": script})
        else:
            click.echo(script, nl=False)
        return
    found = find_dsn(dsn)
    if dry_run:
        _tell_upgrade_plan(found, schema, as_json, repair)
        return
    if repair:
        _repair(found, schema, role_prefix, as_json)
        return
    _upgrade(found, schema, role_prefix, as_json)


@cli.command()
@role_prefix_option
@click.option("--confirm", metavar="NAME", help="The schema's name, instead of being asked.")
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@database_options
@json_option
def uninstall(
    role_prefix: str | None,
    confirm: str | None,
    dry_run: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Drop the schema with every job and all history, and its roles. There is no way back.

    It asks for the schema's name; if there is no terminal, it needs --confirm.

    \b
      pgq uninstall --confirm pgq
    """
    from pgq.schema import migrate as migrations

    found = find_dsn(dsn)
    if dry_run:
        _tell_uninstall_plan(found, schema, role_prefix, as_json)
        return
    if confirm is None:
        confirm = _ask_name(schema, found)
    if confirm != schema:
        raise Refusal(
            f'nothing was dropped: "{confirm}" is not the schema\'s name',
            f"the schema is {schema}",
        )
    notices = migrations.uninstall(found, schema=schema, role_prefix=role_prefix)
    if as_json:
        write_json({"schema": schema, "notices": notices})
        return
    _tell_notices(notices)
    click.echo(f"schema {schema} is gone")


@cli.command()
@database_options
@json_option
def verify(dsn: str | None, schema: str, as_json: bool) -> None:
    """Check every invariant of the schema. Exit code 1 if one is violated.

    It reads every job once. Use it in tests, and when something looks wrong.

    \b
      pgq verify && echo all is well
    """
    with open_client(dsn, schema) as client:
        found = client.verify()
    if as_json:
        write_json([record(violation) for violation in found])
    else:
        write_table(
            _VIOLATION,
            [[record(row)[name] for name in _VIOLATION] for row in found],
            "no violations",
        )
    if found:
        click.get_current_context().exit(Refusal.exit_code)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Take back all that it did, and say what that was.")
@database_options
@json_option
def maintain(dry_run: bool, dsn: str | None, schema: str, as_json: bool) -> None:
    """Do the maintenance that is due, a bounded amount of it.

    Workers do this all the time; call it by hand, or from cron, if no worker runs. With --dry-run
    it is done in a transaction that is rolled back, whose locks last as long as it does.

    \b
      pgq maintain
      pgq maintain --dry-run
    """
    with open_client(dsn, schema) as client:
        if dry_run:
            with client.connection() as connection, connection.transaction(force_rollback=True):
                steps = client.maintain()
        else:
            steps = client.maintain()
    if as_json:
        write_json([record(step) for step in steps])
    else:
        done = [(step.step, "failed" if step.affected is None else step.affected) for step in steps]
        title = "would affect" if dry_run else "affected"
        write_table(("step", title), done, "nothing is due" if dry_run else "nothing was due")
    if any(step.affected is None for step in steps):
        raise Refusal("a step failed", "pgq doctor says with what; it is tried again by itself")


def _upgrade(found: str, schema: str, role_prefix: str | None, as_json: bool) -> None:
    from pgq.schema import migrate as migrations

    before = migrations.current(found, schema)
    with progress(f"{'installing' if before is None else 'upgrading'} the schema {schema}"):
        notices = migrations.upgrade(found, schema=schema, role_prefix=role_prefix)
    now = migrations.head()
    if as_json:
        write_json({"schema": schema, "revision": now, "before": before, "notices": notices})
        return
    _tell_notices(notices)
    if before == now:
        click.echo(f"schema {schema} is at revision {now} already")
    elif before is None:
        click.echo(f"schema {schema} is installed, at revision {now}")
    else:
        click.echo(f"schema {schema} went from revision {before} to {now}")


def _tell_upgrade_plan(dsn: str, schema: str, as_json: bool, repair: bool) -> None:
    from pgq.schema.plan import plan_upgrade

    if repair:
        raise WrongCall("--dry-run is not for --repair", "`pgq doctor` says what is changed")
    plan = plan_upgrade(dsn, schema=schema)
    if as_json:
        write_json({"schema": schema, **plan._asdict()})
    elif plan.before is None:
        click.echo(f"would install the schema {schema}, at revision {plan.revision}")
    elif not plan.pending:
        click.echo(f"schema {schema} is at revision {plan.revision} already")
    else:
        click.echo(f"would take schema {schema} from {plan.before} to {', '.join(plan.pending)}")


def _tell_uninstall_plan(dsn: str, schema: str, role_prefix: str | None, as_json: bool) -> None:
    from pgq.schema.plan import plan_uninstall

    plan = plan_uninstall(dsn, schema=schema, role_prefix=role_prefix)
    if as_json:
        write_json({"schema": schema, **plan._asdict()})
    else:
        size = f"{plan.tables} tables, {plan.bytes / 1_048_576:,.1f} MiB"
        click.echo(f"would drop the schema {schema}: {size}")
        if plan.roles:
            click.echo(f"would drop the roles {', '.join(map(clean, plan.roles))}")
        for each in plan.in_the_way:
            click.echo(clean(f"in the way: {each} depends on it"))
    if plan.in_the_way:
        click.get_current_context().exit(Refusal.exit_code)


def _repair(dsn: str, schema: str, role_prefix: str | None, as_json: bool) -> None:
    from pgq.schema import repair as repairing

    done = repairing.repair(dsn, schema=schema, role_prefix=role_prefix)
    if as_json:
        answer = {name: [each.words for each in rows] for name, rows in done._asdict().items()}
        write_json({"schema": schema, **answer})
    else:
        for each in done.mended:
            click.echo(f"mended: {clean(each.words)}")
        for each in done.left:
            advice = f"; to undo it: {each.cure}" if each.cure else ""
            click.echo(f"left: {clean(each.words + advice)}")
        if not done.mended and not done.left:
            click.echo(f"schema {schema} is as it was installed")
    if any(each.difference != "foreign" for each in done.left):
        click.get_current_context().exit(Refusal.exit_code)


def _ask_name(schema: str, dsn: str) -> str:
    if not asks():
        raise WrongCall("there is no terminal to ask on", f"say --confirm {schema}")
    place = database_of(dsn)
    click.echo(
        f"This drops the schema {schema} with every job in it"
        + (f", in the database {place}." if place else "."),
        err=True,
    )
    answer: str = click.prompt("Its name, to go on", err=True)
    return answer


def _tell_notices(notices: list[str]) -> None:
    for notice in notices:
        click.echo(f"note: {clean(notice)}", err=True)
