"""The command demo."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import Refusal
from pgq.cli.options import json_option, schema_option
from pgq.cli.output import write_json, write_table
from pgq.cli.server import announce, bindir_option, sigterm_raises
from pgq.cli.web_beside import check_web, dashboard_beside, web_option

if TYPE_CHECKING:
    from pgq.demo.report import Report, Story
    from pgq.demo.run import Options
    from pgq.demo.screen import Screen


@cli.command(short_help="Index Python's standard library with a queue, in half a minute.")
@click.option(
    "--workers", type=click.IntRange(1, 32), help="How many processes.  [default: 2 to 4]"
)
@click.option(
    "--live", is_flag=True, help="Keep a shop busy with jobs of every kind, until Ctrl-C."
)
@web_option
@click.option("--limit", type=click.IntRange(1), hidden=True)
@click.option("--dsn", metavar="DSN", help="Use this database, not a temporary server.")
@bindir_option
@schema_option
@json_option
def demo(
    workers: int | None,
    live: bool,
    web: bool,
    limit: int | None,
    dsn: str | None,
    bindir: Path | None,
    schema: str,
    as_json: bool,
) -> None:
    """Index Python's standard library with a queue, and check the index. Takes half a minute.

    Starts a temporary Postgres, enqueues a job per module from SQL in one call, runs them with
    several worker processes (some jobs fail once and are retried, one fails for good), and compares
    what they counted with a count of some of the modules without the queue. Exit code 1 where
    anything differs. PGQ_DSN is not looked at; with --dsn the schema is installed there, and it and
    the jobs stay.

    With --live, it is a shop instead, which keeps its workers busy until Ctrl-C: with payments,
    mail, reports, imports and more, with failures, retries, schedules, flows, batches and limits.
    Its first line is the command that makes other shells use it, to look at it from there. --web
    is the same with the dashboard, which it opens in your browser (pip install 'pgq-sql[web]').

    \b
      pgq demo
      pgq demo --web
      pgq demo --live             and in another terminal, with its PGQ_DSN: pgq top
    """
    from pgq.demo.run import DemoFailed, Options, play
    from pgq.demo.screen import Screen

    chosen = Options(
        dsn=None if dsn is None else find_dsn(dsn), schema=schema, bindir=bindir, limit=limit
    )
    if workers is not None:
        chosen = replace(chosen, workers=workers)
    live = live or web
    screen = Screen(quiet=as_json or live)
    if web:
        check_web()
    try:
        with sigterm_raises():
            if live:
                _keep_going(chosen, screen, as_json, web=web)
                return
            report = play(chosen, screen)
    except DemoFailed as error:
        raise Refusal(error.message, error.detail) from error
    if as_json:
        write_json(_as_record(report))
    else:
        _show(report, screen)
        _tell_where_to_look(screen, report.story, stays=dsn is not None)
    if not report.passed:
        click.get_current_context().exit(Refusal.exit_code)


def _keep_going(options: Options, screen: Screen, as_json: bool, *, web: bool) -> None:
    from pgq.demo.live import keep_going

    def tell(dsn: str) -> None:
        url = stack.enter_context(dashboard_beside(dsn, options.schema)) if web else None
        announce(dsn, options.schema, as_json, **({"url": url} if url else {}))
        if url is not None:
            screen.title(f"The dashboard is at {url}")
        screen.title("Where to look, in another terminal, with that PGQ_DSN")
        screen.line("pgq top      everything, as it changes")
        screen.line("pgq tail     how jobs end")
        screen.line("pgq psql     psql, with named queries")
        screen.line("pgq health   what needs a person")
        screen.title("Ctrl-C ends it")

    with suppress(KeyboardInterrupt), ExitStack() as stack:
        keep_going(options, screen, tell)


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
    screen.line(f"{figures.jobs_per_second:,.0f} jobs a second, {figures.retries:,} retries")
    screen.line(f"a job runs for {_ms(figures.run_p50)} (p50), {_ms(figures.run_p95)} (p95)")
    if report.story is not None:
        screen.title(f"What became of the job {report.story.id}")
        for since, text in report.story.moments():
            screen.line(f"{since.total_seconds():6.1f} s  " + text.replace("\n", "\n" + " " * 12))
    screen.title("Checks")
    for text, holds in report.checks:
        screen.check(text, holds)


def _ms(length: timedelta) -> str:
    return f"{length / timedelta(milliseconds=1):,.0f} ms"


def _tell_where_to_look(screen: Screen, story: Story | None, stays: bool) -> None:
    """Say what to do next: with the jobs, where they stay, else with a server that does."""
    screen.title("Where to look next")
    if stays:
        if story is not None:
            screen.line(f"pgq job {story.id}   all of the job that failed; pgq retry {story.id}")
        screen.line("pgq top, pgq health   with PGQ_DSN set to this database")
    else:
        screen.line("pgq demo --web    a shop that keeps going, in the dashboard")
        screen.line("pgq demo --live   the same without it, to look at with pgq top")
        screen.line("pgq dev           a Postgres to keep, with the schema in it, for the tutorial")


def _as_record(report: Report) -> dict[str, Any]:
    return {
        "passed": report.passed,
        "totals": report.totals(),
        "largest": [{"module": name, **counts} for name, counts in report.largest()],
        "queue": report.figures._asdict(),
        "failed_job": report.story and report.story._asdict(),
        "violations": report.violations,
        "counted_again": report.again,
        "different": report.different,
        "checks": [{"check": text, "holds": holds} for text, holds in report.checks],
    }
