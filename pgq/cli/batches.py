"""Commands about batches: batch list, show, close."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal
from pgq.cli.options import database_options, json_option
from pgq.cli.output import record, span, write_details, write_json, write_table


@cli.group(cls=Subgroup, short_help="Show and close batches of jobs.")
def batch() -> None:
    """Show batches, jobs that are counted together, and close them.

    \b
      pgq batch list
      pgq batch show 17 --json | jq .failed
      pgq jobs --batch 17 --state failed
      pgq retry --batch 17 --yes
    """


@batch.command("list", short_help="List the newest batches.")
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many."
)
@database_options
@json_option
def list_(limit: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """List the newest batches: their state, and how many of their jobs are live or did not succeed.

    \b
      pgq batch list --limit 5
    """
    with open_client(dsn, schema) as client:
        found = [record(each) for each in client.batch_status(limit)]
    if as_json:
        write_json(found)
        return
    now = datetime.now(UTC)
    titles = ("id", "description", "status", "live", "not succeeded", "created", "closed")
    write_table(
        (*titles, "finished"),
        [
            [_ago(value, now) if isinstance(value, datetime) else value for value in row.values()]
            for row in found
        ],
        "no batches",
    )


def _ago(at: datetime, now: datetime) -> str:
    return span(max(now - at, timedelta(0))).split(" ")[0] + " ago"


@batch.command(short_help="Show the jobs of a batch by state.")
@click.argument("batch_id", metavar="ID", type=int)
@database_options
@json_option
def show(batch_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show how many jobs of a batch are in which state. Exit code 1 if there is no such batch.

    \b
      pgq batch show 17 --json | jq .failed
    """
    with open_client(dsn, schema) as client:
        found = client.batch_progress(batch_id)
    if found is None:
        raise Refusal(f"there is no batch {batch_id}", "it may have been deleted with the history")
    if as_json:
        write_json(record(found))
    else:
        write_details(record(found))


@batch.command(short_help="Close a batch, so that it can finish.")
@click.argument("batch_id", metavar="ID", type=int)
@database_options
@json_option
def close(batch_id: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Close a batch: then only its own jobs can add jobs, and it finishes when the last has ended.

    \b
      pgq batch close 17
    """
    with open_client(dsn, schema) as client:
        closed = client.close_batch(batch_id)
    if as_json:
        write_json({"id": batch_id, "closed": closed})
    else:
        click.echo(f"batch {batch_id} {'is closed' if closed else 'was closed before'}")
