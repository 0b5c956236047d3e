"""Bulk operations, shown until they have ended: bulk list, show, watch, stop."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal
from pgq.cli.options import database_options, json_option
from pgq.cli.output import clean, record, write_details, write_json, write_table

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import BulkOperation, BulkStart

# How long to wait where nothing is due, or where others are at it.
_PAUSE: Final = 0.2


def how_many(jobs: int, is_exact: bool) -> str:
    """Return a number of jobs in words: "1,204 jobs", "more than 10,000 jobs"."""
    many = f"{jobs:,} job{'s' * (jobs != 1)}"
    if is_exact:
        return many
    return f"more than {many}" if jobs == 10_000 else f"at least {many}"


def tell_samples(client: Client, seen: BulkStart) -> None:
    """Say on stderr which the first jobs of a preview are."""
    for job in map(client.job, seen.samples):
        if job is not None:
            click.echo(clean(f"  {job.id}  {job.state}  {job.queue}  {job.task}"), err=True)
    if seen.jobs > len(seen.samples):
        click.echo("  ...", err=True)


def tell_started(operation_id: int, as_json: bool) -> None:
    """Write the id of an operation that nobody waits for."""
    if as_json:
        write_json({"operation": operation_id})
    else:
        click.echo(operation_id)
        hint = f"`pgq bulk watch {operation_id}` shows it, `pgq bulk stop {operation_id}` ends it"
        click.echo(hint, err=True)


def follow(client: Client, operation_id: int) -> BulkOperation:
    """Show how far an operation is until it has ended, and do its pages meanwhile.

    Workers do them too; so it goes on at full speed where some run, and where none does. Ctrl-C
    ends the command, and not the operation.
    """
    try:
        with _shown() as show:
            while True:
                asked = client.bulk_work(operation_id)
                (found,) = client.bulk_status(operation_id) or (None,)
                if found is None:
                    raise Refusal(f"there is no operation {operation_id}", "see `pgq bulk list`")
                show(found)
                if found.ended_at is not None:
                    return found
                if asked is None:
                    time.sleep(_PAUSE)
    except KeyboardInterrupt:
        goes_on = f"workers go on with operation {operation_id}; "
        click.echo(f"{goes_on}`pgq bulk stop {operation_id}` stops it", err=True)
        raise


@contextmanager
def _shown() -> Generator[Callable[[BulkOperation], None], None, None]:
    """Yield what shows an operation: a bar on a terminal, else lines when it starts or fails."""
    if sys.stderr.isatty() and importlib.util.find_spec("rich") is not None:
        with _bar() as show:
            yield show
    else:
        yield _line_by_line()


def _line_by_line() -> Callable[[BulkOperation], None]:
    said: str | None = None

    def show(operation: BulkOperation) -> None:
        nonlocal said
        note = _note(operation)
        if note and note != said:
            click.echo(clean(f"{_what(operation)}; {note}"), err=True)
        said = note

    return show


@contextmanager
def _bar() -> Generator[Callable[[BulkOperation], None], None, None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(20),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[done]:,} jobs"),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=1.0, done=0, note="")

        def show(operation: BulkOperation) -> None:
            progress.update(
                bar,
                description=_what(operation),
                completed=operation.progress,
                done=operation.done,
                note=clean(_note(operation)),
                refresh=True,
            )

        yield show


def _what(operation: BulkOperation) -> str:
    action = operation.action.replace("_", " ")
    if operation.status != "waiting":
        return action
    return f"{action} at {operation.starts_at.astimezone():%H:%M:%S}"


def _note(operation: BulkOperation) -> str:
    if operation.error:
        return f"a page failed: {operation.error}"
    return f"undo: pgq bulk stop {operation.id}" if operation.status == "waiting" else ""


@cli.group(cls=Subgroup, short_help="Show and stop what is being done to many jobs.")
def bulk() -> None:
    """Show and stop bulk operations, which do one thing to all jobs that fit some filters.

    cancel, retry, run-now, discard and reprioritise start them. Workers do them page by page.

    \b
      pgq bulk list
      pgq bulk show 7 --json | jq .outcomes
      pgq bulk watch 7
      pgq bulk stop 7
    """


@bulk.command("list", short_help="List the newest operations.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many."
)
@click.option("--before", type=int, metavar="ID", help="Only those before this one.")
@database_options
@json_option
def list_(limit: int, before: int | None, dsn: str | None, schema: str, as_json: bool) -> None:
    """List the newest bulk operations: what they do, how far they are, and who started them.

    \b
      pgq bulk list --limit 5
    """
    with open_client(dsn, schema) as client:
        found = client.bulk_status(before_id=before, max_operations=limit)
    if as_json:
        write_json([record(each) for each in found])
        return
    write_table(
        ("id", "action", "status", "done", "jobs", "by", "created"),
        [
            (
                *(each.id, each.action, each.status, f"{each.progress:.0%}"),
                f"{each.done:,}",
                *(each.actor or each.login, each.created_at),
            )
            for each in found
        ],
        "no bulk operations",
    )


@bulk.command(short_help="Show all of one operation.")
@click.argument("operation_id", metavar="ID", type=int)
@database_options
@json_option
def show(operation_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show all of one bulk operation: its filters, how far it is, what became of the jobs.

    Exit code 1 where there is no such operation.

    \b
      pgq bulk show 7 --json | jq .examples.busy
    """
    with open_client(dsn, schema) as client:
        found = client.bulk_status(operation_id)
    if not found:
        raise Refusal(f"there is no operation {operation_id}", "they are kept for 30 days")
    said: dict[str, Any] = record(found[0])
    if as_json:
        write_json(said)
    else:
        del said["examples"]
        write_details({name: value for name, value in said.items() if value is not None})


@bulk.command(short_help="Show how far an operation is until it has ended.")
@click.argument("operation_id", metavar="ID", type=int)
@database_options
@json_option
def watch(operation_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show how far a bulk operation is until it has ended, and do it where no worker does.

    Exit code 1 unless it finishes.

    \b
      pgq bulk watch 7
    """
    with open_client(dsn, schema) as client:
        done = follow(client, operation_id)
    if as_json:
        write_json({"operation": done.id, "status": done.status, "outcomes": done.outcomes})
    else:
        outcomes = sorted(done.outcomes.items(), key=lambda each: -each[1])
        write_table(("outcome", "jobs"), outcomes, "no such jobs")
    if done.status != "finished":
        raise Refusal(f"operation {done.id} is {done.status}", done.error)


@bulk.command(short_help="Stop an operation, or undo one that has not begun.")
@click.argument("operation_id", metavar="ID", type=int)
@database_options
@json_option
def stop(operation_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Stop a bulk operation. Before it has begun that undoes it: nothing has happened.

    Exit code 1 where it has finished, or there is no such operation.

    \b
      pgq bulk stop 7
    """
    with open_client(dsn, schema) as client:
        outcome = client.bulk_stop(operation_id)
    if as_json:
        write_json({"operation": operation_id, "outcome": outcome})
    else:
        click.echo(f"operation {operation_id}: {outcome.replace('_', ' ')}")
    if outcome not in ("undone", "stopped"):
        click.get_current_context().exit(Refusal.exit_code)
