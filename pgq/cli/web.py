"""The dashboard: the command web."""

from __future__ import annotations

import signal
from typing import Any, Final

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import WrongCall
from pgq.cli.options import database_options, json_option
from pgq.cli.output import write_json_line

_THREADS: Final = 8
_CONNECTIONS: Final = 200
_SILENCE: Final = 30


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="0: any free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@database_options
@json_option
def web(port: int, host: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Serve the dashboard until Ctrl-C.

    It listens on this machine alone, and changes nothing. The login needs no more than the role
    pgq_observer. It needs pip install 'pgq-sql[web]'.

    \b
      pgq web
      pgq web --port 9000
    """
    try:
        from waitress.server import create_server

        from pgq.contrib.web.app import Dashboard
    except ImportError as error:
        raise WrongCall(f"{error.name} is not installed", "pip install 'pgq-sql[web]'") from None
    from pgq.contrib.web.hosts import check_open

    check_open(host, is_guarded=False)
    dashboard = Dashboard(find_dsn(dsn), schema=schema)
    try:
        server: Any = create_server(
            dashboard.wsgi, host=host, port=port, threads=_THREADS, ident=None,
            connection_limit=_CONNECTIONS, channel_timeout=_SILENCE,
        )  # fmt: skip
    except OSError as error:
        raise WrongCall(f"cannot listen on {host}:{port}: {error.strerror}") from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    named = f"[{host}]" if ":" in host else host
    url = f"http://{named}:{server.effective_port}/"
    if as_json:
        write_json_line({"url": url})
    else:
        click.echo(url, err=True)
    try:
        server.run()
    finally:
        dashboard.close()
