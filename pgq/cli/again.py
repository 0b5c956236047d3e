"""Commands that have jobs run once more, or sooner: again, run-now, redrive. See also retry."""

from __future__ import annotations

from typing import Any

import click

from pgq.cli.app import cli
from pgq.cli.bulk import Change, apply, chosen
from pgq.cli.database import open_client
from pgq.cli.options import database_options, duration, json_option, time
from pgq.cli.output import write_json


@cli.command(short_help="Enqueue a copy of a live or finished job.")
@click.argument("job_id", metavar="ID", type=int)
@click.option("-q", "--queue", help="Put the copy into this queue.")
@click.option("--priority", type=int, help="Give the copy this priority; lower runs first.")
@click.option("--run-at", type=time, metavar="TIME", help="Not before this time (ISO 8601).")
@click.option("--delay", type=duration, metavar="DURATION", help="Not before this has passed.")
@click.option("--unique-key", metavar="KEY", help="No two live jobs share it; not copied.")
@database_options
@json_option
def again(job_id: int, dsn: str | None, schema: str, as_json: bool, **options: Any) -> None:
    """Enqueue a copy of a job in any state, finished or not, and print the new id.

    The copy starts now. Its time, parents, batch and unique key are not copied. To give a failed
    job another attempt under its own id, use `pgq retry`.

    \b
      pgq again 17
      pgq again 17 --queue slow --delay 5m
    """
    with open_client(dsn, schema) as client:
        new_id = client.enqueue_again(job_id, **options)
    if as_json:
        write_json({"id": new_id})
    else:
        click.echo(new_id)


@cli.command("run-now", short_help="Make scheduled jobs due now.")
@chosen
@database_options
@json_option
def run_now(dsn: str | None, schema: str, **given: Any) -> None:
    """Make scheduled jobs due now, also those that wait for a retry; leave all others as they are.

    Pass ids, or filters: these start a bulk operation, which asks first. "waiting" is a job that
    waits for a worker, for other jobs or for a semaphore. Exit code 1 unless every job is promoted.

    \b
      pgq run-now 17 18
      pgq run-now --task send
    """
    change = Change("run_now", lambda client, ids: client.run_now(ids), {"promoted"})
    apply(change, given, dsn, schema)


@cli.command(short_help="Enqueue jobs again that failed, by their dead letters.")
@chosen
@database_options
@json_option
def redrive(dsn: str | None, schema: str, **given: Any) -> None:
    """Enqueue jobs again that failed, by the dead letters that wait for them, and end these.

    A dead letter is what on_exhausted has enqueued. Pass their ids, or filters: these start a bulk
    operation, which asks first. A new job has all its attempts. "not_failed" is one whose job was
    retried, or is not in the history any more. Exit code 1 unless every one is redriven.

    \b
      pgq redrive 17 18
      pgq redrive --queue dead --task charge_failed --yes
    """
    change = Change("redrive", lambda client, ids: client.redrive(ids), {"redriven"})
    apply(change, given, dsn, schema)
