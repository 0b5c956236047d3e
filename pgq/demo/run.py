"""Play the demo: a server, the schema, one call that enqueues, worker processes, an ending."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg

from pgq import embedded
from pgq.demo.count import module_files
from pgq.demo.processes import Processes, run_workers
from pgq.demo.report import MISSING_ATTEMPTS, STUMBLE_EVERY, Report, make_report, sample
from pgq.demo.screen import Screen, Show
from pgq.errors import PgqError
from pgq.lib.connect import connect
from pgq.schema import migrate
from pgq.schema.names import quote_identifier

_ENQUEUE = """\
select count(*)
from {schema}.enqueue_many((
  select jsonb_agg(jsonb_build_object(
    'task', 'count_module',
    'queue', $1::text,
    'backoff', '500 ms',
    'args', jsonb_build_object('path', path, 'stumbles', place % {every} = 1)
  ))
  from unnest($2::text[]) with ordinality as file (path, place)
))"""

_ENQUEUE_MISSING = """\
select {schema}.enqueue(
  'count_module', '{"path": "gone.py"}',
  queue => $1, priority => -1, max_attempts => {attempts}, backoff => '500 ms'
)"""

_STATES = """\
select state, count(*)
from {schema}.all_jobs
where queue = $1
group by state"""

_UNFINISHED = ("scheduled", "ready", "running")
_STUCK_SECONDS = 60.0
_TICK_SECONDS = 0.2


class DemoFailed(PgqError):
    """The demo did not get to its end; whatever it started has ended."""


@dataclass(frozen=True)
class Options:
    """How to play: without `dsn` on a temporary server from `bindir`; `limit` is for files."""

    dsn: str | None = None
    schema: str = "pgq"
    bindir: Path | None = None
    workers: int = min(4, max(2, os.cpu_count() or 2))
    limit: int | None = None


def play(options: Options, screen: Screen) -> Report:
    """Play the demo and return its report; no process that it started is left behind.

    Raises DemoFailed where it gets stuck, ServerError where no server starts, and what
    `migrate.upgrade` raises.
    """
    files = module_files()[: options.limit]
    screen.title(f"Index the standard library of Python {sys.version.split()[0]}")
    screen.line(f"{len(files):,} files are to be parsed, each by a job of its own")
    with database(options, screen) as dsn:
        with screen.step(f"the schema {options.schema} is there"):
            migrate.upgrade(dsn, schema=options.schema)
        with connect(dsn, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
            return _Run(options, screen, dsn, connection).play(files)


class _Run:
    """One run on a database that holds the schema."""

    def __init__(
        self, options: Options, screen: Screen, dsn: str, connection: psycopg.Connection[Any]
    ) -> None:
        self._options = options
        self._screen = screen
        self._dsn = dsn
        self._connection = connection
        # In somebody's own database the run must not mix with what is there.
        self._queue = "demo" if options.dsn is None else f"demo-{token_hex(3)}"

    def play(self, files: list[Path]) -> Report:
        """Enqueue, let the workers work, count again; DemoFailed where that gets stuck."""
        options, screen = self._options, self._screen
        screen.title("One call enqueues them all, and another one a job that must fail")
        self._enqueue(files)
        screen.title(f"{options.workers} worker processes run them")
        with (
            run_workers(self._dsn, options.schema, options.workers, [self._queue]) as workers,
            screen.bar(len(files) + 1) as show,
        ):
            self._wait(len(files) + 1, workers, show)
        again = len(sample(files))
        screen.title(f"This process counts {again:,} of them too, without the queue")
        with screen.bar(again) as show:
            return make_report(self._connection, options.schema, self._queue, files, show)

    def _enqueue(self, files: list[Path]) -> None:
        many, missing = self._sql(_ENQUEUE), self._sql(_ENQUEUE_MISSING)
        self._screen.quote(f"{many};\n{missing};")
        with self._screen.step(f"{len(files) + 1:,} jobs are in the queue {self._queue}"):
            paths = [str(file) for file in files]
            self._connection.execute(many.encode(), (self._queue, paths))
            self._connection.execute(missing.encode(), (self._queue,))

    def _wait(self, total: int, workers: Processes, show: Show) -> None:
        """Show how far the jobs are until all have ended."""
        done, begun = 0, time.monotonic()
        moved_at = begun
        while done < total:
            time.sleep(_TICK_SECONDS)
            states = dict(
                self._connection.execute(self._sql(_STATES).encode(), (self._queue,)).fetchall()
            )
            now = time.monotonic()
            before, done = done, total - sum(states.get(state, 0) for state in _UNFINISHED)
            moved_at = now if done > before else moved_at
            show(
                done,
                f"{states.get('running', 0)} claimed, {states.get('scheduled', 0)} to retry,"
                f" {done / (now - begun):,.0f} jobs/s",
            )
            if workers.ended():
                raise DemoFailed("a worker ended too early", detail=workers.said())
            if now - moved_at > _STUCK_SECONDS:
                raise DemoFailed(
                    f"no job has ended for {_STUCK_SECONDS:.0f} s", detail=workers.said()
                )

    def _sql(self, template: str) -> str:
        names = {
            "{schema}": quote_identifier(self._options.schema),
            "{every}": str(STUMBLE_EVERY),
            "{attempts}": str(MISSING_ATTEMPTS),
        }
        for name, value in names.items():
            template = template.replace(name, value)
        return template


@contextmanager
def database(options: Options, screen: Screen) -> Generator[str, None, None]:
    """Yield the DSN to play on: the one given, or that of a server that ends with the block."""
    if options.dsn is not None:
        yield options.dsn
        return
    with screen.step("a temporary Postgres is up"):
        server = embedded.start(None, bindir=options.bindir)
    with server:
        yield server.dsn
