"""The worker: claims jobs of its queues, runs their handlers, and settles them.

    worker = pgq.Worker("postgresql://…", queues=["mail", "default"])
    asyncio.run(worker.run())

    async with pgq.Worker("postgresql://…"):  # runs in the background of the block
        ...

Delivery is at least once: a job runs again if its worker died or could not report its end. What a
handler writes in `Context.transaction()` happens exactly once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from pgq import tasks
from pgq.errors import InvalidArgument, WorkerStuck
from pgq.hooks import Hooks
from pgq.lib.durations import DEFAULT_HEARTBEAT, DEFAULT_LEASE, HEARTBEATS_IN_A_LEASE
from pgq.lib.forks import no_children_in
from pgq.lib.owners import guarded, of_worker
from pgq.lib.report import first_line
from pgq.lib.shield import wait_out
from pgq.lib.signals import caught
from pgq.logs import log_event
from pgq.middleware import Middleware, chain_of
from pgq.rows import ClaimedJob
from pgq.schedules import StaticSchedules
from pgq.schema.names import Names
from pgq.worker.budget import Budget
from pgq.worker.engine import Engine
from pgq.worker.outcome import RunOutcome

Seconds = timedelta | float
"""A timedelta, or a number of seconds."""


# How many jobs it may hold that have not begun; how many it does depends on how long they take.
_PREFETCH: Final = 1000
# How much (seconds) of shutdown_timeout is for the last words.
_LAST_PART: Final = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker was made with; durations in seconds."""

    dsn: str
    listen_dsn: str
    schema: str
    queues: list[str]
    shares: list[int] | None
    registry: tasks.Registry
    concurrency: int
    prefetch: int
    name: str
    poll_interval: float
    heartbeat_interval: float
    lease: float
    drain: bool
    schema_timeout: float
    schedules: bool
    schedule_source: str
    schedule_files: list[StaticSchedules]
    hooks: Hooks = field(default_factory=Hooks)
    middleware: Sequence[Middleware] = ()
    claims: bool = True
    maintains: bool = True
    registered: Callable[[int], None] | None = None
    declares: bool = True
    settled: Callable[[ClaimedJob, RunOutcome, Any], None] | None = None
    exit_after_outage: float | None = None
    web_url: str | None = None
    budget: Budget | None = None

    @property
    def deadline(self) -> float:
        """How long the answer to a call may take: a frozen peer is found out within the lease."""
        return max(2.0, self.lease / 2)

    def all_hooks(self) -> Hooks:
        """Return the worker's own hooks and then those of its registry."""
        hooks = Hooks()
        hooks.extend(self.hooks)
        hooks.extend(self.registry.hooks)
        return hooks


class Worker:
    """Runs jobs in one event loop: async handlers as tasks, all others in threads.

    queues: exact names, "prefix*" or "*", best first. shares: a number for each of them, where the
    order is not to be strict: how often claims begin with it. registry: whose tasks it runs, by
    default those of `pgq.task`; jobs of others are left to other workers. concurrency: how many
    jobs at once. prefetch: how many more jobs to claim at most, 1000 by default; it claims as many
    as will start within a tenth of a second. poll_interval: how often to poll at least, without
    notifications. lease: if the worker is silent for longer, it is given up and its jobs run
    elsewhere. listen_dsn: a direct connection to the server, if `dsn` leads through a transaction
    pooler. drain: end as soon as a claim and promote_due find nothing and nothing runs here; jobs
    scheduled for later do not hold it. schema_timeout: how long to wait for a schema, or a server,
    that is not there yet. shutdown_timeout: how long the end may take after the first stop, even if
    the database does not answer; three seconds before it is over, or at half of a shorter time, the
    worker acts as if the second stop had come. exit_after_outage: for how long the database may
    stay away before `run` raises DatabaseAway, by default for ever. web_url: where the dashboard
    is; the log then says of a failed job where its page is.

    schedules: whether it fires due schedules, anybody's; a worker that drains never does. When it
    starts it makes the registry's schedules exactly those of the source `schedule_source`, and
    those of `schedules_file`, a TOML file, those of that file. So workers with different registries
    need different sources, or they remove each other's schedules. With an empty source it changes
    no schedules.

    middleware: what surrounds each job's handler, outside of the registry's; see pgq.middleware.
    hooks: what else runs at the start and the end, before the registry's; see pgq.hooks.

    claims: False makes a worker that runs no jobs, only what every worker does besides: promotion,
    maintenance, schedules. maintains: whether it does housekeeping (rescue of dead workers, expiry,
    partitions); some worker must, or somebody calls `pgq maintain`.

    budget: slots that several workers of one event loop share, in place of `concurrency`; say,
    those of several databases.

    Raises InvalidArgument for options that are not valid, ValueError for a schema name that cannot
    be used.
    """

    def __init__(
        self,
        dsn: str = "",
        *,
        queues: Sequence[str] = ("*",),
        shares: Sequence[int] | None = None,
        registry: tasks.Registry | None = None,
        concurrency: int = 10,
        prefetch: int | None = None,
        schema: str = "pgq",
        name: str | None = None,
        poll_interval: Seconds = 2.0,
        lease: Seconds = DEFAULT_LEASE,
        heartbeat_interval: Seconds | None = None,
        listen_dsn: str | None = None,
        drain: bool = False,
        schedules: bool = True,
        schedule_source: str = "python",
        schedules_file: str | os.PathLike[str] | None = None,
        schema_timeout: Seconds = 60.0,
        shutdown_timeout: Seconds | None = None,
        exit_after_outage: Seconds | None = None,
        web_url: str | None = None,
        handle_signals: bool = True,
        middleware: Sequence[Middleware] = (),
        hooks: Hooks | None = None,
        claims: bool = True,
        maintains: bool = True,
        budget: Budget | None = None,
    ) -> None:
        if isinstance(queues, str) or not queues:
            raise InvalidArgument("queues must be a list of at least one name")
        if shares is not None and not _are_shares(shares, queues):
            hint = "Pass as many whole numbers from 1 to 10000 as there are queues."
            raise InvalidArgument("shares are not a number for each queue", hint)
        if concurrency < 1:
            raise InvalidArgument(f"concurrency is {concurrency}", "Pass at least 1.")
        if schedules_file is not None and not schedules:
            raise InvalidArgument("a schedules file, but no schedules", "Leave one of them out.")
        if drain and not claims:
            raise InvalidArgument("a worker that claims nothing cannot drain")
        held = _seconds("lease", lease)
        beat = held / HEARTBEATS_IN_A_LEASE if heartbeat_interval is None else heartbeat_interval
        self._options = Options(
            dsn=dsn,
            listen_dsn=dsn if listen_dsn is None else listen_dsn,
            schema=Names(schema).schema,
            queues=list(queues),
            shares=None if shares is None else list(shares),
            registry=tasks.registry if registry is None else registry,
            concurrency=concurrency,
            prefetch=_PREFETCH if prefetch is None else prefetch,
            name=name or f"{socket.gethostname()}-{os.getpid()}",
            poll_interval=_seconds("poll_interval", poll_interval),
            heartbeat_interval=_seconds("heartbeat_interval", beat),
            lease=held,
            drain=drain,
            schema_timeout=_seconds("schema_timeout", schema_timeout),
            schedules=schedules,
            schedule_source=schedule_source,
            middleware=tuple(middleware),
            hooks=Hooks() if hooks is None else hooks,
            schedule_files=[] if schedules_file is None else [_read_schedules(schedules_file)],
            claims=claims,
            maintains=maintains,
            exit_after_outage=None
            if exit_after_outage is None
            else _seconds("exit_after_outage", exit_after_outage),
            web_url=web_url and web_url.rstrip("/"),
        )
        chain_of(middleware)
        if budget is not None:
            self._options = replace(self._options, budget=budget, concurrency=budget.concurrency)
        if self._options.heartbeat_interval > held / 2:
            hint = f"Leave it out: {DEFAULT_HEARTBEAT}."
            raise InvalidArgument("heartbeat_interval is over half of the lease", hint)
        self._shutdown_timeout = (
            None if shutdown_timeout is None else _seconds("shutdown_timeout", shutdown_timeout)
        )
        self._handle_signals = handle_signals
        self._engine: Engine | None = None
        self._run: asyncio.Task[None] | None = None
        self._stops = 0

    @property
    def name(self) -> str:
        """What it is called in the database."""
        return self._options.name

    @property
    def queues(self) -> Sequence[str]:
        """Its queue selectors, best first."""
        return tuple(self._options.queues)

    def tell(self, registered: Callable[[int], None]) -> None:
        """Have `registered` called with each id that it registers under; before it runs."""
        self._options = replace(self._options, registered=registered)

    @property
    def running(self) -> int:
        """How many jobs it holds right now."""
        return len(self._engine.runner.active) if self._engine else 0

    async def run(self) -> None:
        """Work until stopped or drained; in the main thread SIGTERM and SIGINT call `stop`, and
        SIGQUIT stops at once.

        Raises SchemaMissing, SchemaTooOld or psycopg.OperationalError when there is nothing to work
        on within schema_timeout; InvalidCron, InvalidJob or InvalidArgument for schedules that
        cannot be made; psycopg's error for a missing right. Later no error of the database ends it:
        only DatabaseAway, if asked for, and UnsupportedClient after a migration. Raises WorkerStuck
        when every slot is taken by a thread that has been past its job's timeout for five seconds:
        only a new process frees these slots.

        Cancelling it, in whatever way, makes it stop at once and leave in order: async handlers are
        cancelled, threads see context.cancelled, and what ends within a second is handed back
        without counting an attempt. A handler that does not end by then is a lost run. All of it
        takes a few seconds at most.
        """
        self._begin()
        with self._signals():
            await self._ended()

    async def __aenter__(self) -> Self:
        """Work in the background of the block; signals are left to the one that runs the process.

        Raises InvalidArgument where `run` does. What ends the worker early is logged at once.
        """
        self._begin().add_done_callback(_log_end)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop in order and wait for the end, for shutdown_timeout; raises what ended the worker.

        An error of the block itself goes before that. A block that is cancelled does not wait: see
        `run`.
        """
        assert self._run is not None
        if isinstance(error, asyncio.CancelledError):
            self._interrupt()
        elif not self._run.done():
            self.stop()
        try:
            await self._ended()
        except Exception:
            if error is None:
                raise

    @property
    def task(self) -> asyncio.Task[None]:
        """What it runs in, once it does: to be watched, not to be cancelled."""
        assert self._run is not None
        return self._run

    def check(self) -> None:
        """Raise InvalidArgument where it could not run: it has run before, or knows no task."""
        if self._run is not None:
            raise InvalidArgument("this worker is running, or has run", "Make another Worker.")
        registry = self._options.registry
        if self._options.claims and not len(registry) and not registry.accept_all:
            raise InvalidArgument(
                "no task is registered", "Import the modules that define tasks with @pgq.task."
            )

    def _begin(self) -> asyncio.Task[None]:
        self.check()
        self._engine = Engine(self._options)
        self._run = of_worker(self._work(self._engine))
        return self._run

    async def _work(self, engine: Engine) -> None:
        loop = asyncio.get_running_loop()
        if self._stops:
            return  # it was told to stop before it began
        with guarded(loop), no_children_in(loop):
            await engine.run()

    async def _ended(self) -> None:
        """Wait for the end of the run; see `run` for what being cancelled meanwhile means."""
        assert self._run is not None
        await wait_out(self._run, self._interrupt)
        try:
            self._run.result()
        except asyncio.CancelledError:
            if self._stops < 2:
                raise
        except WorkerStuck:
            # A worker that was told to stop meanwhile must not start again.
            if not self._stops:
                raise

    def stop(self, *, at_once: bool = False) -> None:
        """Stop: at the first call in order, at the second at once. For the event loop's thread.

        Before the start it counts too: then the worker ends as soon as it begins.

        In order: nothing more is claimed, jobs that have not begun are handed back without
        counting an attempt, running ones are waited for and settled, but for threads that have
        been past their jobs' timeouts for five seconds. At once: async handlers are
        cancelled, threads are left alone, and running jobs count as lost runs, to be retried.
        at_once: make this call the second one.
        """
        self._stops += 2 if at_once else 1
        if self._engine is None or self._run is None:
            return
        if self._stops > 1:
            self._leave(hands_back=False)
            return
        self._engine.stop()
        limit = self._shutdown_timeout
        if limit is not None:
            self._engine.leave_by = time.monotonic() + limit
            asyncio.get_running_loop().call_later(limit - min(_LAST_PART, limit / 2), self.stop)

    def _interrupt(self) -> None:
        """Do what being cancelled does to `run`: stop at once, and hand back what was running."""
        self._stops += 2
        if self._run is not None:
            self._leave(hands_back=True)

    def _leave(self, *, hands_back: bool) -> None:
        """Cancel the run, unless it is saying goodbye already."""
        assert self._engine is not None and self._run is not None
        if not self._engine.leaving:
            self._engine.leave(hands_back=hands_back)
            self._cancel(self._engine, self._run)

    def _cancel(self, engine: Engine, run: asyncio.Task[None]) -> None:
        """Cancel the run until it has noticed: some code swallows that now and then."""
        if not engine.has_ended and not run.done():
            asyncio.Task.cancel(run)  # also where a handler has told it to stop
            asyncio.get_running_loop().call_later(0.1, self._cancel, engine, run)

    def _signals(self) -> AbstractContextManager[None]:
        if not self._handle_signals:
            return nullcontext()
        at_once = partial(self.stop, at_once=True)
        return caught({"SIGTERM": self.stop, "SIGINT": self.stop, "SIGQUIT": at_once})


def _log_end(run: asyncio.Task[None]) -> None:
    if not run.cancelled() and (error := run.exception()) is not None:
        hint = getattr(error, "hint", None)
        log_event(logging.CRITICAL, "worker.ended", error=first_line(error), hint=hint)


def _read_schedules(file: str | os.PathLike[str]) -> StaticSchedules:
    from pgq.schedule_files import read_schedules

    return read_schedules(file)


def _are_shares(given: Sequence[Any], queues: Sequence[str]) -> bool:
    numbers = [each for each in given if type(each) is int and 1 <= each <= 10_000]
    return len(numbers) == len(given) == len(queues)


def _seconds(what: str, given: Seconds) -> float:
    seconds = given.total_seconds() if isinstance(given, timedelta) else float(given)
    if not 0 < seconds < float("inf"):
        raise InvalidArgument(f"{what} is {given}", "Pass a positive number of seconds.")
    return seconds
