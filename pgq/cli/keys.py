"""The options about keys that `pgq enqueue` and `pgq schedule add` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pgq.cli.options import duration

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--concurrency-key", metavar="KEY", help="The semaphore that a job needs."),
    click.option("--concurrency-limit", type=int, help="How many slots that has.  [default: 1]"),
    click.option("--concurrency-weight", type=int, help="How many a job takes.  [default: 1]"),
    click.option(
        "--concurrency-duration",
        type=duration,
        metavar="DURATION",
        help="A job gives its slots back after this, even if it has not ended.",
    ),
    click.option(
        "--concurrency-on-conflict",
        type=click.Choice(["block", "discard"]),
        help="Wait for a slot, or be dropped.  [default: block]",
    ),
    click.option("--partition-key", metavar="KEY", help="The tenant, for queues that are fair."),
    click.option(
        "--unique-key",
        metavar="KEY",
        help="No two live jobs share it; a schedule's tick then enqueues nothing.",
    ),
    click.option(
        "--unique-while",
        type=click.Choice(["live", "queued"]),
        help="Until when a job has the unique key: its end, or its start.  [default: live]",
    ),
    click.option(
        "--unique-for",
        type=duration,
        metavar="DURATION",
        help="Keep the unique key for so long, even past the job's end.",
    ),
)


def key_options(command: Command) -> Command:
    """Give a command the options about semaphores, tenants and unique keys."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
