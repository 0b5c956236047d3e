"""Commands about how long finished jobs are kept: `pgq retention show` and `set`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import WrongCall
from pgq.cli.options import database_options, duration, json_option
from pgq.cli.output import record, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgq.client.clients import Client

_AGES: Final = {
    "succeeded": "Jobs that succeeded.",
    "failed": "Jobs that failed.",
    "cancelled": "Jobs that were cancelled or expired.",
    "results": "Results; their jobs stay.",
    "schedule_history": "What the ticks of schedules did.",
}


def _ages(command: Callable[..., None]) -> Callable[..., None]:
    for name, text in reversed(_AGES.items()):
        option = f"--{name.replace('_', '-')}"
        command = click.option(option, type=duration, metavar="DURATION", help=text)(command)
    return command


@cli.group(cls=Subgroup, short_help="Say how long finished jobs are kept.")
def retention() -> None:
    """Say how long finished jobs are kept: of all, of a queue, or of a task.

    A task goes before its queue, and this before all. With --json each of these commands writes
    JSON.

    \b
      pgq retention set --succeeded 7d --failed 90d
      pgq retention set --task ping --succeeded 1d
      pgq retention show
    """


@retention.command()
@database_options
@json_option
def show(dsn: str | None, schema: str, as_json: bool) -> None:
    """Show how long finished jobs are kept, and where it differs.

    \b
      pgq retention show
    """
    with open_client(dsn, schema) as client:
        _tell(client, as_json)


@retention.command(name="set", short_help="Set how long finished jobs are kept.")
@click.option("-q", "--queue", help="Of this queue only.")
@click.option("--task", help="Of this task only.")
@_ages
@click.option("--reset", multiple=True, metavar="AGE", help="Take back this age, or `all`; repeat.")
@database_options
@json_option
def set_(
    queue: str | None,
    task: str | None,
    reset: tuple[str, ...],
    dsn: str | None,
    schema: str,
    as_json: bool,
    **ages: Any,
) -> None:
    """Set the ages that you pass, keep the others, and show what now counts.

    Ages are whole days. Workers delete what is older; nothing is deleted at once. With
    --succeeded 0 a job that succeeds leaves no row at all.

    \b
      pgq retention set --failed 90d --results 2d
      pgq retention set -q reports --succeeded 60d
      pgq retention set --task ping --succeeded 0
      pgq retention set -q reports --reset all
    """
    if not reset and all(age is None for age in ages.values()):
        raise WrongCall("nothing to do", "give an age, as in --failed 90d, or --reset")
    names = [each.replace("-", "_") for each in reset]
    with open_client(dsn, schema) as client:
        client.configure_retention(queue, task, **ages, reset=names or None)
        _tell(client, as_json)


def _tell(client: Client, as_json: bool) -> None:
    found = [record(each) for each in client.retention_settings()]
    if as_json:
        write_json(found)
        return
    for each in found:
        each["of"] = (
            f"queue {each['queue']}"
            if each["queue"]
            else f"task {each['task']}"
            if each["task"]
            else "all"
        )
        if each["succeeded"] == timedelta():
            each["succeeded"] = "not kept"
    columns = ("of", *_AGES)
    titles = tuple(name.replace("_", " ") for name in columns)
    write_table(titles, [[each[name] for name in columns] for each in found], "nothing")
