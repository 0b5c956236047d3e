"""Numbers for machines: the command metrics."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.fleet import Target, ask_each, in_front, targets, tell_failures
from pgq.cli.options import fleet_options, json_option
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
@fleet_options
@json_option
def metrics(
    port: int | None, host: str, dsn: str | None, schema: str | None, as_json: bool
) -> None:
    """Print metrics in Prometheus' text format, or serve them.

    With --port it answers /metrics, /stats.json, /healthz and /readyz. The first two need the
    bearer token in PGQ_METRICS_TOKEN; without one only this machine may ask, and --host must be
    a loopback address. It needs prometheus-client: pip install 'pgq-sql[metrics]'. With several
    databases every number has the label `database`.

    \b
      pgq metrics | grep latency
      pgq metrics --port 9187
      pgq metrics --port 9187 --installation 's*'
      PGQ_METRICS_TOKEN=... pgq metrics --port 9187 --host 0.0.0.0
    """
    from pgq.cli.serving import Pulse, served

    where = targets(dsn, schema)
    if port is None:
        _print_once(where, as_json=as_json)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    places = {each.name: (find_dsn(each.dsn), each.schema) for each in where}
    with served(places, host, port, Pulse()) as url:
        click.echo(f"{url}/metrics", err=True)
        stop.wait()


def _print_once(where: Sequence[Target], *, as_json: bool) -> None:
    from pgq.contrib.metrics.exposition import check_installed, exposed
    from pgq.contrib.metrics.questions import metrics_of
    from pgq.contrib.metrics.several import series_of_all

    if as_json:
        rows, failures = ask_each(where, lambda client: client.metrics())
        write_json([in_front(target, record(row)) for target, said in rows for row in said])
    else:
        check_installed()
        found, failures = ask_each(where, metrics_of)
        if where[0].name is None:
            series = found[0][1]
        else:
            away = dict.fromkeys(failures, None)
            series = series_of_all({**{f"{each.name}": said for each, said in found}, **away})
        click.echo(exposed(series, "")[1].decode(), nl=False)
    tell_failures(failures)
