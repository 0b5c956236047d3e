"""Serving metrics and probes from a process of the command line."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pgq.cli.failures import WrongCall

if TYPE_CHECKING:
    from pgq.contrib.metrics.pages import Metrics

T = TypeVar("T")

TOKEN: Final = "PGQ_METRICS_TOKEN"
# How long (seconds) an event loop may take to answer before its process counts as hanging.
_LOOP_ANSWERS: Final = 5.0


class Pulse:
    """Whether the event loop that runs something still turns. Before that begins, all is well."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    async def of(self, running: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine, and watch the loop that it runs in."""
        self._loop = asyncio.get_running_loop()
        return await running

    def is_alive(self) -> bool:
        """Ask the loop from another thread; false where it does not answer within 5 seconds."""
        if self._loop is None:
            return True
        answered = threading.Event()
        try:
            self._loop.call_soon_threadsafe(answered.set)
        except RuntimeError:  # it is closed
            return False
        return answered.wait(_LOOP_ANSWERS)


@contextmanager
def served(
    where: Mapping[str | None, tuple[str, str]], host: str, port: int, pulse: Pulse
) -> Generator[str, None, None]:
    """Serve the numbers of databases while the context lasts; yield the address.

    where: each database's DSN and schema by its name, which is None where there is only one.

    WrongCall without a token on an address that other machines reach.
    """
    from pgq.contrib.metrics.exposition import check_installed

    check_installed()
    from pgq.contrib.http.server import Serving
    from pgq.contrib.web.hosts import is_loopback

    is_local = is_loopback(host)
    if not os.environ.get(TOKEN) and not is_local:
        raise WrongCall(
            f"other machines reach {host}, and there is no token",
            f"set {TOKEN} to a long random text, or listen on 127.0.0.1",
        )
    pages = numbers_of(where, is_local=is_local, is_alive=pulse.is_alive)
    with Serving(pages.wsgi, host, port) as serving:
        yield serving.url


def numbers_of(
    where: Mapping[str | None, tuple[str, str]],
    *,
    is_local: bool,
    is_alive: Callable[[], bool] = lambda: True,
) -> Metrics:
    """Return the pages with the numbers of databases, for who knows PGQ_METRICS_TOKEN.

    where: as for `served`. is_local: only this machine can ask, and needs no token if none is set.
    """
    from pgq.contrib.metrics.pages import Metrics

    dsn, schema = where.get(None, ("", "pgq"))
    return Metrics(
        dsn if None in where else {f"{name}": each for name, each in where.items()},
        schema=schema,
        token=os.environ.get(TOKEN) or None,
        from_here=is_local,
        is_alive=is_alive,
    )
