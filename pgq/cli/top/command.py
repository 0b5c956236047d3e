"""The command top."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from pgq.cli.app import cli
from pgq.cli.database import client_by_itself, find_dsn
from pgq.cli.failures import WrongCall, database_of
from pgq.cli.options import database_options, duration, json_option
from pgq.cli.output import write_json_line
from pgq.cli.server import sigterm_raises

if TYPE_CHECKING:
    from pgq.cli.top.look import Looker

_NAMES: Final = ("queues", "running", "tasks", "workers", "errors", "schedules")
# How wide a table is where no terminal says it.
_WIDE: Final = 120


@cli.command(short_help="Watch queues, runs, tasks, workers, errors, schedules as they change.")
@click.argument("screen", type=click.Choice(_NAMES), default="queues")
@click.option(
    "--interval",
    type=duration,
    default="2s",
    show_default=True,
    metavar="DURATION",
    help="How often to look.",
)
@click.option("--filter", "wanted", default="", metavar="TEXT", help="Only rows with this text.")
@click.option("--once", is_flag=True, help="Write one table, without colours, and end.")
@click.option("--operate", is_flag=True, help="Allow the keys that change something; each asks.")
@database_options
@json_option
def top(
    screen: str,
    interval: timedelta,
    wanted: str,
    once: bool,
    operate: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Watch what the queue does: a screen for queues, running jobs, tasks, workers, errors and
    schedules. Press ? for the keys.

    Counts are by the hour; jobs that wait are counted up to 10,000 in each queue. It costs the
    server a few milliseconds a look, and goes on when the database comes back. In a pipe it writes
    one table; with --json a document a line at each look, until Ctrl-C.

    \b
      pgq top
      pgq top errors --once
      pgq top tasks --json | jq -c '.rows[] | select(.failed > 0)'
    """
    from pgq.cli.top.look import Looker

    every = interval.total_seconds()
    if not 0.1 <= every <= 3600:
        raise WrongCall("--interval is not between 0.1 s and an hour", "say --interval 2s")
    where = find_dsn(dsn)
    with client_by_itself(where, schema, "pgq top") as client, sigterm_raises():
        at_once = once or as_json or not (sys.stdout.isatty() and sys.stdin.isatty())
        looker = Looker(client, database_of(where) or "", wait=not at_once)
        # Where there is no database, the first look says so as other commands do.
        first = looker.look(screen)
        if as_json:
            _write_json(looker, screen, every, once)
            return
        if importlib.util.find_spec("rich") is None:
            raise WrongCall("pgq top draws with rich", "pip install 'pgq-sql[cli]', or say --json")
        if at_once:
            from pgq.cli.top.page import plain

            width = shutil.get_terminal_size((_WIDE, 24)).columns
            click.echo("\n".join(plain(first, width, wanted)))
            return
        from pgq.cli.top.columns import SCREENS
        from pgq.cli.top.run import run
        from pgq.cli.top.view import View

        chosen = next(each for each in SCREENS if each.name == screen)
        looker.wait = True
        with suppress(KeyboardInterrupt):
            run(looker, View(operates=operate, interval=every, screen=chosen, wanted=wanted))


def _write_json(looker: Looker, screen: str, every: float, once: bool) -> None:
    from psycopg import OperationalError

    with suppress(KeyboardInterrupt):
        while True:
            try:
                write_json_line(looker.look(screen).as_record())
            except OperationalError as error:
                click.echo(f"no answer, trying again: {error}", err=True)
            if once:
                return
            time.sleep(every)
