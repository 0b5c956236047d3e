"""The command that shows which errors happen, and how often: errors."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.options import database_options, duration, json_option
from pgq.cli.output import as_text, record, span, write_json, write_table

_TITLES = ("fingerprint", "attempts", "failed", "last", "task", "error")
# How much of a fingerprint and of a task is shown, and of an error at least.
_FINGERPRINT = 16
_TASK = 12
_ERROR = 20


@cli.command(short_help="Show which errors happen, and how often.")
@click.option(
    "--since", type=duration, default="1d", show_default=True, help="In the last so many."
)
@click.option("-q", "--queue", help="Only those in this queue.")
@click.option("--task", help="Only those of this task.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="At most so many.",
)
@database_options
@json_option
def errors(
    since: timedelta,
    queue: str | None,
    task: str | None,
    limit: int,
    dsn: str | None,
    schema: str,
    as_json: bool,
) -> None:
    """Show which errors ended attempts, the most frequent first; by whole hours.

    Errors are one where their type, the pattern of their message and their place in the code are
    the same. "failed" is how many jobs are failed with it now. --json shows the whole rows.

    \b
      pgq errors
      pgq errors --since 7d --queue mail
      pgq retry --fingerprint 1f0c2a9b8d7e6f50
    """
    now = datetime.now(UTC)
    with open_client(dsn, schema) as client:
        found = client.error_groups(now - since, queue, task, limit)
    if as_json:
        write_json([record(group) for group in found])
        return
    rows = [
        (
            _cut(group.fingerprint, _FINGERPRINT),
            group.attempts,
            f"{group.failed_jobs}{'+' * group.failed_more}",
            span(max(now - group.last_seen, timedelta(0))).split(" ")[0],
            _cut(group.task, _TASK),
            as_text(f"{group.error_type}: {group.pattern}"),
        )
        for group in found
    ]
    left = shutil.get_terminal_size((80, 24)).columns
    for place, title in enumerate(_TITLES[:-1]):
        left -= 2 + max([len(title), *(len(as_text(row[place])) for row in rows)])
    shown = [(*row[:-1], _cut(row[-1], max(left, _ERROR))) for row in rows]
    write_table(_TITLES, shown, "no attempt has failed")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
