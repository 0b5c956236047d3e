"""The dashboard: the command web."""

from __future__ import annotations

import getpass
import importlib.util
import os
import secrets
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import WrongCall
from pgq.cli.fleet import targets
from pgq.cli.options import fleet_options, json_option, read_chosen
from pgq.cli.output import write_json_line

if TYPE_CHECKING:
    from pgq.config.keys import Config
    from pgq.contrib.web.access import Authorize
    from pgq.contrib.web.actions.perform import Operator
    from pgq.contrib.web.hosts import Network, Wsgi
    from pgq.contrib.web.site import Site

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
@click.option(
    "--token",
    envvar="PGQ_WEB_TOKEN",
    show_envvar=True,
    help="Who knows it comes in: as Bearer, or as the password that a browser asks for.",
)
@click.option(
    "--behind-proxy-user",
    metavar="HEADER",
    help="The proxy says in this header who asks.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="NETWORK",
    help="Such as 10.0.0.0/8: believe what it says of who asked. Repeat.",
)
@click.option(
    "--host-name",
    "names",
    multiple=True,
    metavar="NAME",
    help="By which name it is asked, besides addresses and localhost. Repeat.",
)
@click.option(
    "--may",
    default="view",
    show_default=True,
    metavar="RIGHTS",
    help="What who comes in may do: names with commas, or all.",
)
@click.option(
    "-q",
    "--queue",
    "queues",
    multiple=True,
    metavar="SELECTOR",
    help="Only of these queues, such as mail or mail.*; repeat.  [default: all]",
)
@click.option(
    "--operate-dsn", envvar="PGQ_OPERATE_DSN", show_envvar=True, help="The login for actions."
)
@click.option("--operate-role", metavar="ROLE", help="What that login becomes for an action.")
@click.option("--enqueue-role", metavar="ROLE", help="What it becomes to enqueue a new job.")
@click.option("--title", metavar="TEXT", help="What the pages call this installation.")
@click.option("--trace-url", metavar="URL", help="Where traces are shown; has {trace_id} in it.")
@click.option(
    "--hide",
    multiple=True,
    metavar="NAME",
    help="A name whose value nobody sees in what jobs carry; repeat.",
)
@click.option(
    "--hide-args",
    multiple=True,
    metavar="TASK",
    help="A task, such as mail.*, of whose arguments only the shape is shown; repeat.",
)
@click.option(
    "--saved",
    multiple=True,
    metavar="NAME=ADDRESS",
    help="A list of jobs to offer, such as late=/jobs?state=failed; repeat.",
)
@fleet_options
@json_option
def web(
    port: int, host: str, dsn: str | None, schema: str | None, as_json: bool, **given: Any
) -> None:
    """Serve the dashboard until Ctrl-C.

    By default it listens on this machine alone, and changes nothing. For other addresses say how to
    know who asks: --token, PGQ_WEB_PASSWORD, or --behind-proxy-user. To let people do more than
    look, name rights (--may). The login for pages needs no more than the role pgq_observer; actions
    need pgq_operator, and new jobs pgq_producer. It needs pip install 'pgq-sql[web]'.

    Title, traces, saved lists and what is hidden can stand in the configuration, as [web]. With
    pip install 'pgq-sql[metrics]' it also answers /metrics, as `pgq metrics --port` does.
    With several databases the first page leads to the pages of each.

    Rights: view, see_args, audit, retry, cancel, discard, enqueue_again, enqueue, pause, limits,
    release, workers, schedules, batches, marks.

    \b
      pgq web
      pgq web --may all
      pgq web --host 0.0.0.0 --host-name pgq.example.com --may retry,cancel,pause
      pgq web --installation 's*'
    """
    try:
        from waitress.server import create_server

        from pgq.contrib.web.app import Dashboard
        from pgq.contrib.web.several import Dashboards
    except ImportError as error:
        raise WrongCall(f"{error.name} is not installed", "pip install 'pgq-sql[web]'") from None
    from pgq.contrib.web.hosts import BehindProxies, is_loopback, networks

    proxies = networks(given["proxies"])
    where = targets(dsn, schema)
    if len(where) > 1 and given["operate_dsn"]:
        raise WrongCall("--operate-dsn names one database, and there are several", "leave it out")
    guard = _guard(host, proxies, given)
    looks = looks_of(read_chosen(click.get_current_context())[0], given)
    places = {each.name: (find_dsn(each.dsn), each.schema) for each in where}

    def dashboard_of(address: str, schema: str, title: str) -> Dashboard:
        operator = _operator(address, schema, given) if guard.can_change else None
        return Dashboard(
            address, schema=schema, authorize=guard.authorize, host_names=guard.host_names,
            secret=guard.secret, operator=operator, **{**looks, "title": title},
        )  # fmt: skip

    one = places.get(None)
    dashboard: Site = (
        dashboard_of(*one, looks["title"])
        if one
        else Dashboards(
            {f"{name}": dashboard_of(*at, f"{name}") for name, at in places.items()},
            title=looks["title"],
        )
    )
    pages = _with_metrics(dashboard.wsgi, places, is_local=is_loopback(host))
    try:
        server: Any = create_server(
            BehindProxies(pages, proxies), host=host, port=port, threads=_THREADS,
            ident=None, connection_limit=_CONNECTIONS, channel_timeout=_SILENCE,
            # These headers are a sign that a proxy is there; what they say we do not believe.
            clear_untrusted_proxy_headers=False,
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


class _Guard(NamedTuple):
    """Who comes in, by which host names, what signs forms, and whether anything can be changed."""

    authorize: Authorize
    host_names: tuple[str, ...]
    secret: str
    can_change: bool


def _guard(host: str, proxies: Sequence[Network], given: Mapping[str, Any]) -> _Guard:
    """Return what the options say of who comes in; InvalidArgument."""
    from pgq.contrib.web.access import SHOWS, Access, by_header, by_password, by_token, from_here
    from pgq.contrib.web.hosts import check_open, host_names

    token, password = given["token"], os.environ.get("PGQ_WEB_PASSWORD")
    header: str | None = given["behind_proxy_user"]
    if sum(map(bool, (token, password, header))) > 1:
        raise WrongCall(
            "several ways to know who asks",
            "Pass one of --token, PGQ_WEB_PASSWORD and --behind-proxy-user.",
        )
    check_open(host, is_guarded=bool(token or password or header))
    access = Access(_me(), given["may"], given["queues"] or None)
    if header:
        authorize = by_header(header, proxies, access)
    elif token:
        authorize = by_token(token, access)
    else:
        authorize = by_password(password, access) if password else from_here(access)
    # There is one process, so a secret of its own will do where none is given.
    secret = os.environ.get("PGQ_WEB_SECRET") or token or password or secrets.token_urlsafe()
    return _Guard(authorize, host_names(given["names"]), secret, bool(access.may - SHOWS))


def _operator(dsn: str, schema: str, given: Mapping[str, Any]) -> Operator:
    """Return the login by which actions are done in a database."""
    from pgq.contrib.web.actions.perform import Operator

    return Operator(
        given["operate_dsn"] or dsn, schema,
        role=given["operate_role"], producer_role=given["enqueue_role"],
    )  # fmt: skip


def looks_of(config: Config, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a Dashboard that say how pages look and what they hide; WrongCall.

    What was given on the command line goes before the configuration.
    """
    from pgq.contrib.web.redact import Redactor
    from pgq.contrib.web.settings import Settings

    pairs = [each.partition("=") for each in given.get("saved", ())]
    if wrong := [name for name, sign, _ in pairs if not sign]:
        raise WrongCall(f"--saved {wrong[0]!r} has no =", "write NAME=/jobs?state=failed")
    saved = {name: address for name, _, address in pairs} or config.web_saved
    trace_url = given.get("trace_url") or config.web_trace_url
    Settings(trace_url, saved)
    hide = given.get("hide") or config.web_hide
    hide_args = given.get("hide_args") or config.web_hide_args
    return {
        "title": given.get("title") or config.web_title,
        "redactor": Redactor(hide, hide_args=hide_args),
        "trace_url": trace_url,
        "saved": saved,
    }


def _with_metrics(
    pages: Wsgi, places: Mapping[str | None, tuple[str, str]], *, is_local: bool
) -> Wsgi:
    """Answer /metrics and /stats.json as well, to who knows PGQ_METRICS_TOKEN, or on this machine.

    Without prometheus-client there are none.
    """
    if importlib.util.find_spec("prometheus_client") is None:
        return pages
    from pgq.cli.serving import numbers_of

    metrics = numbers_of(places, is_local=is_local)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_ours = environ.get("PATH_INFO") in ("/metrics", "/stats.json")
        return (metrics.wsgi if is_ours else pages)(environ, start_response)

    return answer


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "local"
