"""The dashboard beside another command: `pgq demo --web`, `pgq dev --web`."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from pgq.cli.failures import WrongCall
from pgq.errors import InvalidArgument

if TYPE_CHECKING:
    from pgq.contrib.http.mount import Wsgi
    from pgq.contrib.http.server import Serving

# Where it is served if that is free; else anywhere.
_PORT: Final = 8080
_HERE: Final = "127.0.0.1"

web_option = click.option(
    "--web", is_flag=True, help="Serve the dashboard too, and open it in a browser."
)


def check_web() -> None:
    """WrongCall where the dashboard cannot be served, before anything else is started."""
    import importlib.util

    for name in ("werkzeug", "jinja2", "waitress", "a2wsgi"):
        if importlib.util.find_spec(name) is None:
            raise WrongCall(f"{name} is not installed", "pip install 'pgq-sql[web]'")


@contextmanager
def dashboard_beside(dsn: str, schema: str) -> Generator[str, None, None]:
    """Serve it from a thread while the block runs, and open it; yield where it is.

    It listens on this machine alone, and everybody on this machine may do everything.
    """
    from pgq.contrib.web.access import ALL, Access, from_here
    from pgq.contrib.web.actions.perform import Operator
    from pgq.contrib.web.app import Dashboard

    dashboard = Dashboard(
        dsn,
        schema=schema,
        authorize=from_here(Access("demo", ALL)),
        host_names=(),
        operator=Operator(dsn, schema),
        secret=os.urandom(32).hex(),
    )
    try:
        with _serving(dashboard.wsgi) as served:
            _open(served.url)
            yield served.url
    finally:
        dashboard.close()


def _serving(application: Wsgi) -> Serving:
    from pgq.contrib.http.server import Serving

    for port in (_PORT, 0):
        with suppress(InvalidArgument):  # it is taken
            return Serving(application, _HERE, port)
    raise WrongCall(f"cannot listen on {_HERE}", "leave out --web")


def _open(url: str) -> None:
    """Open a page where there is a screen; a browser in the terminal would be in the way."""
    has_screen = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if has_screen and sys.stdout.isatty():
        import webbrowser

        webbrowser.open(url)
