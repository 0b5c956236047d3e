"""Commands about semaphores: semaphores, semaphore."""

from __future__ import annotations

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import WrongCall
from pgq.cli.options import count_or_off, database_options, json_option
from pgq.cli.output import record, write_json, write_table


@cli.command(short_help="Show semaphores, their holders and waiters.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many."
)
@database_options
@json_option
def semaphores(limit: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """Show the semaphores in use or configured: slots, holders and waiters.

    `pgq jobs --state blocked` lists the jobs that wait.

    \b
      pgq semaphores
      pgq semaphores --json | jq '.[] | select(.waiters > 0)'
    """
    with open_client(dsn, schema) as client:
        found = [record(semaphore) for semaphore in client.semaphore_status(limit)]
    if as_json:
        write_json(found)
        return
    titles = ("key", "slots", "used", "holders", "waiters", "configured", "next expiry")
    write_table(titles, [list(row.values()) for row in found], "no semaphores in use")


@cli.command(short_help="Set a semaphore's slots, or take them from their holders.")
@click.argument("key")
@click.option(
    "--slots",
    type=count_or_off,
    metavar="N|off",
    help="How many slots it has, 0 to stop; `off`: the limits of its jobs.",
)
@click.option(
    "--release",
    is_flag=True,
    help="Take all its slots from the jobs that hold them. These jobs go on, and others start. In "
    "strict order only from a job that failed and blocks the key.",
)
@database_options
@json_option
def semaphore(
    key: str, slots: int | None, release: bool, dsn: str | None, schema: str, as_json: bool
) -> None:
    """Set how many jobs with this concurrency key may run at a time, instead of their own limit.

    \b
      pgq semaphore account:17 --slots 5
      pgq semaphore account:17 --slots off
      pgq semaphore account:17 --release
    """
    if slots is None and not release:
        raise WrongCall("nothing to do", "give --slots or --release; `pgq semaphores` shows them")
    released = None
    with open_client(dsn, schema) as client, client.connection() as one, one.transaction():
        if slots is not None:
            client.configure_semaphore(key, None if slots < 0 else slots)
        if release:
            released = client.release_semaphore(key)
    if as_json:
        off = slots is not None and slots < 0
        write_json({"key": key, "slots": None if off else slots, "released": released})
        return
    if slots is not None:
        click.echo(f"{key} has {slots} slots" if slots >= 0 else f"{key} is as its jobs say")
    if released is not None:
        click.echo(f"slots taken from {released} jobs")
