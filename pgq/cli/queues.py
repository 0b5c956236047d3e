"""Commands about queues and workers as a whole: stats, pause, resume, configure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal
from pgq.cli.fleet import ask_each, front_of, in_front, no_answers, targets, tell_failures
from pgq.cli.options import count_or_off, database_options, duration, fleet_options, json_option
from pgq.cli.output import record, span, write_details, write_json, write_table

_QUEUE_COLUMNS = (
    "queue",
    "ready",
    "scheduled",
    "blocked",
    "running",
    "failed_today",
    "lag",
    "paused",
)
_WORKER_COLUMNS = ("id", "name", "status", "running", "concurrency", "queues", "silence", "host")


@cli.command(short_help="Show queues and workers, and what they do.")
@fleet_options
@json_option
def stats(dsn: str | None, schema: str | None, as_json: bool) -> None:
    """Show every queue, with its waiting, running and failed jobs, and every worker.

    "blocked" jobs wait for their parents or for a semaphore. "lag" is how long the oldest ready job
    has been waiting. The two counts of today cover the last 24 hours. Counts of a queue
    stop at 10,000, those of scheduled and blocked jobs at 100,000 of all queues. With several
    databases each row begins with its own; exit code 3 if one of them does not answer.

    \b
      pgq stats
      pgq stats --json | jq '.queues[] | select(.lag > 60)'
      pgq stats --installation 's*'
    """
    answers, failures = ask_each(
        where := targets(dsn, schema), lambda client: (client.queue_stats(), client.worker_status())
    )
    queues = [in_front(at, record(each)) for at, (found, _) in answers for each in found]
    workers = [in_front(at, record(each)) for at, (_, found) in answers for each in found]
    if as_json:
        write_json({"queues": queues, "workers": workers, **no_answers(where, failures)})
    else:
        first = front_of(where)
        columns = (*first, *_QUEUE_COLUMNS)
        rows = [[row[name] for name in columns] for row in queues]
        write_table(columns, rows, "no queues in use")
        click.echo()
        columns = (*first, *_WORKER_COLUMNS)
        write_table(columns, [[row[name] for name in columns] for row in workers], "no workers")
    tell_failures(failures)


@cli.command()
@click.argument("queue")
@click.option(
    "--for", "length", type=duration, metavar="DURATION", help="Resume by itself after this."
)
@database_options
@json_option
def pause(
    queue: str, length: timedelta | None, dsn: str | None, schema: str, as_json: bool
) -> None:
    """Stop claims from a queue. Enqueueing goes on, running jobs finish.

    \b
      pgq pause mail --for 15m
    """
    with open_client(dsn, schema) as client:
        client.pause_queue(queue, length)
    if as_json:
        write_json({"queue": queue, "paused": True, "for": length})
    else:
        click.echo(f"{queue} is paused" + (f" for {span(length)}" if length else ""))


@cli.command()
@click.argument("queue")
@database_options
@json_option
def resume(queue: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Let claims from a paused queue go on. Exit code 1 if it was not paused.

    \b
      pgq resume mail
    """
    with open_client(dsn, schema) as client:
        was_paused = client.resume_queue(queue)
    if as_json:
        write_json({"queue": queue, "was_paused": was_paused})
    else:
        click.echo(f"{queue} {'goes on' if was_paused else 'was not paused'}")
    if not was_paused:
        click.get_current_context().exit(Refusal.exit_code)


@cli.command(short_help="Show or change a queue's limits and its backoff.")
@click.argument("queue")
@click.option(
    "--max-running", type=count_or_off, metavar="N|off", help="How many jobs may run at a time."
)
@click.option(
    "--rate-limit", type=count_or_off, metavar="N|off", help="How many may start per interval."
)
@click.option(
    "--rate-interval", type=duration, metavar="DURATION", help="That interval.  [default: 1s]"
)
@click.option(
    "--rate-burst",
    type=count_or_off,
    metavar="N|off",
    help="How many may start at once after a time without starts.  [default: the rate limit]",
)
@click.option(
    "--rate-per-key/--no-rate-per-key",
    default=None,
    help="Count the rate for each partition key by itself.",
)
@click.option("--fair/--no-fair", default=None, help="Serve the partition keys in turn.")
@click.option("--backoff", help="For jobs without their own; `default` removes it.")
@database_options
@json_option
def configure(queue: str, dsn: str | None, schema: str, as_json: bool, **options: Any) -> None:
    """Change the options that you pass, keep the others, and show the limits that now apply.

    0 lets nothing start; `off` removes a limit. Limits count over all workers.

    \b
      pgq configure mail --max-running 10 --rate-limit 100 --rate-interval 1m
      pgq configure mail --max-running off
      pgq configure mail --json
    """
    with open_client(dsn, schema) as client:
        if any(option is not None for option in options.values()):
            client.configure_queue(queue, **options)
        limits = next((each for each in client.queue_limits() if each.queue == queue), None)
    if as_json:
        write_json(None if limits is None else record(limits))
    elif limits is None:
        click.echo(f"{queue} has no limits")
    else:
        shown = record(limits)
        write_details({name: value for name, value in shown.items() if value is not None})
