"""The command top."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from pgq.cli.app import cli
from pgq.cli.database import client_by_itself, find_dsn
from pgq.cli.failures import Failure, WrongCall, database_of
from pgq.cli.fleet import Target, targets, tell_failures
from pgq.cli.options import duration, fleet_options, json_option
from pgq.cli.output import write_json_line
from pgq.cli.server import sigterm_raises

if TYPE_CHECKING:
    from pgq.cli.top.look import Looker, Seen
    from pgq.cli.top.several import LookerAtAll

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
@fleet_options
@json_option
def top(
    screen: str,
    interval: timedelta,
    wanted: str,
    once: bool,
    operate: bool,
    dsn: str | None,
    schema: str | None,
    as_json: bool,
) -> None:
    """Watch what the queue does: a screen for queues, running jobs, tasks, workers, errors and
    schedules. Press ? for the keys.

    Counts are by the hour; jobs that wait are counted up to 10,000 in each queue. It costs the
    server a few milliseconds a look, and goes on when the database comes back. In a pipe it writes
    one table; with --json a document a line at each look, until Ctrl-C. With several databases
    each row has its database in front, and one that is away stops none of the others.

    \b
      pgq top
      pgq top --installation 's*'
      pgq top errors --once
      pgq top tasks --json | jq -c '.rows[] | select(.failed > 0)'
    """
    every = interval.total_seconds()
    if not 0.1 <= every <= 3600:
        raise WrongCall("--interval is not between 0.1 s and an hour", "say --interval 2s")
    at_once = once or as_json or not (sys.stdout.isatty() and sys.stdin.isatty())
    with _looker(targets(dsn, schema), wait=not at_once) as looker, sigterm_raises():
        # Where there is no database, the first look says so as other commands do.
        first = looker.look(screen)
        if as_json:
            _write_json(looker, screen, every, once)
            _tell_of(first)
            return
        if importlib.util.find_spec("rich") is None:
            raise WrongCall("pgq top draws with rich", "pip install 'pgq-sql[cli]', or say --json")
        if at_once:
            from pgq.cli.top.page import plain

            width = shutil.get_terminal_size((_WIDE, 24)).columns
            click.echo("\n".join(plain(first, width, wanted)))
            _tell_of(first)
            return
        from pgq.cli.top.columns import SCREENS
        from pgq.cli.top.run import run
        from pgq.cli.top.view import View

        chosen = next(each for each in SCREENS if each.name == screen)
        looker.wait = True
        with suppress(KeyboardInterrupt):
            run(looker, View(operates=operate, interval=every, screen=chosen, wanted=wanted))


@contextmanager
def _looker(where: Sequence[Target], *, wait: bool) -> Generator[Looker | LookerAtAll, None, None]:
    from pgq.cli.top.look import Looker
    from pgq.cli.top.several import LookerAtAll

    with ExitStack() as stack:
        clients = {}
        for each in where:
            found = find_dsn(each.dsn)
            client = stack.enter_context(client_by_itself(found, each.schema, "pgq top"))
            clients[each.name] = (client, found)
        if list(clients) == [None]:
            client, found = clients[None]
            yield Looker(client, database_of(found) or "", wait=wait)
        else:
            named = {f"{name}": both for name, both in clients.items()}
            yield LookerAtAll.of(named, wait=wait)


def _tell_of(seen: Seen) -> None:
    """Say on stderr which databases were away, with the exit code for that."""
    from pgq.cli.top.several import SeenOfAll

    if isinstance(seen, SeenOfAll):
        tell_failures(seen.no_answer)


def _write_json(looker: Looker | LookerAtAll, screen: str, every: float, once: bool) -> None:
    from psycopg import OperationalError

    with suppress(KeyboardInterrupt):
        while True:
            try:
                write_json_line(looker.look(screen).as_record())
            except (OperationalError, Failure) as error:
                click.echo(f"no answer, trying again: {error}", err=True)
            if once:
                return
            time.sleep(every)
