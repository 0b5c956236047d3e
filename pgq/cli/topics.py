"""Commands about topics: `pgq topic list`, `subscribe`, `unsubscribe` and `publish`."""

from __future__ import annotations

from typing import Any, Final

import click

from pgq.cli.app import Subgroup, cli
from pgq.cli.database import open_client
from pgq.cli.failures import Refusal
from pgq.cli.job_options import job_options
from pgq.cli.options import database_options, json_option, json_text
from pgq.cli.output import record, write_json, write_table
from pgq.options import OF_SCHEDULES, OPTIONS

# One event alone has a key, headers and a time; the rest may be said once for all of them.
_OF_EVENTS: Final = {"unique_key", "unique_while", "unique_for", "headers"}
_LASTING: Final = {option.name for option in OF_SCHEDULES} - _OF_EVENTS | {"delay"}
_OF_SUBSCRIPTIONS: Final = [option for option in OPTIONS if option.name in _LASTING]
_OF_PUBLISHING: Final = [option for option in OPTIONS if option.name != "queue"]


@cli.group(cls=Subgroup, short_help="Let one event make a job for each task that wants it.")
def topic() -> None:
    """Let one event make a job for each task that has subscribed to its topic.

    A subscription to orders.* is to all topics whose names begin with orders., one to * is to all.
    With --json each of these commands writes JSON.

    \b
      pgq topic subscribe orders.paid send_receipt --queue mail
      pgq topic publish orders.paid '{"order_id": 17}'
      pgq topic list
    """


@topic.command(name="list")
@click.argument("topic", required=False)
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many."
)
@database_options
@json_option
def list_(topic: str | None, limit: int, dsn: str | None, schema: str, as_json: bool) -> None:
    """List all subscriptions, or those to one TOPIC or pattern.

    \b
      pgq topic list
      pgq topic list 'orders.*'
    """
    with open_client(dsn, schema) as client:
        found = [record(each) for each in client.subscriptions(topic, limit)]
    if as_json:
        write_json(found)
        return
    columns = ("topic", "name", "task", "queue", "filter", "options")
    rows = [[each[column] or "" for column in columns] for each in found]
    write_table(columns, rows, "no subscriptions")


@topic.command()
@click.argument("topic")
@click.argument("task")
@click.option("--name", help="What it is called.  [default: the task]")
@click.option("--filter", type=json_text, metavar="JSON", help="What a payload must contain.")
@job_options(_OF_SUBSCRIPTIONS)
@database_options
@json_option
def subscribe(
    topic: str, task: str, dsn: str | None, schema: str, as_json: bool, **options: Any
) -> None:
    """Let each publish to TOPIC make a job of TASK, or change how it does.

    \b
      pgq topic subscribe orders.paid send_receipt --queue mail
      pgq topic subscribe 'orders.*' index --filter '{"country": "DE"}' --delay 5m
    """
    with open_client(dsn, schema) as client:
        change = client.subscribe(topic, task, **options)
    name = options["name"] or task
    if as_json:
        write_json({"topic": topic, "name": name, "change": change})
    else:
        click.echo(f"{name} of {topic}: {change}")


@topic.command()
@click.argument("topic")
@click.argument("name")
@database_options
@json_option
def unsubscribe(topic: str, name: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """End the subscription NAME of TOPIC; its jobs stay. Exit code 1 if there is none.

    \b
      pgq topic unsubscribe orders.paid send_receipt
    """
    with open_client(dsn, schema) as client:
        ended = client.unsubscribe(topic, name)
    if as_json:
        write_json({"topic": topic, "name": name, "unsubscribed": ended})
    else:
        click.echo(f"{name} of {topic} {'has ended' if ended else 'is no subscription'}")
    if not ended:
        click.get_current_context().exit(Refusal.exit_code)


@topic.command()
@click.argument("topic")
@click.argument("payload", metavar="[PAYLOAD-JSON]", type=json_text, default="{}")
@job_options(_OF_PUBLISHING)
@database_options
@json_option
def publish(
    topic: str, payload: Any, dsn: str | None, schema: str, as_json: bool, **options: Any
) -> None:
    """Make a job for each subscription to TOPIC, and print which.

    PAYLOAD-JSON is what the jobs get as their arguments, or - to read it from standard input.

    \b
      pgq topic publish orders.paid '{"order_id": 17}' --unique-key order-17
    """
    options["depends_on"] = options["depends_on"] or None
    with open_client(dsn, schema) as client:
        made = [record(each) for each in client.publish(topic, payload, **options)]
    if as_json:
        write_json(made)
        return
    columns = ("id", "created", "subscription")
    write_table(columns, [[each[column] for column in columns] for each in made], "0 jobs")
