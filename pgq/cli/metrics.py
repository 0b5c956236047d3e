"""Numbers for machines: the command metrics."""

from __future__ import annotations

import signal
import threading

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn, open_client
from pgq.cli.options import database_options, json_option
from pgq.cli.output import record, write_json


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Serve them on this port until Ctrl-C; 0: any free one.  [default: print them once]",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen. Other machines are let in with the token alone.",
)
@database_options
@json_option
def metrics(port: int | None, host: str, dsn: str | None, schema: str, as_json: bool) -> None:
    """Print metrics in Prometheus' text format, or serve them.

    With --port it answers /metrics, /stats.json, /healthz and /readyz. The first two need the
    bearer token in PGQ_METRICS_TOKEN; without one only this machine may ask, and --host must be
    a loopback address. It needs prometheus-client: pip install 'pgq-sql[metrics]'.

    \b
      pgq metrics | grep latency
      pgq metrics --port 9187
      PGQ_METRICS_TOKEN=... pgq metrics --port 9187 --host 0.0.0.0
    """
    from pgq.cli.serving import Pulse, served
    from pgq.contrib.metrics.exposition import check_installed, exposed

    if port is None:
        with open_client(dsn, schema) as client:
            if as_json:
                write_json([record(row) for row in client.metrics()])
                return
            check_installed()
            click.echo(exposed(client.metric_series(), "")[1].decode(), nl=False)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with served(find_dsn(dsn), schema, host, port, Pulse()) as url:
        click.echo(f"{url}/metrics", err=True)
        stop.wait()
