"""Commands about the defaults of tasks: `pgq task list`, `show`, `set` and `forget`."""

from __future__ import annotations

from typing import Any, Final

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.job_options import job_options
from pgq.cli.options import database_options, json_option
from pgq.cli.output import record, write_json, write_table
from pgq.options import OF_TASKS, OPTIONS

_OPTIONS: Final = tuple(each for each in OPTIONS if each.name in OF_TASKS)
_NAME = click.argument("name")


@cli.group(cls=Subgroup, short_help="Say what a task's jobs get by default.")
def task() -> None:
    """Say what the jobs of a task get where their enqueue says nothing.

    An argument of enqueue goes before what is set here, and this goes before what the task's code
    says. With --json each of these commands writes JSON.

    \b
      pgq task set send -q mail --max-attempts 3
      pgq task show send
      pgq task list
    """


@task.command(name="list")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many."
)
@database_options
@json_option
def list_(limit: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """List the tasks that code or operators have named, and their defaults.

    \b
      pgq task list
      pgq task list --json | jq '.[] | select(.configured != {})'
    """
    with open_client(dsn, schema) as client:
        found = client.task_settings(limit=limit)
    if as_json:
        write_json([record(each) for each in found])
        return
    write_table(
        ("task", "source", "set by operators", "declared in code"),
        [[each.task, each.source, _words(each.configured), _words(each.declared)]
         for each in found],
        "no tasks with defaults",
    )  # fmt: skip


@task.command()
@_NAME
@database_options
@json_option
def show(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show every option that the jobs of a task get, and who says so.

    "operator" is `pgq task set`, "source" the task's code, "queue" the options of its queue.
    "hidden" is what the code says where an operator says something else.

    \b
      pgq task show send
    """
    with open_client(dsn, schema) as client:
        found = [record(each) for each in client.task_options(name)]
    if as_json:
        write_json(found)
        return
    columns = ("option", "value", "origin", "hidden")
    write_table(columns, [[each[column] for column in columns] for each in found], "no options")


@task.command(name="set", short_help="Set what the jobs of a task get by default.")
@_NAME
@job_options(_OPTIONS)
@click.option(
    "--on-exhausted", metavar="TASK", help="Enqueue a job of this task when one has failed."
)
@click.option(
    "--reset",
    multiple=True,
    metavar="OPTION",
    help="Take back what was set for this option, or for `all`; repeat.",
)
@database_options
@json_option
def set_(
    name: str, reset: tuple[str, ...], dsn: str | None, schema: str, as_json: bool, **options: Any
) -> None:
    """Set the options that you pass, keep the others, and show what now counts.

    Keys are templates over the jobs' args. Jobs that are enqueued already keep what they have.

    \b
      pgq task set send -q mail --timeout 30s
      pgq task set sync --concurrency-key 'account:{account_id}' --concurrency-limit 2
      pgq task set send --reset timeout
    """
    if not reset and all(option is None for option in options.values()):
        raise WrongCall("nothing to do", "give an option or --reset; `pgq task show` shows them")
    names = [each.replace("-", "_") for each in reset]
    with open_client(dsn, schema) as client:
        client.configure_task(name, **options, reset=names or None)
        (found,) = client.task_settings(name)
    if as_json:
        write_json(record(found))
        return
    said = _words(found.configured)
    click.echo(f"{name}: {said}" if said else f"{name} has nothing set by operators")


@task.command()
@_NAME
@database_options
@json_option
def forget(name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Remove a task with all its defaults. Exit code 1 if there is no such task.

    A task that workers declare comes back when the next of them starts.

    \b
      pgq task forget send
    """
    with open_client(dsn, schema) as client:
        removed = client.forget_task(name)
    if as_json:
        write_json({"task": name, "removed": removed})
    else:
        click.echo(f"{name} is {'forgotten' if removed else 'no task that has been named'}")
    if not removed:
        click.get_current_context().exit(Refusal.exit_code)


def _words(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())
