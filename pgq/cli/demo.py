"""The command demo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import Refusal
from pgq.cli.options import json_option, schema_option
from pgq.cli.output import span, write_json, write_table
from pgq.cli.server import bindir_option, sigterm_raises

if TYPE_CHECKING:
    from pgq.demo.report import Report
    from pgq.demo.screen import Screen


@cli.command(short_help="Index Python's standard library with a queue, in half a minute.")
@click.option(
    "--workers", type=click.IntRange(1, 32), help="How many processes.  [default: 2 to 4]"
)
@click.option("--limit", type=click.IntRange(1), hidden=True)
@click.option("--dsn", metavar="DSN", help="Use this database, not a temporary server.")
@bindir_option
@schema_option
@json_option
def demo(
    workers: int | None,
    limit: int | None,
    dsn: str | None,
    bindir: Path | None,
    schema: str,
    as_json: bool,
) -> None:
    """Index Python's standard library with a queue, and check the index. Takes half a minute.

    Starts a temporary Postgres, enqueues a job per module from SQL in one call, runs them with
    several worker processes (some jobs fail once and are retried), and compares what they counted
    with a count made without the queue. Exit code 1 where anything differs. PGQ_DSN is not looked
    at; with --dsn the schema is installed there, and it and the jobs stay.

    \b
      pgq demo
    """
    from pgq.demo.run import DemoFailed, Options, play
    from pgq.demo.screen import Screen

    chosen = Options(
        dsn=None if dsn is None else find_dsn(dsn), schema=schema, bindir=bindir, limit=limit
    )
    if workers is not None:
        chosen = replace(chosen, workers=workers)
    screen = Screen(quiet=as_json)
    try:
        with sigterm_raises():
            report = play(chosen, screen)
    except DemoFailed as error:
        raise Refusal(error.message, error.detail) from error
    if as_json:
        write_json(_as_record(report))
    else:
        _show(report, screen)
    if not report.passed:
        click.get_current_context().exit(Refusal.exit_code)


def _show(report: Report, screen: Screen) -> None:
    from pgq.demo.count import COUNTED

    screen.title("The largest modules")
    write_table(
        ("module", *COUNTED),
        [(name, *(f"{counts[key]:,}" for key in COUNTED)) for name, counts in report.largest()],
        "none",
    )
    totals = report.totals()
    screen.title(
        f"In all {totals['files']:,} files: "
        + ", ".join(f"{totals[key]:,} {key}" for key in COUNTED)
    )
    if totals["not_parsed"]:
        screen.line(
            f"{totals['not_parsed']:,} of them are not for this Python: their lines count, no more"
        )
    figures = report.figures
    screen.title("The queue's own figures")
    screen.line(
        f"jobs {figures.jobs:,}, retries {figures.retries:,}, {figures.jobs_per_second:,.0f} jobs/s"
    )
    screen.line(f"wait for a worker: p50 {span(figures.wait_p50)}, p99 {span(figures.wait_p99)}")
    screen.title("Checks")
    for text, holds in report.checks:
        screen.check(text, holds)


def _as_record(report: Report) -> dict[str, Any]:
    return {
        "passed": report.passed,
        "totals": report.totals(),
        "largest": [{"module": name, **counts} for name, counts in report.largest()],
        "queue": report.figures._asdict(),
        "violations": report.violations,
        "different": report.different,
        "checks": [{"check": text, "holds": holds} for text, holds in report.checks],
    }
