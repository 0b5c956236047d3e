"""The shop that keeps going: a server, workers, customers, until the demo is ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

from pgq.client.clients import Client
from pgq.demo.processes import run_workers
from pgq.demo.run import DemoFailed, Options, database
from pgq.demo.screen import Screen
from pgq.demo.traffic import Traffic, prepare
from pgq.schema import migrate

QUEUES: Final = ("payments", "mail", "images", "partners", "reports", "imports")
_TASKS: Final = "pgq.demo.shop"
_CONCURRENCY: Final = 10
_TICK_SECONDS: Final = 0.5


def keep_going(options: Options, screen: Screen, open_: Callable[[str], None]) -> None:
    """Keep a shop going until KeyboardInterrupt; `open_` is told the DSN once there is traffic.

    No process that it started is left behind. Raises what `play` raises.
    """
    screen.title("A shop with customers, and jobs of every kind")
    with database(options, screen) as dsn:
        with screen.step(f"the schema {options.schema} is there"):
            migrate.upgrade(dsn, schema=options.schema)
        with (
            Client(dsn, schema=options.schema, actor="demo") as client,
            run_workers(
                dsn,
                options.schema,
                options.workers,
                QUEUES,
                tasks=_TASKS,
                concurrency=_CONCURRENCY,
                log_level="error",
            ) as workers,
        ):
            prepare(client)
            with _customers(client) as failures:
                screen.line(f"{options.workers} workers serve it")
                open_(dsn)
                while True:
                    time.sleep(_TICK_SECONDS)
                    if workers.ended():
                        raise DemoFailed("a worker ended too early", detail=workers.said())
                    if failures:
                        raise failures[0]


@contextmanager
def _customers(client: Client) -> Generator[list[Exception], None, None]:
    """Let customers come while the block runs; yield why they stayed away, if they do."""
    closed = threading.Event()
    failures: list[Exception] = []

    def come() -> None:
        try:
            Traffic(client).run(closed)
        except Exception as error:  # noqa: BLE001 (the demo's own thread raises it)
            failures.append(error)

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    try:
        yield failures
    finally:
        closed.set()
        thread.join()
