"""The command conformance."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.options import json_option
from pgq.cli.output import write_json
from pgq.cli.server import bindir_option, sigterm_raises

if TYPE_CHECKING:
    from pgq.conformance import Verdict

SCHEMA = "pgq_conformance"


@cli.command(short_help="Check that a worker, in any language, keeps to the protocol.")
@click.argument("command", metavar="-- COMMAND...", nargs=-1, required=True)
@click.option("--only", "names", multiple=True, metavar="CHECK", help="Only this check; repeat it.")
@click.option("--dsn", metavar="DSN", help="Use this database, not a temporary server.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where the temporary server listens on 127.0.0.1.  [default: socket only]",
)
@bindir_option
@json_option
@click.pass_context
def conformance(
    ctx: click.Context,
    command: tuple[str, ...],
    names: tuple[str, ...],
    dsn: str | None,
    port: int | None,
    bindir: Path | None,
    as_json: bool,
) -> None:
    """Start a worker's COMMAND, and check what it does. Takes a minute or two.

    The worker gets what it needs in its environment: PGQ_DSN, PGQ_SCHEMA, PGQ_WORKER_QUEUES,
    PGQ_WORKER_NAME, PGQ_WORKER_CONCURRENCY, PGQ_WORKER_LEASE and PGQ_WORKER_POLL_INTERVAL (these
    two such as 4s). It must know the tasks conformance.echo, conformance.fail and
    conformance.sleep: docs/worker-protocol.md says what they do, and what is checked.

    A temporary Postgres is used. With --dsn everything happens in the schema pgq_conformance of
    that database, which is removed at the end; all other sessions of that database are cut.
    Exit code 1 if the worker breaks a promise.

    \b
      pgq conformance -- pgq worker pgq.conformance.tasks
      pgq conformance --port 5433 -- node worker.mjs
      pgq conformance --only cancels --only pauses -- ./worker
    """
    from pgq import embedded
    from pgq.conformance import run
    from pgq.conformance.run import NAMES
    from pgq.schema import migrate

    for unknown in sorted(set(names) - set(NAMES)):
        raise click.UsageError(f"there is no check {unknown}; there are {', '.join(NAMES)}", ctx)
    with sigterm_raises(), ExitStack() as held:
        schema = "pgq" if dsn is None else SCHEMA
        if dsn is None:
            where = held.enter_context(embedded.start(None, bindir=bindir, port=port)).dsn
        else:
            where = find_dsn(dsn)
            held.callback(migrate.uninstall, where, schema=schema)
        migrate.upgrade(where, schema=schema)
        verdicts = run(where, schema, command, names, _ignore if as_json else _show)
    if as_json:
        write_json([one._asdict() for one in verdicts])
    broken = sum(one.problem is not None for one in verdicts)
    if not as_json:
        click.echo(f"{len(verdicts) - broken} of {len(verdicts)} promises kept")
    ctx.exit(1 if broken else 0)


def _ignore(_: Verdict) -> None:
    """Say nothing yet: JSON is written at the end."""


def _show(verdict: Verdict) -> None:
    word = click.style("ok    ", fg="green") if verdict.problem is None else _BROKEN
    click.echo(f"{word} {verdict.name:22} {verdict.promise}")
    if verdict.problem is not None:
        click.echo(f"       {verdict.problem}")
        for line in verdict.said.splitlines():
            click.echo(f"       | {line}")


_BROKEN = click.style("broken", fg="red")
