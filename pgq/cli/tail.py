"""The command tail: a line for each job and each run that ends, as it happens."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.options import database_options, json_option
from pgq.cli.output import as_text, clean, record, shorten, span, styled, write_json_line

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.reports import JobEvent

_ENDS: Final = ("succeeded", "failed", "cancelled", "expired")
_OUTCOMES: Final = (*_ENDS, "retried", "snoozed", "released", "lost")
_FAILURES: Final = frozenset({"failed", "retried", "lost", "expired"})
# How long (seconds) to wait before a lost connection is opened again.
_PAUSE: Final = 2.0
# So many places the names have at least, together.
_LEAST: Final = 12


@cli.command(short_help="Show how jobs and runs end, as it happens.")
@click.option("-q", "--queue", "queues", multiple=True, metavar="QUEUE", help="Only of this queue.")
@click.option("--task", "tasks", multiple=True, metavar="TASK", help="Only of this task.")
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    type=click.Choice(_OUTCOMES),
    help="Only these; several are given one by one.",
)
@click.option("--errors", is_flag=True, help="Only failures, with their tracebacks.")
@database_options
@json_option
def tail(
    queues: tuple[str, ...],
    tasks: tuple[str, ...],
    outcomes: tuple[str, ...],
    errors: bool,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Show a line for each job and each run that ends from now on, until Ctrl-C.

    A line says when, the outcome, the job, its task and queue, how long it waited and ran, and the
    error. It comes about a second after the commit, and none is missed, however late that is.
    Ctrl-C ends it with the counts. With --json each line is an object.

    \b
      pgq tail --errors
      pgq tail -q mail --outcome failed --outcome lost --json
    """
    from psycopg import OperationalError

    from pgq.client.clients import Client

    def wanted(event: JobEvent) -> bool:
        return (
            (not queues or event.queue in queues)
            and (not tasks or event.task in tasks)
            and (not outcomes or event.outcome in outcomes)
            and (not errors or event.outcome in _FAILURES)
        )

    seen: Counter[str] = Counter()
    cursor: int | None = None
    with Client(find_dsn(dsn), schema=schema) as client:
        try:
            while True:
                try:
                    cursor = client.follow_outcomes() if cursor is None else cursor
                    for event in client.events(cursor):
                        cursor = event.next_cursor
                        if wanted(event):
                            seen[event.outcome] += 1
                            _show(client, event, with_traceback=errors, as_json=as_json)
                except OperationalError as error:
                    if cursor is None:
                        raise
                    click.echo(f"no answer, trying again: {clean(str(error))}", err=True)
                    time.sleep(_PAUSE)
        except KeyboardInterrupt:
            counts = ", ".join(f"{outcome} {seen[outcome]}" for outcome in _OUTCOMES)
            click.echo(counts, err=True)


def _show(client: Client, event: JobEvent, *, with_traceback: bool, as_json: bool) -> None:
    found = _traceback(client, event) if with_traceback else None
    if as_json:
        known = record(event) | ({"traceback": found} if with_traceback else {})
        write_json_line(known)
        return
    click.echo(_line(event))
    for line in (found or "").splitlines():
        click.echo(f"    {line}")
    sys.stdout.flush()


def _line(event: JobEvent) -> str:
    times = "".join(
        f"  {word} {span(length)}"
        for word, length in (("waited", event.waited), ("ran", event.ran))
        if length is not None
    )
    error = clean(f"  {event.error_type}: {event.error}" if event.error_type else "")
    task, queue = clean(event.task), clean(event.queue)
    at = f"{event.at.astimezone():%H:%M:%S}"
    if sys.stdout.isatty():
        room = shutil.get_terminal_size((80, 24)).columns - 24 - len(f"{event.job_id}{times}")
        task, queue, error = _fitted(task, queue, error, room)
    rest = f"  {event.job_id}  {task}  {queue}{times}{error}"
    return f"{at} {styled(event.outcome, 9)}{rest}"


def _fitted(task: str, queue: str, error: str, room: int) -> tuple[str, str, str]:
    """Shorten names and the error to a line. The error has half of it if that is needed."""
    names = max(room - min(len(error), room // 2), _LEAST)
    # A short name leaves what it does not need to the other.
    task = shorten(task, max(names // 2, names - len(queue)))
    queue = shorten(queue, names - len(task))
    return task, queue, error[: max(room - len(task) - len(queue), 0)]


def _traceback(client: Client, event: JobEvent) -> str | None:
    job = client.job(event.job_id)
    entries: list[dict[str, Any]] = [] if job is None else job.errors or []
    of_it = [entry for entry in entries if entry.get("attempt") == event.attempt]
    return as_text(of_it[-1].get("traceback"), lines=True) if of_it else None
