"""The command that shows who changed what: audit."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from pgq.cli.app import cli
from pgq.cli.database import open_client
from pgq.cli.options import database_options, json_option, time
from pgq.cli.output import as_text, record, write_json, write_table

if TYPE_CHECKING:
    from pgq.reports import AuditEntry

_TITLES = ("id", "at", "who", "what")


@cli.command(short_help="Show who changed what.")
@click.option("--who", metavar="NAME", help="A login, or the name that the application gave.")
@click.option("--action", "what", metavar="FUNCTION", help="As in `cancel` or `pause_queue`.")
@click.option("--about", metavar="TARGET", help="A queue, a schedule, a key, the id of a worker.")
@click.option("--job", "job_id", type=int, metavar="ID", help="Calls that changed this job.")
@click.option("--since", type=time, metavar="TIME", help="Not before this time (ISO 8601).")
@click.option("--until", type=time, metavar="TIME", help="Before this time (ISO 8601).")
@click.option("--operation", "of_operation", type=int, metavar="ID", help="Of a bulk operation.")
@click.option("--before", "before_id", type=int, metavar="ID", help="Those before this one.")
@click.option(
    "--limit",
    "page_size",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="At most so many.",
)
@database_options
@json_option
def audit(
    dsn: str | None, schema: str, as_json: bool, page_size: int, **given: str | int | datetime
) -> None:
    """Show what calls of operators changed, the newest first; kept for 90 days.

    Who is the name that the application gave, and the login in brackets. A call that names many
    jobs is found by the first hundred that it changed. --json shows the whole rows.

    \b
      pgq audit
      pgq audit --action discard --since 2026-03-01
      pgq audit --job 17 --json
    """
    with open_client(dsn, schema) as client:
        found = client.audit_log(page_size=page_size, **given)  # type: ignore[arg-type]
    if as_json:
        write_json([record(entry) for entry in found])
        return
    rows = [(entry.id, entry.at, _who(entry), as_text(_what(entry))) for entry in found]
    write_table(_TITLES, rows, "no call has changed anything")


def _who(entry: AuditEntry) -> str:
    return entry.login if entry.actor is None else f"{entry.actor} ({entry.login})"


def _what(entry: AuditEntry) -> str:
    """Say in words what a call was, what it was about, and what it did."""
    parts = [entry.action] if entry.target is None else [entry.action, entry.target]
    if entry.outcomes:
        parts.append(", ".join(f"{count} {word}" for word, count in entry.outcomes.items()))
    elif entry.affected is not None:
        parts.append(str(entry.affected))
    parts += [f"{name}={as_text(value)}" for name, value in (entry.options or {}).items()]
    if entry.ids:
        more = ", ..." if len(entry.ids) < (entry.affected or 0) else ""
        parts.append("job " + ", ".join(map(str, entry.ids)) + more)
    return " ".join(parts)
