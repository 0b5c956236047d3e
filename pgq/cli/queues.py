"""Commands about queues and workers as a whole: stats, pause, resume, configure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal, WrongCall
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
_OF_ONE = ("partition_key", "queue", "task", "semaphore")
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


def _of_one(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take what is paused: a queue, perhaps only a key of it, or something else."""
    options = (
        click.argument("queue", required=False),
        click.option("--partition-key", metavar="KEY", help="Only this key of a fair queue."),
        click.option("--task", metavar="NAME", help="A task, in all queues."),
        click.option("--semaphore", metavar="KEY", help="A semaphore, by its concurrency key."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _named(what: Mapping[str, str | None]) -> dict[str, str]:
    named = {name: given for name, given in what.items() if given is not None}
    if {*named} - {"partition_key"} not in ({"queue"}, {"task"}, {"semaphore"}) or (
        "partition_key" in named and "queue" not in named
    ):
        hint = "name a queue, with --partition-key or without, --task or --semaphore"
        raise WrongCall("one thing is paused or resumed at a time", hint)
    return named


def _words(named: Mapping[str, str]) -> str:
    return " of ".join(named[each] for each in _OF_ONE if each in named)


@cli.command(short_help="Stop claims from a queue or of a task, or a semaphore.")
@_of_one
@click.option(
    "--for", "length", type=duration, metavar="DURATION", help="Resume by itself after this."
)
@database_options
@json_option
def pause(
    length: timedelta | None, dsn: str | None, schema: str, as_json: bool, **what: str | None
) -> None:
    """Stop claims from a queue. Enqueueing goes on, running jobs finish.

    A task is paused in all queues. Of a paused semaphore nobody gets a slot, and jobs that have
    one go on.

    \b
      pgq pause mail --for 15m
      pgq pause --task send
      pgq pause --semaphore account:17
      pgq pause mail --partition-key tenant-7
    """
    named = _named(what)
    with open_client(dsn, schema) as client:
        if "task" in named:
            client.pause_task(named["task"], length)
        elif "semaphore" in named:
            client.pause_semaphore(named["semaphore"], length)
        else:
            client.pause_queue(named["queue"], length, named.get("partition_key"))
    if as_json:
        write_json({**named, "paused": True, "for": length})
    else:
        click.echo(f"{_words(named)} is paused" + (f" for {span(length)}" if length else ""))


@cli.command(short_help="Let a paused queue, task or semaphore go on.")
@_of_one
@database_options
@json_option
def resume(dsn: str | None, schema: str, as_json: bool, **what: str | None) -> None:
    """Let claims from a paused queue go on. Exit code 1 if it was not paused.

    \b
      pgq resume mail
      pgq resume --task send
    """
    named = _named(what)
    with open_client(dsn, schema) as client:
        if "task" in named:
            was_paused = client.resume_task(named["task"])
        elif "semaphore" in named:
            was_paused = client.resume_semaphore(named["semaphore"])
        else:
            was_paused = client.resume_queue(named["queue"], named.get("partition_key"))
    if as_json:
        write_json({**named, "was_paused": was_paused})
    else:
        click.echo(f"{_words(named)} {'goes on' if was_paused else 'was not paused'}")
    if not was_paused:
        click.get_current_context().exit(Refusal.exit_code)


@cli.command(short_help="Show what is paused, and since when.")
@database_options
@json_option
def pauses(dsn: str | None, schema: str, as_json: bool) -> None:
    """Show the queues, tasks, semaphores and partition keys that are paused, and since when.

    \b
      pgq pauses
      pgq pauses --json | jq '.[] | select(.paused_until == null)'
    """
    with open_client(dsn, schema) as client:
        found = [record(each) for each in client.pause_status()]
    if as_json:
        write_json(found)
        return
    titles = ("kind", "queue", "task", "key", "paused at", "until")
    write_table(titles, [list(row.values()) for row in found], "nothing is paused")


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
