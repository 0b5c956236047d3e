"""The command bench."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from pgq.cli.app import cli
from pgq.cli.bars import Advance, has_bar, progress
from pgq.cli.database import find_dsn
from pgq.cli.failures import Refusal
from pgq.cli.output import write_table
from pgq.cli.server import bindir_option, sigterm_raises

if TYPE_CHECKING:
    from pgq.bench.figures import Figure, Table

NAMES = (
    "enqueue",
    "bulk",
    "drain",
    "engine",
    "latency",
    "backlog",
    "pinned",
    "costs",
    "kinds",
    "notify",
    "statistics",
)


@cli.command(short_help="Measure the queue on this machine, beside bare statements.")
@click.argument(
    "workloads", metavar="[WORKLOAD]...", nargs=-1, type=click.Choice(NAMES), default=None
)
@click.option("--quick", is_flag=True, help="Take fewer jobs: two minutes, and rougher figures.")
@click.option(
    "--json",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all runs, the machine and the server's settings there.",
)
@click.option("--dsn", metavar="DSN", help="Measure this database, not a temporary server.")
@click.option(
    "--runs", type=click.IntRange(1, 50), help="How often each run is made.  [default: 3]"
)
@click.option("--tiny", is_flag=True, hidden=True)
@bindir_option
def bench(
    workloads: tuple[str, ...],
    quick: bool,
    file: Path | None,
    dsn: str | None,
    runs: int | None,
    tiny: bool,
    bindir: Path | None,
) -> None:
    """Measure the queue on this machine, beside bare statements. Takes about ten minutes.

    WORKLOAD is enqueue, bulk, drain, engine, latency, backlog, pinned, costs, kinds, notify or
    statistics; without any all of them run. Each run is checked: every job ran exactly once and its
    end is stored, or the command fails.

    A temporary Postgres is used that waits for the disk as a real one does. With --dsn everything
    happens in schemas of that database whose names begin with pgq_bench; they are removed at the
    end, after Ctrl-C too. It keeps both the server and this machine busy. PGQ_DSN is not looked at.

    \b
      pgq bench --quick
      pgq bench drain latency --dsn postgresql://me@db/app --json drain.json
    """
    from dataclasses import replace

    from pgq.bench.figures import BenchFailed
    from pgq.bench.run import Options, run
    from pgq.bench.sizes import FULL, QUICK, TINY

    sizes = TINY if tiny else QUICK if quick else FULL
    options = Options(
        workloads=workloads,
        sizes=replace(sizes, runs=runs) if runs else sizes,
        dsn=None if dsn is None else find_dsn(dsn),
        bindir=bindir,
    )
    try:
        with sigterm_raises(), _Teller(len(workloads or NAMES)) as teller:
            found = run(options, teller.tell, teller.show)
    except BenchFailed as error:
        raise Refusal(error.message, error.detail or error.hint) from error
    show_machine(found["machine"])
    if file is not None:
        file.write_text(json.dumps(found, indent=2) + "\n")


def show(table: Table) -> None:
    """Write a contest's table: medians, and in brackets their ratio to the reference."""
    click.secho(f"\n{table.workload}: {table.title}", bold=True)
    rows = [
        (line.name, *(_cell(line.figures.get(name)) for name in table.columns))
        for line in table.lines
        if not line.missing
    ]
    write_table(["", *table.columns], rows, "nothing was measured")
    for line in table.lines:
        if line.missing:
            click.echo(f"  {line.name}: {line.missing}")
    for note in table.notes:
        click.echo(f"  ({note})")


def show_machine(found: dict[str, Any]) -> None:
    """Write what the figures depend on."""
    server = found["server"]
    click.secho("\nmachine", bold=True)
    click.echo(
        f"{found['system']}, {found['cores']} cores, {found['memory_gib']} GiB, load"
        f" {found['load_before']:.1f} before; Python {found['python']}, psycopg {found['psycopg']}"
    )
    click.echo("Postgres " + ", ".join(f"{key} {said}" for key, said in server.items()))


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = number(figure.median)
    return text if figure.ratio is None else f"{text} ({figure.ratio:.2f})"


def number(value: float) -> str:
    """Return a figure with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class _Teller:
    """Says what is measured: a bar on a terminal, which makes room for each table, else lines."""

    def __init__(self, workloads: int) -> None:
        self._workloads = workloads
        self._done = 0
        self._bar = ExitStack()
        self._advance: Advance | None = None

    def tell(self, text: str) -> None:
        """Say what is measured now."""
        if not has_bar():
            click.echo(f"  {text}", err=True)
            return
        if self._advance is None:
            self._advance = self._bar.enter_context(progress(text, self._workloads))
            self._advance(self._done)
        self._advance(0, now=text)

    def show(self, table: Table) -> None:
        """Write a table; one more workload is done."""
        self._hide()
        self._done += 1
        show(table)

    def _hide(self) -> None:
        self._bar.close()
        self._advance = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hide()
